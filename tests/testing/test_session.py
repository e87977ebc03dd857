"""Runs of a script: the same events every time, whoever tells them what and when."""

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hogdsl.commands import CloseInput, Hear, Release, Write
from hogdsl.errors import RunCancelled
from hogdsl.events import Event, Failed, Heard, Inserted, Noticed, StreamEnded, Token
from hogdsl.plan import ChoicesConstraint, JsonConstraint, RegexConstraint, Select
from hogdsl.testing import ScriptSession, script
from tests.testing.regions import gen, listener, region, stream, watch

PAIR = region(stream("a", gen()), stream("b", gen()))


def words(events: list[Event]) -> list[tuple[int, str, str]]:
    return [(e.step, e.stream, e.text) for e in events if isinstance(e, Token) and e.text]


def failure(session: ScriptSession, **rules: Any) -> str:
    """Why a region with one stream `a` fails."""
    last = list(session.run(region(stream("a", gen(**rules)))))[-1]
    assert isinstance(last, Failed)
    assert last.error == "PlanError"
    return last.message


# ---------------------------------------------------------------- what the script may say


def test_json_is_written_compactly() -> None:
    constraint = JsonConstraint(
        document='{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"]}'
    )
    session = script({"a": '{ "x": 1 }'}).open()
    events = list(session.run(region(stream("a", gen(constraint=constraint)))))
    (value,) = (e for e in events if e.kind == "value")
    assert (value.value, value.reason) == ('{"x":1}', "complete")


@pytest.mark.parametrize(
    ("constraint", "text", "message"),
    [
        (RegexConstraint(regex=r"\d+"), "12 13", "a gen with regex= stands, which allows '12'"),
        (RegexConstraint(regex=r"\d+\."), "12", "a gen with regex= stands, and '12' is not all"),
        (ChoicesConstraint(choices=("yes", "no")), "nope", "gen with choices= .* allows 'no'"),
        (JsonConstraint(document='{"type":"integer"}'), "1.5", "gen with json= .* allows '1'"),
    ],
    ids=str,
)
def test_a_text_that_does_not_fit_its_constraint_is_refused(
    constraint: RegexConstraint | ChoicesConstraint | JsonConstraint, text: str, message: str
) -> None:
    assert re.search(message, failure(script({"a": text}).open(), constraint=constraint))


def test_a_forbidden_word_in_the_script_is_refused() -> None:
    session = script({"a": "well, no way"}).open()
    message = failure(session, sampling={"forbidden": ("no",)})
    assert "writes 'no' in the stream 'a', where it is forbidden" in message


@pytest.mark.parametrize("rule", [{"ignore_eos": True}, {"min_tokens": 3}])
def test_a_text_that_is_over_while_its_gen_may_not_end_is_refused(rule: dict[str, Any]) -> None:
    (name,) = rule
    assert failure(script({"a": "one two"}).open(), **rule) == (
        "the script's text in the stream 'a' is over, and its gen goes on: "
        f"{name} does not let it end there. Give the text more words."
    )


def test_a_stop_token_ends_a_gen() -> None:
    session = script({"a": "one two<end> three"}).open()
    events = list(session.run(region(stream("a", gen(stop_tokens=("<end>",))))))
    (value,) = (e for e in events if e.kind == "value")
    assert value.value == "one two"


def test_a_select_tells_scores_in_which_the_script_wins() -> None:
    session = script({"a": "left turn"}).open()
    choices = ("left", "left turn", "right turn")
    events = list(session.run(region(stream("a", Select(name="way", choices=choices)))))
    (value,) = (e for e in events if e.kind == "value")
    assert value.value == "left turn"
    assert value.scores is not None
    assert max(value.scores, key=value.scores.__getitem__) == "left turn"


def test_what_goes_on_behind_a_nested_fork_takes_the_texts_of_its_stream() -> None:
    session = script({"a": ["first", "second"]}).open()
    parts = (
        stream("a", gen("x")),
        stream("a#2", gen("y"), after=("a",), parent="a", continues=True),
    )
    events = list(session.run(region(*parts)))
    assert [e.value for e in events if e.kind == "value"] == ["first", "second"]


# ---------------------------------------------------------------- time


def test_seconds_pass_with_the_steps() -> None:
    session = script({"a": "1 2 3 4 5 6"}, seconds_per_step=0.5).open()
    events = list(session.run(region(stream("a", gen(), max_seconds=1.5))))
    assert [text for _, _, text in words(events)] == ["1 ", "2 ", "3 "]
    assert session.usage.seconds == 1.5


def test_without_seconds_per_step_no_bound_in_seconds_ends_what_is_written() -> None:
    session = script({"a": "1 2 3"}).open(max_seconds=0.001)
    assert list(session.run(region(stream("a", gen(), max_seconds=0.001))))[-1].kind == "joined"


def test_time_passes_while_all_wait_for_something_from_outside() -> None:
    session = script({}).open()
    events = list(session.run(region(listener(), max_seconds=0.01)))
    (ended,) = (e for e in events if isinstance(e, StreamEnded))
    assert ended.reason == "deadline"


def test_a_run_that_is_over_its_time_fails() -> None:
    session = script({"a": "1 2 3 4 5 6"}, seconds_per_step=1.0).open(max_seconds=2.5)
    last = list(session.run(region(stream("a", gen()))))[-1]
    assert isinstance(last, Failed)
    assert last.error == "RunCancelled"


# ---------------------------------------------------------------- commands


def test_commands_of_the_start_are_obeyed_before_the_first_step() -> None:
    session = script({"a": "1 2 3"}).open()
    listening = region(listener(), stream("a", gen()))
    commands = (Hear(stream="mic", text="hi "), CloseInput(stream="mic"))
    events = list(session.run(listening, commands))
    (heard,) = (e for e in events if isinstance(e, Heard))
    assert (heard.text, heard.step) == ("hi ", 0)
    assert session.commands == list(commands)


def test_a_command_sent_on_an_event_comes_before_the_next_step() -> None:
    session = script({"a": "1 2 3", "b": "x y z"}).open()
    events: list[Event] = []
    for event in session.run(PAIR):
        events.append(event)
        if isinstance(event, Token) and event.text == "y ":
            session.send(Write(stream="a", text="[stop] "))
    (written,) = (e for e in events if isinstance(e, Inserted))
    assert written.step == 2


WATCHED = region(
    stream("a", gen()),
    stream("b", gen()),
    watches=(watch("w", streams=("a",), regex=r"call", hold="nothing"),),
)


def answered_by_a_thread(session: ScriptSession) -> list[Event]:
    """Run `WATCHED`; another thread answers its notice."""
    events: list[Event] = []
    with ThreadPoolExecutor(1) as pool:
        for event in session.run(WATCHED):
            events.append(event)
            if isinstance(event, Noticed):
                pool.submit(answer, session, event)
    return events


def answer(session: ScriptSession, notice: Noticed) -> None:
    session.send(Write(stream="b", text="<result> "))
    session.send(Release(watch=notice.watch, n=notice.n))


def test_a_thread_that_answers_a_notice_takes_no_steps() -> None:
    runtime = script({"a": "1 call 3 4 5", "b": "x y z"})
    first, again = (answered_by_a_thread(runtime.open()) for _ in range(2))
    (written,) = (e for e in first if isinstance(e, Inserted))
    assert (written.step, written.text) == (2, "<result> ")
    assert first == again


def test_an_answer_that_never_comes_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("runtime.scripted.session.PATIENCE_S", 0.01)
    session = script({"a": "1 call 3", "b": "x y z"}).open()
    assert list(session.run(WATCHED))[-1].kind == "joined"


# ---------------------------------------------------------------- ends


def test_a_waiting_run_can_be_cancelled_by_another_thread() -> None:
    session = script({}).open()
    events = session.run(region(listener()))
    next(events)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(session.cancel)
        last = list(events)[-1]
    assert isinstance(last, Failed)
    assert last.error == "RunCancelled"
    assert session.cancelled


def test_a_cancelled_run_begins_no_further_region() -> None:
    session = script({"a": "1", "b": "2"}).open()
    session.cancel()
    assert list(session.run(PAIR))[-1].kind == "failed"


def test_closing_a_session_tells_whoever_reads_its_events() -> None:
    session = script({}).open()
    events = session.run(region(listener()))
    next(events)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(session.close)
        assert list(events)[-1].kind == "failed"


def test_leaving_the_events_frees_the_run() -> None:
    session = script({"a": "1 2 3", "b": "x y z"}).open()
    for event in session.run(PAIR):
        if isinstance(event, Token):
            assert session.n_blocks > 0
            break
    session.close()
    assert session.closed
    assert session.n_blocks == 0


@pytest.mark.parametrize("opens", [lambda s: list(s.run(PAIR)), lambda s: s.close()])
def test_blocks_that_are_not_kept_are_free(opens: Callable[[ScriptSession], object]) -> None:
    session = script({"a": "1", "b": "2"}).open()
    opens(session)
    assert session.n_blocks == 0


def test_a_closed_session_and_a_closed_runtime_run_nothing_more() -> None:
    runtime = script({"a": "1", "b": "2"})
    session = runtime.open()
    session.close()
    with pytest.raises(RunCancelled, match="session is closed"):
        list(session.run(PAIR))
    runtime.close()
    with pytest.raises(RunCancelled, match="runtime is closed"):
        runtime.open()


# ---------------------------------------------------------------- cost


def test_a_script_has_no_thread() -> None:
    before = threading.active_count()
    session = script({"a": "1 2", "b": "x"}).open()
    for _ in session.run(PAIR):
        assert threading.active_count() == before


def test_a_fork_of_four_with_fifty_words_each_is_quick() -> None:
    texts = dict.fromkeys("abcd", "word " * 50)
    team = region(*(stream(name, gen(stop=("\n\n",))) for name in "abcd"))
    took_s: list[float] = []
    for _ in range(5):
        session = script(texts).open()
        began_s = time.process_time()
        assert list(session.run(team))[-1].kind == "joined"
        took_s.append(time.process_time() - began_s)
    assert min(took_s) < 0.05
