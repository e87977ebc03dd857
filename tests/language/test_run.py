"""Running a program: values, results, errors, and what is left behind."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Flag
from typing import Any

import pytest

import hogdsl as hog
from hogdsl.events import Event, Failed, Joined, RegionStarted
from hogdsl.language.bindings import Bindings
from hogdsl.language.cancelling import CancelScope
from hogdsl.testing import script
from tests.language.stage import (
    Act,
    Stage,
    StageSession,
    bindings,
    callback,
    endless,
    run_on,
    writes,
)


@hog.program
def answers(s: hog.Scope, question: str, *, loud: bool = False) -> str:
    """Answers a question."""
    s += question + hog.gen("answer")
    return s["answer"].upper() if loud else s["answer"]


@hog.program
def shares(s: hog.Scope) -> dict[str, str]:
    s += "go"
    with s.fork("a", "b", max_tokens=2) as team:
        for worker in team:
            worker += hog.gen("work")
    s += hog.gen("end")
    return {worker.name: worker["work"] + "/" + worker.ended for worker in team}


class FaultyRuntime(Stage):
    """Gives the events that it is told to give, and no others."""

    def __init__(self, *events: Event) -> None:
        super().__init__()
        self._events = events

    def open(self, **settings: Any) -> StageSession:
        session = super().open(**settings)
        session.run = lambda region, commands=(), live=True: iter(self._events)
        return session


def test_calling_a_program_returns_what_its_function_returns():
    assert answers.on(script({"main": "forty-two"}))("6*7? ", loud=True) == "FORTY-TWO"


def test_a_run_has_value_usage_events_values_and_texts():
    run = answers.on(script({"main": "forty two"})).run("6*7? ")
    assert run.value == run["answer"] == "forty two"
    assert (run.usage.steps, run.usage.tokens_generated) == (3, 3)  # the end is a token
    assert run.streams == {"main": "6*7? forty two"}
    assert [event.seq for event in run.events] == list(range(len(run.events)))
    assert isinstance(run.events[0], RegionStarted)
    assert isinstance(run.events[-1], Joined)


def test_values_of_streams_are_found_by_stream_and_name():
    run = shares.on(script({"a": "1 2 3", "b": "4", "main": "5"})).run()
    assert run.value == {"a": "1 2 /budget", "b": "4/finished"}
    assert dict(run.values) == {"a.work": "1 2 ", "b.work": "4", "end": "5"}
    assert run.streams["b"] == "\n\n**b:** 4"


def test_a_run_says_which_values_it_has():
    run = answers.on(script({"main": "x"})).run("")
    with pytest.raises(hog.ProgramError) as caught:
        run["b"]
    assert caught.value.rule == "the run has no value 'b'. There is 'answer'."


def test_a_value_that_a_stream_did_not_get_to_is_an_error_that_says_why():
    @hog.program
    def short(s: hog.Scope) -> str:
        with s.fork("a", max_tokens=1) as team:
            team["a"] += hog.gen("x") + hog.gen("y")
        return team["a"]["y"]

    with pytest.raises(hog.ProgramError) as caught:
        short.on(script({"a": ["1 2", "3"]}))()
    assert caught.value.rule == (
        "the stream 'a' has no value 'y': it has 'x', and it ended with the reason 'budget'. "
        "Name a gen of it so, or give it a greater budget."
    )


def test_seed_and_bounds_reach_the_runtime():
    runtime = Stage(writes("x"))
    answers.on(runtime, seed=7, max_tokens=3, max_seconds=2.5)("")
    answers.on(runtime)("")
    assert runtime.opened == [
        {"seed": 7, "max_tokens": 3, "max_seconds": 2.5, "tenant": ""},
        {"seed": 0, "max_tokens": None, "max_seconds": None, "tenant": ""},
    ]


def test_a_run_closes_its_session():
    runtime = script({"main": "x"})
    answers.on(runtime)("")
    assert [session.closed for session in runtime.sessions] == [True]


def test_a_program_that_raises_closes_its_session():
    @hog.program
    def breaks(s: hog.Scope) -> None:
        s += hog.gen("x")
        raise LookupError(s["x"])

    runtime = script({"main": "why"})
    with pytest.raises(LookupError, match="why"):
        breaks.on(runtime)()
    assert [session.closed for session in runtime.sessions] == [True]


def test_ctrl_c_closes_the_session():
    def interrupted(act: Act) -> Iterator[Event]:
        yield act.wrote("main", "x")
        raise KeyboardInterrupt

    runtime = Stage(interrupted)
    with pytest.raises(KeyboardInterrupt):
        answers.on(runtime)("")
    assert runtime.sessions[0].closed


def test_a_program_without_regions_opens_no_session():
    @hog.program
    def nothing(s: hog.Scope) -> int:
        return 42

    runtime = script({})
    assert nothing.on(runtime)() == 42
    assert runtime.sessions == []


@pytest.mark.parametrize(
    "kind", [hog.PlanError, hog.CapacityError, hog.RunCancelled, hog.InternalError]
)
def test_a_failed_run_raises_the_error_that_the_runtime_names(kind: type[hog.HogError]):
    failed = Failed.model_validate(
        {"seq": 0, "step": 0, "error": kind.__name__, "message": "no room: 5 pages"}
    )
    runtime = FaultyRuntime(failed)
    with pytest.raises(kind, match="no room: 5 pages"):
        answers.on(runtime)("")
    assert runtime.sessions[0].closed


def test_a_runtime_that_does_not_end_a_region_is_found_out():
    with pytest.raises(hog.InternalError, match=r"left the region 'main\.0' without Joined"):
        answers.on(FaultyRuntime())("")


def test_a_runtime_that_forgets_a_stream_is_found_out():
    @hog.program
    def reads(s: hog.Scope) -> str:
        with s.fork("a") as team:
            team["a"] += hog.gen(max_tokens=3)
        return team["a"].text

    runtime = FaultyRuntime(Joined(seq=0, step=0, region="fork.0", usage=hog.Usage()))
    with pytest.raises(hog.InternalError, match="never said that its stream 'a' has ended"):
        reads.on(runtime)()


def test_a_program_looks_like_its_function():
    assert (answers.name, answers.__doc__) == ("answers", "Answers a question.")
    assert str(answers.signature) == "(question: str, *, loud: bool = False) -> str"
    assert repr(answers) == "<Program answers(question: str, *, loud: bool = False) -> str>"


def test_a_generator_cannot_be_a_program():
    def yields(s: hog.Scope):
        yield s

    with pytest.raises(hog.ProgramError, match="'yields' is a generator or a coroutine"):
        hog.program(yields)


def test_a_function_without_a_scope_cannot_be_a_program():
    def no_scope() -> None: ...

    decorate = hog.program
    with pytest.raises(hog.ProgramError, match="'no_scope' has no argument") as caught:
        decorate(no_scope)  # pyright: ignore[reportArgumentType] -- wrong on purpose
    assert caught.value.line == no_scope.__code__.co_firstlineno


# ---------------------------------------------------------------- programs in programs


@hog.program
def asks_another(s: hog.Scope, *questions: str) -> str:
    s += hog.gen("x")
    return "/".join([s["x"], *(answers(question) for question in questions)])


def test_a_program_that_calls_another_has_it_run_where_it_runs():
    runtime = Stage(writes("text"))
    assert asks_another.on(runtime)("a", "b") == "text/text/text"
    assert len(runtime.sessions) == 3
    assert all(session.closed for session in runtime.sessions)


def test_a_bound_program_runs_where_it_is_bound_whoever_calls_it():
    inner = answers.on(Stage(writes("inner")))

    @hog.program
    def outer(s: hog.Scope) -> str:
        s += hog.gen("x")
        return s["x"] + "/" + inner("q")

    assert outer.on(Stage(writes("outer")))() == "outer/inner"


def test_use_inside_of_a_program_counts_for_what_it_calls():
    @hog.program
    def outer(s: hog.Scope) -> str:
        with hog.use(Stage(writes("used"))):
            return answers("q")

    assert outer.on(Stage(writes("outer")))() == "used"


def test_a_program_may_call_itself():
    @hog.program
    def counts_down(s: hog.Scope, n: int) -> str:
        s += hog.gen("x")
        return s["x"] + (counts_down(n - 1) if n else "")

    assert counts_down.on(Stage(writes("x")))(3) == "xxxx"


def test_a_cancelled_run_cancels_the_runs_that_its_program_has_begun():
    called = Flag()
    inner = Stage(endless(called.set))

    @hog.program
    def outer(s: hog.Scope) -> str:
        return answers.on(inner)("q")

    stream = outer.on(Stage(writes("x"))).stream()
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(next, stream, None)
        assert called.wait(timeout=20)
        stream.close()
        assert reading.result(timeout=20) is None
    assert (inner.sessions[0].cancelled, inner.sessions[0].closed) == (True, True)


def test_a_cancelled_run_begins_no_other_run():
    inner = Stage(writes("x"))
    scope = CancelScope()
    with scope.current():
        scope.cancel()
        with pytest.raises(hog.RunCancelled, match="nothing more begins"):
            answers.on(inner)("q")
    assert inner.sessions == []


def test_a_run_has_no_more_time_than_the_one_that_has_begun_it():
    inner, runtime = Stage(writes("x")), Stage(writes("x"))

    @hog.program
    def outer(s: hog.Scope) -> None:
        s += hog.gen("x")
        s["x"]
        answers.on(inner, max_seconds=3600)("long")
        answers.on(inner, max_seconds=1)("short")
        answers.on(inner)("unbound")

    outer.on(runtime, max_seconds=60)()
    long, short, unbound = (opened["max_seconds"] for opened in inner.opened)
    assert short == 1
    assert 0 < long <= 60
    assert 0 < unbound <= 60


def test_a_program_can_be_written_into_the_scope_of_another():
    @hog.program
    def outer(s: hog.Scope) -> str:
        return answers.inline(s, "q", loud=True) + s["answer"]

    runtime = Stage(writes("text"))
    assert outer.on(runtime)() == "TEXTtext"
    assert len(runtime.sessions) == 1


def test_a_program_can_be_written_into_a_scope_only():
    with pytest.raises(hog.ProgramError) as caught:
        answers.inline("q", "q")  # pyright: ignore[reportArgumentType] -- wrong on purpose
    assert caught.value.rule == (
        "a program is written into the scope of another one, and 'q' is none. Write "
        "answers.inline(s, ...) in a program whose scope is `s`."
    )


# ---------------------------------------------------------------- settings, scores, failure


@pytest.mark.parametrize("setting", ["max_tokens", "max_seconds", "context_length"])
def test_bounds_of_a_run_are_above_0(setting: str):
    with pytest.raises(hog.ProgramError, match=setting):
        answers.on(**{setting: 0})  # pyright: ignore[reportArgumentType]


def test_scores_of_selects_are_found_by_the_names_of_their_values():
    @hog.program
    def chooses(s: hog.Scope) -> None:
        s += hog.select("tool", ["browser", "shell"])
        with s.fork("a", max_tokens=9) as team:
            team["a"] += hog.select("side", ["left", "right"])

    run = chooses.on(Stage(writes("shell"), writes("left"))).run()
    assert run.scores == {
        "tool": {"browser": -1.0, "shell": 0.0},
        "a.side": {"left": 0.0, "right": -1.0},
    }


def test_no_region_begins_after_one_has_failed():
    @hog.program
    def goes_on(s: hog.Scope) -> str:
        s += hog.gen("x")
        try:
            return s["x"]
        except hog.CapacityError:
            return answers.inline(s, "again")

    failed = Failed(seq=0, step=0, error="CapacityError", message="no room")
    with pytest.raises(hog.RunCancelled, match="a region of this run has failed"):
        goes_on.on(FaultyRuntime(failed))()


@pytest.mark.parametrize(
    ("bound", "live"),
    [
        (bindings(), False),
        (bindings(channels={"a": hog.Channel()}), True),
        (bindings(speakers={"a": hog.Speaker()}), True),
        (bindings(callbacks={"a.on": callback(lambda live, match: None)}), True),
    ],
    ids=["nothing", "channel", "speaker", "callback"],
)
def test_events_are_wanted_as_they_come_if_the_program_acts_on_them(bound: Bindings, live: bool):
    assert run_on(Stage(writes("x")), bound, "a").live == [live]
