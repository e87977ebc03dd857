"""A run as an iterator of events: to its end, left early, cancelled, failed, forgotten."""

import gc
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from threading import Event as Flag
from threading import current_thread, main_thread

import pytest

import hogdsl as hog
from hogdsl.language.runner import Runner, Settings
from hogdsl.testing import script
from tests.language.stage import Stage, endless, own_threads, region


@hog.program
def counts(s: hog.Scope) -> str:
    s += hog.gen("x")
    s += s["x"] + hog.gen("y")
    return s["y"]


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
    runtime = Stage(endless())
    stream = counts.on(runtime).stream()
    for _ in stream:
        break
    assert runtime.sessions[0].cancelled
    assert runtime.sessions[0].closed
    assert own_threads() == []


def test_close_cancels_the_run_and_may_be_called_twice():
    runtime = Stage(endless())
    stream = counts.on(runtime).stream()
    next(stream)
    stream.close()
    stream.close()
    assert runtime.sessions[0].closed
    assert list(stream) == []


def test_the_end_of_a_with_block_closes():
    runtime = Stage(endless())
    with counts.on(runtime).stream() as stream:
        next(stream)
    assert runtime.sessions[0].closed


def test_all_threads_that_wait_for_events_are_told_when_another_one_closes():
    begun = Flag()
    stream = counts.on(Stage(endless(begun.set))).stream()
    with ThreadPoolExecutor(2) as threads:
        reading = [threads.submit(list, stream) for _ in range(2)]
        assert begun.wait(timeout=20)
        stream.close()
        read = [event.kind for each in reading for event in each.result(timeout=20)]
    assert set(read) <= {"region_started"}


def test_a_stream_that_is_forgotten_ends_its_run():
    runtime = Stage(endless())
    next(counts.on(runtime).stream())
    gc.collect()
    assert runtime.sessions[0].closed
    assert own_threads() == []


def test_ctrl_c_in_the_loop_ends_the_run():
    runtime = Stage(endless())

    def watch() -> None:
        for _ in counts.on(runtime).stream():
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        watch()
    assert runtime.sessions[0].closed
    assert own_threads() == []


def test_ctrl_c_while_waiting_for_an_event_ends_the_run():
    consumer = current_thread().ident
    assert consumer is not None
    runtime = Stage(endless(lambda: signal.pthread_kill(consumer, signal.SIGINT)))
    with pytest.raises(KeyboardInterrupt):
        list(counts.on(runtime).stream())
    assert runtime.sessions[0].closed
    assert own_threads() == []


def test_a_stream_that_is_open_at_exit_ends_its_run():
    left_open = """
import hogdsl as hog
from tests.language.stage import Stage, endless

@hog.program
def writes(s):
    s += hog.gen()

stream = writes.on(Stage(endless())).stream()
print(next(stream).kind)
"""
    told = subprocess.run(
        [sys.executable, "-c", left_open], capture_output=True, text=True, timeout=60, check=True
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
    runtime = Stage(endless())
    runner = Runner(Settings(runtime=runtime))
    with runner.running():
        runner.cancel()
        with pytest.raises(hog.RunCancelled, match="nothing more begins in it"):
            runner.run(region("r", "a"))
    assert runtime.sessions == []


def test_results_are_not_there_before_the_end():
    stream = counts.on(script({"main": ["x", "y"]})).stream()
    next(stream)
    with pytest.raises(hog.ProgramError, match="read too early: it is not over"):
        _ = stream.run
    stream.close()


def test_stats_are_the_runtimes():
    stream = counts.on(script({"main": ["x", "y"]})).stream()
    list(stream)
    assert (stream.stats().model, stream.stats().runs) == ("script", 0)


def test_the_program_sees_the_callers_context_but_not_its_thread():
    color: ContextVar[str] = ContextVar("color")

    @hog.program
    def looks(s: hog.Scope) -> tuple[str, bool]:
        return color.get(), current_thread() is main_thread()

    color.set("blue")
    stream = looks.on(script({})).stream()
    assert list(stream) == []
    assert stream.run.value == ("blue", False)
