"""A run as an iterator of events: to its end, left early, cancelled, failed, forgotten."""

import gc
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from threading import Event as Flag
from threading import current_thread, main_thread
from threading import enumerate as all_threads

import pytest

import hogdsl as hog
from hogdsl import events
from hogdsl.plan import Region
from hogdsl.ports import Session
from hogdsl.testing import script


@hog.program
def counts(s: hog.Scope) -> str:
    s += hog.gen("x")
    s += s["x"] + hog.gen("y")
    return s["y"]


class Endless:
    """A runtime with one session, in which a region goes on until it is cancelled."""

    def __init__(self) -> None:
        self.cancelled, self.closed = Flag(), Flag()
        self.while_waiting: Callable[[], None] = lambda: None

    def open(self, *, seed: int = 0, max_tokens: int | None = None) -> Session:
        return self

    def run(self, region: Region) -> Iterator[hog.Event]:
        yield events.RegionStarted(seq=0, step=0, region=region.name, streams=("main",))
        self.while_waiting()
        if not self.cancelled.wait(timeout=20):
            raise AssertionError("nobody cancelled the run")
        yield events.Failed(seq=1, step=0, error="RunCancelled", message="cancelled")

    def cancel(self) -> None:
        self.cancelled.set()

    def stats(self) -> hog.Stats:
        return script({}).stats()

    def close(self) -> None:
        self.closed.set()


def run_threads() -> list[str]:
    return [thread.name for thread in all_threads() if thread.name == "hogdsl-run"]


def test_all_events_come_in_order_and_then_the_results():
    bound = counts.on(script({"main": ["one two", "three"]}))
    stream = bound.stream()
    assert list(stream) == list(bound.run().events)
    assert (stream.run.value, stream.run["x"]) == ("three", "one two")


def test_nothing_runs_before_the_first_event_is_asked_for():
    runtime = script({"main": ["x", "y"]})
    stream = counts.on(runtime).stream()
    assert runtime.sessions == []
    assert next(stream).kind == "region_started"
    stream.close()


def test_a_run_that_has_ended_by_itself_is_not_cancelled():
    runtime = script({"main": ["x", "y"]})
    assert list(counts.on(runtime).stream())
    (session,) = runtime.sessions
    assert (session.closed, session.cancelled) == (True, False)


def test_a_stream_that_is_over_stays_over():
    stream = counts.on(script({"main": ["x", "y"]})).stream()
    list(stream)
    assert list(stream) == []
    with pytest.raises(StopIteration):
        next(stream)


def test_break_cancels_the_run_and_frees_everything():
    runtime = Endless()
    stream = counts.on(runtime).stream()
    for _ in stream:
        break
    assert runtime.cancelled.is_set()
    assert runtime.closed.is_set()
    assert run_threads() == []


def test_close_cancels_the_run_and_may_be_called_twice():
    runtime = Endless()
    stream = counts.on(runtime).stream()
    next(stream)
    stream.close()
    stream.close()
    assert runtime.closed.is_set()
    assert list(stream) == []


def test_the_end_of_a_with_block_closes():
    runtime = Endless()
    with counts.on(runtime).stream() as stream:
        next(stream)
    assert runtime.closed.is_set()


def test_a_stream_that_is_forgotten_ends_its_run():
    runtime = Endless()
    next(counts.on(runtime).stream())
    gc.collect()
    assert runtime.closed.is_set()
    assert run_threads() == []


def test_ctrl_c_in_the_loop_ends_the_run():
    runtime = Endless()

    def watch() -> None:
        for _ in counts.on(runtime).stream():
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        watch()
    assert runtime.closed.is_set()
    assert run_threads() == []


def test_ctrl_c_while_waiting_for_an_event_ends_the_run():
    runtime = Endless()
    consumer = current_thread().ident
    assert consumer is not None
    runtime.while_waiting = lambda: signal.pthread_kill(consumer, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        list(counts.on(runtime).stream())
    assert runtime.closed.is_set()
    assert run_threads() == []


def test_a_stream_that_is_open_at_exit_ends_its_run():
    left_open = """
from tests.language.test_stream import Endless, counts
stream = counts.on(Endless()).stream()
print(next(stream).kind)
"""
    told = subprocess.run(
        [sys.executable, "-c", left_open], capture_output=True, text=True, timeout=15, check=True
    )
    assert (told.stdout, told.stderr) == ("region_started\n", "")


def test_an_exception_of_the_program_comes_out_of_the_iterator():
    @hog.program
    def breaks(s: hog.Scope) -> None:
        s += hog.gen("x")
        raise LookupError(s["x"])

    runtime = script({"main": "why"})
    stream = breaks.on(runtime).stream()
    with pytest.raises(LookupError, match="why"):
        list(stream)
    assert runtime.sessions[0].closed
    assert list(stream) == []


def test_a_failed_run_gives_its_last_event_and_then_raises():
    stream = counts.on(script({})).stream()
    seen: list[hog.Event] = []
    with pytest.raises(hog.PlanError, match="no more texts for the stream 'main'"):
        seen.extend(iter(stream))
    with pytest.raises(hog.ProgramError, match="it is not over, or was ended"):
        _ = stream.run


def test_a_run_that_is_cancelled_between_regions_begins_no_further_one():
    runtime = script({"main": ["x", "y"]})
    between, go_on = Flag(), Flag()

    @hog.program
    def pauses(s: hog.Scope) -> None:
        s += hog.gen("x")
        if s["x"]:
            between.set()
            assert go_on.wait(timeout=20)
        s += hog.gen("y")

    stream = pauses.on(runtime).stream()
    next(stream)
    assert between.wait(timeout=20)
    original = runtime.sessions[0].cancel

    def cancel() -> None:
        original()
        go_on.set()

    runtime.sessions[0].cancel = cancel
    stream.close()
    assert [region.name for region in runtime.sessions[0].regions] == ["main.0"]
    assert runtime.sessions[0].closed


def test_results_are_not_there_before_the_end():
    stream = counts.on(script({"main": ["x", "y"]})).stream()
    next(stream)
    with pytest.raises(hog.ProgramError, match="read too early: it is not over"):
        _ = stream.run
    stream.close()


def test_stats_are_the_runtimes():
    stream = counts.on(script({"main": ["x", "y"]})).stream()
    list(stream)
    assert (stream.stats().model, stream.stats().steps) == ("script", 2)


def test_the_program_sees_the_callers_context_but_not_its_thread():
    color: ContextVar[str] = ContextVar("color")

    @hog.program
    def looks(s: hog.Scope) -> tuple[str, bool]:
        return color.get(), current_thread() is main_thread()

    color.set("blue")
    stream = looks.on(script({})).stream()
    assert list(stream) == []
    assert stream.run.value == ("blue", False)
