"""Callbacks while a region runs: what they are given, what they do, and how they fail."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from threading import Event as Flag
from threading import current_thread
from threading import enumerate as all_threads
from typing import Any

import pytest

import hogdsl as hog
from hogdsl import events
from hogdsl.commands import Pause, Release, Resume, Stop, Write
from hogdsl.events import Event
from hogdsl.language import answering
from hogdsl.language.runner import Runner, Settings
from tests.language.stage import (
    Act,
    Play,
    Stage,
    bindings,
    callback,
    own_threads,
    run_on,
    run_regions,
)


def notices(*watches: str, stream: str = "a") -> Play:
    """Matches `x1`, `x2`, … of these watches, one after another, each held until it is released."""

    def play(act: Act) -> Iterator[Event]:
        for n, watch in enumerate(watches, start=1):
            yield act.noticed(watch, watches[:n].count(watch), stream, f"x{n}")
            while not isinstance(act.wait_for(Write, Release), Release):
                pass

    return play


def test_a_callback_is_given_the_match_with_its_groups():
    seen: list[Any] = []

    def look(live: hog.Live, match: hog.Match) -> None:
        seen.append((match.text, match[0], match[1], match["digit"], match.groups(), match.stream))

    run_on(Stage(notices("w")), bindings(callbacks={"w": callback(look, r"x(?P<digit>\d)")}), "a")
    assert seen == [("x1", "x1", "1", "1", ("1",), "a")]


def test_a_match_that_looked_ahead_has_its_text_and_no_groups():
    seen: list[Any] = []
    bound = bindings(callbacks={"w": callback(lambda _, m: seen.append(m), r"(x)(?=y)")})

    def play(act: Act) -> Iterator[Event]:
        yield act.event(events.Noticed, watch="w", n=1, stream="a", start=1, end=2, text="ax")
        act.wait_for(Release)

    run_on(Stage(play), bound, "a")
    (match,) = seen
    assert (match.text, match.groups(), match.named()) == ("x", (), {})
    with pytest.raises(IndexError):
        match["name"]


def test_what_a_callback_returns_is_written_before_the_stream_goes_on():
    bound = bindings(callbacks={"w": callback(lambda _, m: m.text.upper(), "x.")})
    session = run_on(Stage(notices("w", "w")), bound, "a")
    assert session.sent == [
        Write(stream="a", text="X1"),
        Release(watch="w", n=1),
        Write(stream="a", text="X2"),
        Release(watch="w", n=2),
    ]


def test_a_callback_that_returns_nothing_or_an_empty_text_only_releases():
    answers = iter(["", None])
    bound = bindings(callbacks={"w": callback(lambda _live, _match: next(answers), "x.")})
    session = run_on(Stage(notices("w", "w")), bound, "a")
    assert session.sent == [Release(watch="w", n=1), Release(watch="w", n=2)]


def test_a_callback_that_returns_no_text_ends_the_run_and_is_named():
    bound = callback(lambda _live, _match: 7, "x.")
    with pytest.raises(hog.ProgramError) as caught:
        run_on(Stage(notices("w")), bindings(callbacks={"w": bound}), "a")
    assert caught.value.rule == (
        "a callback returns the text that is written into its stream, or None, not 7."
    )
    assert f"{caught.value.file}:{caught.value.line}" == str(bound.place)


def test_a_callback_of_steps_is_given_the_region_alone():
    seen: list[Any] = []

    def play(act: Act) -> Iterator[Event]:
        act.session.step = 4
        yield act.noticed("w")
        act.wait_for(Release)

    def look(live: hog.Live, match: object) -> None:
        seen.append((live.step, live.region, live.streams, match, repr(live)))

    run_on(Stage(play), bindings(callbacks={"w": callback(look)}), "a", "b")
    assert seen == [(4, "r0", ("a", "b"), None, "<Live 'r0' at step 4>")]


def test_a_callback_reads_what_the_streams_have_written():
    seen: list[str] = []

    def play(act: Act) -> Iterator[Event]:
        yield act.event(events.Inserted, stream="a", text="Hi. ")
        yield act.wrote("a", "one ")
        yield act.wrote("b", "two ")
        yield act.event(events.Interrupted, stream="b", by="mic", policy="restart", text="tw")
        yield act.noticed("w")
        act.wait_for(Release)

    def look(live: hog.Live, _: object) -> None:
        seen.extend([live.text("a"), live.text("b")])

    run_on(Stage(play), bindings(callbacks={"w": callback(look)}), "a", "b")
    assert seen == ["Hi. one ", "tw"]


def test_a_callback_inserts_pauses_resumes_and_stops():
    def act_on(live: hog.Live, _: object) -> None:
        live.insert("b", "hint")
        live.insert("b", "")
        live.pause("a")
        live.resume("a")
        live.stop("b")
        live.stop()

    def play(act: Act) -> Iterator[Event]:
        yield act.noticed("w")
        for kind in (Write, Pause, Resume, Stop, Stop, Release):
            act.wait_for(kind)

    bound = bindings(callbacks={"w": callback(act_on)})
    assert run_on(Stage(play), bound, "a", "b").sent == [
        Write(stream="b", text="hint"),
        Pause(stream="a"),
        Resume(stream="a"),
        Stop(streams=("b",)),
        Stop(),
        Release(watch="w", n=1),
    ]


def test_a_stream_in_parts_is_one_for_a_callback():
    seen: list[str] = []

    def play(act: Act) -> Iterator[Event]:
        yield act.wrote("Alice", "one ")
        yield act.event(events.StreamEnded, stream="Alice", reason="finished", text="one ")
        yield act.wrote("Alice#2", "two")
        yield act.noticed("w")
        act.wait_for(Write)
        act.wait_for(Release)

    def look(live: hog.Live, _: object) -> None:
        seen.extend([*live.streams, live.text("Alice")])
        live.insert("Alice", "!")

    bound = bindings(callbacks={"w": callback(look)})
    session = run_on(Stage(play), bound, "Alice", "Alice/x", "Alice#2")
    assert seen == ["Alice", "Alice/x", "one two"]
    assert session.sent[0] == Write(stream="Alice#2", text="!")


def test_a_stream_that_is_not_there_is_an_error_of_the_program():
    bound = bindings(callbacks={"w": callback(lambda live, _: live.insert("Bob", "x"))})
    with pytest.raises(hog.ProgramError) as caught:
        run_on(Stage(notices("w")), bound, "a")
    assert caught.value.rule == "the region that runs has no stream 'Bob'. There is 'a'."


def test_an_exception_of_a_callback_ends_the_run_and_is_raised_as_itself():
    def breaks(live: hog.Live, _: object) -> None:
        raise LookupError("no such tool")

    runtime = Stage(notices("w"))
    bound = callback(breaks)
    with pytest.raises(LookupError, match="no such tool") as caught:
        run_on(runtime, bindings(callbacks={"w": bound}), "a")
    assert caught.value.__notes__ == [f"in the callback declared at {bound.place}"]
    assert caught.traceback[-1].name == "breaks"
    assert caught.value.__context__ is None
    assert (runtime.sessions[0].cancelled, runtime.sessions[0].closed) == (True, True)
    assert own_threads() == []


def test_an_exception_ends_the_run_while_another_callback_goes_on():
    go_on = Flag()

    def play(act: Act) -> Iterator[Event]:
        yield act.noticed("slow")
        yield act.noticed("breaks")
        act.wait_cancelled()

    def slow(live: hog.Live, _: object) -> None:
        assert go_on.wait(timeout=20)

    def breaks(live: hog.Live, _: object) -> None:
        go_on.set()
        raise LookupError("why")

    callbacks = {"slow": callback(slow), "breaks": callback(breaks)}
    with pytest.raises(LookupError, match="why"):
        run_on(Stage(play), bindings(callbacks=callbacks), "a")
    assert own_threads() == []


def test_two_callbacks_run_at_the_same_time_and_one_alone_in_order():
    met = Flag()
    order: list[str] = []

    def play(act: Act) -> Iterator[Event]:
        yield act.noticed("slow", 1, "a", "x1")
        yield act.noticed("slow", 2, "a", "x2")
        yield act.noticed("quick", 1, "a", "x3")
        for _ in range(3):
            act.wait_for(Release)

    def slow(live: hog.Live, match: hog.Match) -> None:
        assert met.wait(timeout=20)
        order.append(match.text)

    callbacks = {"slow": callback(slow, "x."), "quick": callback(lambda *_: met.set(), "x.")}
    run_on(Stage(play), bindings(callbacks=callbacks), "a")
    assert order == ["x1", "x2"]


def test_a_region_ends_when_its_callbacks_have_returned():
    over = Flag()
    seen: list[str] = []

    def play(act: Act) -> Iterator[Event]:
        yield act.noticed("w", 1, "a", "x1")
        yield act.noticed("w", 2, "a", "x2")
        over.set()

    def look(live: hog.Live, match: hog.Match) -> None:
        assert over.wait(timeout=20)
        seen.append(match.text)

    run_on(Stage(play), bindings(callbacks={"w": callback(look, "x.")}), "a")
    assert seen == ["x1", "x2"]
    assert own_threads() == []


def test_an_exception_of_a_callback_counts_although_the_region_has_ended():
    over = Flag()

    def play(act: Act) -> Iterator[Event]:
        yield act.noticed("w")
        over.set()

    def breaks(live: hog.Live, _: object) -> None:
        assert over.wait(timeout=20)
        raise LookupError("late")

    with pytest.raises(LookupError, match="late"):
        run_on(Stage(play), bindings(callbacks={"w": callback(breaks)}), "a")


def test_a_run_is_cancelled_while_a_callback_does_not_return(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(answering, "GRACE_S", 0.0)
    called, go_on = Flag(), Flag()
    refused: list[BaseException] = []

    def hangs(live: hog.Live, _: object) -> None:
        called.set()
        assert go_on.wait(timeout=20)
        try:
            live.insert("a", "too late")
        except hog.RunCancelled as error:
            refused.append(error)

    runtime = Stage(notices("w"))
    runner = Runner(Settings(runtime=runtime))
    with ThreadPoolExecutor(1) as threads:
        bound = bindings(callbacks={"w": callback(hangs)})
        running = threads.submit(run_regions, runner, bound, "a")
        assert called.wait(timeout=20)
        runner.cancel()
        with pytest.raises(hog.RunCancelled):
            running.result(timeout=20)
    assert runtime.sessions[0].closed
    go_on.set()
    left_behind()
    assert len(refused) == 1
    assert runtime.sessions[0].sent == []


def left_behind() -> None:
    """Wait for the threads that a run has left to themselves."""
    for thread in all_threads():
        if thread.name == answering.THREAD_NAME:
            thread.join(timeout=20)
    assert own_threads() == []


def test_a_run_is_cancelled_while_it_waits_for_callbacks_at_the_end_of_a_region(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(answering, "GRACE_S", 0.0)
    joined, go_on = Flag(), Flag()

    def play(act: Act) -> Iterator[Event]:
        yield act.noticed("w")
        joined.set()

    runner = Runner(Settings(runtime=Stage(play)))
    bound = bindings(callbacks={"w": callback(lambda *_: go_on.wait(timeout=20) and None)})
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(run_regions, runner, bound, "a")
        assert joined.wait(timeout=20)
        runner.cancel()
        with pytest.raises(hog.RunCancelled):
            running.result(timeout=20)
    go_on.set()
    left_behind()


def test_a_run_has_no_more_time_for_a_callback_than_it_was_given(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(answering, "GRACE_S", 0.0)
    go_on = Flag()

    def play(act: Act) -> Iterator[Event]:
        yield act.noticed("w")

    bound = bindings(callbacks={"w": callback(lambda *_: go_on.wait(timeout=20) and None)})
    with pytest.raises(hog.RunCancelled, match="no time left"):
        run_on(Stage(play), bound, "a", max_seconds=0.01)
    go_on.set()
    left_behind()


def test_ctrl_c_while_a_callback_runs_ends_the_run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(answering, "GRACE_S", 0.0)
    go_on = Flag()
    consumer = current_thread().ident
    assert consumer is not None

    def interrupts(live: hog.Live, _: object) -> None:
        signal.pthread_kill(consumer, signal.SIGINT)
        assert go_on.wait(timeout=20)

    runtime = Stage(notices("w"))
    with pytest.raises(KeyboardInterrupt):
        run_on(runtime, bindings(callbacks={"w": callback(interrupts)}), "a")
    assert runtime.sessions[0].closed
    go_on.set()
    left_behind()


def test_a_program_that_a_callback_calls_runs_where_the_callback_does_and_ends_with_it():
    begun = Flag()

    @hog.program
    def inner(s: hog.Scope) -> None:
        s += hog.gen("x")

    def calls(live: hog.Live, _: object) -> None:
        inner()

    def play(act: Act) -> Iterator[Event]:
        if act.region.name.startswith("main"):
            begun.set()
            act.wait_cancelled()
        yield act.noticed("w")
        act.wait_cancelled()

    runtime = Stage(play)
    runner = Runner(Settings(runtime=runtime))
    with ThreadPoolExecutor(1) as threads:
        bound = bindings(callbacks={"w": callback(calls)})
        running = threads.submit(run_regions, runner, bound, "a")
        assert begun.wait(timeout=20)
        runner.cancel()
        with pytest.raises(hog.RunCancelled):
            running.result(timeout=20)
    assert [session.closed for session in runtime.sessions] == [True, True]
    assert own_threads() == []


def test_a_command_that_comes_after_its_region_is_not_told_to_the_next():
    kept: list[hog.Live] = []

    def play(act: Act) -> Iterator[Event]:
        if not kept:
            yield act.noticed("w")
            act.wait_for(Release)
        else:
            kept[0].insert("a", "late")

    runtime = Stage(play)
    bound = bindings(callbacks={"w": callback(lambda live, _: kept.append(live))})
    run_regions(Runner(Settings(runtime=runtime)), bound, "a", n=2)
    assert runtime.sessions[0].sent == [Release(watch="w", n=1)]


def test_a_callback_does_not_wait_for_room_in_a_channel():
    channel = hog.Channel(capacity=1)
    channel.send("a")
    bound = bindings(
        channels={"mic": channel}, callbacks={"w": callback(lambda *_: channel.send("b"))}
    )

    def play(act: Act) -> Iterator[Event]:
        yield act.noticed("w")
        act.wait_cancelled()

    with pytest.raises(hog.ProgramError) as caught:
        run_on(Stage(play), bound, "mic")
    assert caught.value.code == "channel-full"


def test_a_callback_sees_the_context_of_its_program_but_not_its_thread():
    color: ContextVar[str] = ContextVar("color")
    seen: list[Any] = []
    color.set("blue")
    bound = callback(lambda *_: seen.append((color.get(), current_thread().name)))
    run_on(Stage(notices("w")), bindings(callbacks={"w": bound}), "a")
    assert seen == [("blue", "hogdsl-callback")]


def test_a_notice_that_nobody_wants_is_found_out():
    with pytest.raises(hog.InternalError, match="noticed 'w', which nobody watches"):
        run_on(Stage(notices("w")), bindings(), "a")
