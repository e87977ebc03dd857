"""One program for many items: several at a time, each with its own outcome."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock, main_thread
from threading import enumerate as all_threads

import pytest

import hogdsl as hog
from hogdsl.events import Event
from tests.language.stage import Act, Stage, endless, writes


@hog.program
def answers(s: hog.Scope, question: str, *, loud: bool = False) -> str:
    if question == "wrong":
        raise LookupError(question)
    s += question + hog.gen("answer")
    return question + ": " + (s["answer"].upper() if loud else s["answer"])


def test_outcomes_come_in_the_order_of_the_items():
    runtime = Stage(writes("x"))
    batch = answers.on(runtime).batch([("a",), {"question": "b", "loud": True}, ("c",)], at_once=2)
    assert batch.values == ("a: x", "b: X", "c: x")
    assert [outcome.value for outcome in batch] == list(batch.values)
    assert (len(batch), batch[1].item) == (3, {"question": "b", "loud": True})
    assert [run["answer"] for outcome in batch[1:] if (run := outcome.run)] == ["x", "x"]
    assert all(session.closed for session in runtime.sessions)


def test_an_item_that_fails_does_not_end_the_others():
    batch = answers.on(Stage(writes("x"))).batch([("a",), ("wrong",), (), ("b",)])
    assert batch.values == ("a: x", "b: x")
    assert {i: type(error) for i, error in batch.errors.items()} == {1: LookupError, 2: TypeError}
    assert repr(batch) == "<Batch of 4, 2 failed>"
    with pytest.raises(LookupError, match="wrong"):
        batch[1].value  # noqa: B018 -- reading it raises


def test_so_many_run_at_the_same_time_and_no_more():
    both, lock = Barrier(2), Lock()
    now, most = 0, 0

    def play(act: Act) -> Iterator[Event]:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        both.wait(timeout=20)
        yield from writes("x")(act)
        with lock:
            now -= 1

    batch = answers.on(Stage(play)).batch([(c,) for c in "abcdef"], at_once=2)
    assert (len(batch.values), most) == (6, 2)


def test_no_items_have_no_outcomes():
    assert list(answers.on(Stage(writes("x"))).batch([])) == []


def test_items_may_come_from_a_generator():
    assert answers.on(Stage(writes("x"))).batch((c,) for c in "ab").values == ("a: x", "b: x")


def test_ctrl_c_cancels_all_runs_and_waits_until_all_is_free():
    consumer = main_thread().ident
    assert consumer is not None
    everybody = Barrier(2, action=lambda: signal.pthread_kill(consumer, signal.SIGINT))
    runtime = Stage(endless(lambda: everybody.wait(timeout=20)))
    with pytest.raises(KeyboardInterrupt):
        answers.on(runtime).batch([(c,) for c in "abcd"], at_once=2)
    assert len(runtime.sessions) == 2
    assert all(session.cancelled and session.closed for session in runtime.sessions)
    assert [t.name for t in all_threads() if t.name.startswith("hogdsl-batch")] == []


def test_a_batch_inside_of_a_program_is_cancelled_with_it_item_by_item():
    begun = Barrier(3)
    inner = Stage(endless(lambda: begun.wait(timeout=20)))
    errors: list[Exception] = []

    @hog.program
    def outer(s: hog.Scope) -> None:
        batch = answers.on(inner).batch([("a",), ("b",), ("c",)], at_once=2)
        errors.extend(batch.errors.values())

    stream = outer.on(Stage(writes("x"))).stream()
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(list, stream)
        begun.wait(timeout=20)
        stream.close()
        assert reading.result(timeout=20) == []
    assert [type(error) for error in errors] == [hog.RunCancelled] * 3
    assert [session.closed for session in inner.sessions] == [True, True]


def test_what_is_no_error_of_a_program_ends_the_batch():
    def play(act: Act) -> Iterator[Event]:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        answers.on(Stage(play)).batch([("a",), ("b",)])


def test_a_batch_runs_where_it_was_called():
    with hog.use(Stage(writes("used"))):
        assert answers.batch([("a",)]).values == ("a: used",)


def test_a_bar_is_shown_where_it_is_wanted(capsys: pytest.CaptureFixture[str]):
    answers.on(Stage(writes("x"))).batch([("a",), ("wrong",)], progress=True)
    shown = capsys.readouterr()
    assert "2/2 1 failed" in shown.err
    assert shown.out == ""


def test_no_bar_is_shown_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]):
    answers.on(Stage(writes("x"))).batch([("a",)])
    assert capsys.readouterr().err == ""


def test_an_item_is_a_tuple_or_a_mapping():
    runtime = Stage(writes("x"))
    with pytest.raises(hog.ProgramError) as caught:
        answers.on(runtime).batch(["abc"])  # type: ignore[list-item] -- wrong on purpose
    assert caught.value.rule == (
        "an item of a batch is a tuple of arguments, or a mapping of them by name, and 'abc' is "
        "neither. Write ('abc',) for one argument."
    )
    assert runtime.sessions == []


def test_one_or_more_run_at_once():
    with pytest.raises(hog.ProgramError, match="at_once is a whole number, 1 or more, not 0"):
        answers.on(Stage(writes("x"))).batch([("a",)], at_once=0)
