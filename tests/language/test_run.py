"""Running a program: values, results, errors, and what is left behind."""

from collections.abc import Iterator

import pytest

import hogdsl as hog
from hogdsl.events import Event, Failed, Joined, RegionStarted
from hogdsl.plan import Region
from hogdsl.ports import Session
from hogdsl.testing import ScriptRuntime, script


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


class FaultyRuntime:
    """Gives the events that it is told to give; its sessions remember that they were closed."""

    def __init__(self, *events: Event) -> None:
        self.events = events
        self.closed = 0

    def open(self, *, seed: int = 0, max_tokens: int | None = None) -> Session:
        return self

    def run(self, region: Region) -> Iterator[Event]:
        return iter(self.events)

    def cancel(self) -> None:
        raise AssertionError("nobody cancels")

    def stats(self) -> hog.Stats:
        return script({}).stats()

    def close(self) -> None:
        self.closed += 1


def test_calling_a_program_returns_what_its_function_returns():
    assert answers.on(script({"main": "forty-two"}))("6*7? ", loud=True) == "FORTY-TWO"


def test_a_run_has_value_usage_events_values_and_texts():
    run = answers.on(script({"main": "forty two"})).run("6*7? ")
    assert run.value == run["answer"] == "forty two"
    assert (run.usage.steps, run.usage.tokens_generated) == (2, 2)
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
    with pytest.raises(hog.ProgramError, match=r"no value 'b'\. There is 'answer'\.$"):
        run["b"]


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


def test_seed_and_budget_reach_the_runtime():
    opened: list[tuple[int, int | None]] = []

    class Noting(FaultyRuntime):
        def open(self, *, seed: int = 0, max_tokens: int | None = None) -> Session:
            opened.append((seed, max_tokens))
            return script({"main": "x"}).open(seed=seed, max_tokens=max_tokens)

    bound = answers.on(Noting(), seed=7, max_tokens=3)
    bound("")
    answers.on(Noting())("")
    assert opened == [(7, 3), (0, None)]


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
    class Interrupted(FaultyRuntime):
        def run(self, region: Region) -> Iterator[Event]:
            yield RegionStarted(seq=0, step=0, region=region.name, streams=("main",))
            raise KeyboardInterrupt

    runtime = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        answers.on(runtime)("")
    assert runtime.closed == 1


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
    assert runtime.closed == 1


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


def test_programs_may_call_programs_each_in_a_run_of_its_own():
    runtime = ScriptRuntime({"main": ("inner",)}, {})

    @hog.program
    def outer(s: hog.Scope) -> str:
        s += hog.gen("x")
        return s["x"] + answers("q")

    with hog.use(runtime):
        assert outer() == "innerinner"
    assert len(runtime.sessions) == 2
