"""The engine's thread while all streams wait, and when nobody runs anything."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import pytest
import torch

from hogdsl.commands import CloseInput, Hear
from hogdsl.errors import InternalError
from hogdsl.events import Event, Failed, Heard, StreamEnded
from hogdsl.plan import Gen, Input, Region, Stream, StreamBlock, Text, TextBlock
from runtime.embedded import EmbeddedRuntime, start

PROMPT = TextBlock(name="prompt", pieces=(Text(text="a:1+1 "),))
MIC = Stream(name="mic", role="listen", view=("prompt", "mic"), pieces=(), input=Input())


def listening(max_seconds: float | None = None) -> Region:
    """A region that only waits."""
    return Region(
        name="listening",
        blocks=(PROMPT, StreamBlock(name="mic")),
        streams=(MIC,),
        max_seconds=max_seconds,
    )


def failed(events: list[Event]) -> Failed:
    last = events[-1]
    assert isinstance(last, Failed), last
    return last


@pytest.fixture(scope="module")
def shared_runtime() -> Iterator[EmbeddedRuntime]:
    runtime = start()
    yield runtime
    runtime.close()


@pytest.fixture
def runtime(shared_runtime: EmbeddedRuntime) -> Iterator[EmbeddedRuntime]:
    """Piglet; every test leaves no page and no run behind."""
    yield shared_runtime
    assert shared_runtime.stats().pages_used == 0
    assert shared_runtime.stats().runs == 0


def test_a_deadline_ends_a_region_that_only_waits_and_the_thread_sleeps_meanwhile(
    runtime: EmbeddedRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[bool] = []
    advance = runtime._loop.advance

    def counted() -> bool:
        turns.append(advance())
        return turns[-1]

    monkeypatch.setattr(runtime._loop, "advance", counted)
    session = runtime.open()
    events = list(session.run(listening(max_seconds=0.2)))
    session.close()
    assert [e.reason for e in events if isinstance(e, StreamEnded)] == ["deadline"]
    assert len(turns) < 10, "a thread that does not sleep goes round thousands of times"


def test_the_time_of_a_run_ends_a_region_that_only_waits(runtime: EmbeddedRuntime) -> None:
    session = runtime.open(max_seconds=0.1)
    last = failed(list(session.run(listening())))
    session.close()
    assert last.error == "RunCancelled"
    assert "the run had 0.1 seconds" in last.message


def test_a_command_wakes_a_region_that_only_waits(runtime: EmbeddedRuntime) -> None:
    session = runtime.open()
    events: list[Event] = []
    with ThreadPoolExecutor(1) as pool:
        for event in session.run(listening()):
            events.append(event)
            if event.kind == "region_started":
                pool.submit(session.send, Hear(stream="mic", text="b:2+2"))
                pool.submit(session.send, CloseInput(stream="mic"))
    session.close()
    assert [e.text for e in events if isinstance(e, Heard)] == ["b:2+2"]
    assert events[-1].kind == "joined"


def test_a_run_that_waits_does_not_hinder_another(runtime: EmbeddedRuntime) -> None:
    waiting, other = runtime.open(), runtime.open()
    events = waiting.run(listening())
    next(events)
    writes = Stream(
        name="main", role="main", view=("prompt", "main"), pieces=(Gen(),), max_tokens=5
    )
    blocks = (PROMPT, StreamBlock(name="main"))
    last = list(other.run(Region(name="other", blocks=blocks, streams=(writes,))))[-1]
    assert last.kind == "joined"
    waiting.cancel()
    assert failed(list(events)).error == "RunCancelled"
    waiting.close()
    other.close()


def test_commands_of_the_start_are_obeyed_before_the_first_step(runtime: EmbeddedRuntime) -> None:
    session = runtime.open()
    commands = (Hear(stream="mic", text="b:2+2"), CloseInput(stream="mic"))
    events = list(session.run(listening(), commands))
    session.close()
    assert [(e.step, e.text) for e in events if isinstance(e, Heard)] == [(0, "b:2+2")]


def test_what_is_sent_too_late_does_nothing(runtime: EmbeddedRuntime) -> None:
    session = runtime.open()
    session.send(Hear(stream="mic", text="too early"))
    assert len(list(session.run(listening(), [CloseInput(stream="mic")]))) == 3
    session.send(Hear(stream="mic", text="too late"))
    session.close()
    session.send(Hear(stream="mic", text="far too late"))


def test_closing_a_session_tells_whoever_reads_its_events(runtime: EmbeddedRuntime) -> None:
    session = runtime.open()
    events = session.run(listening())
    next(events)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(session.close)
        assert failed(list(events)).error == "RunCancelled"


def test_a_run_that_was_cancelled_between_regions_begins_no_further_one(
    runtime: EmbeddedRuntime,
) -> None:
    session = runtime.open()
    session.cancel()
    assert failed(list(session.run(listening()))).error == "RunCancelled"
    session.close()


# ---------------------------------------------------------------- the thread itself


def test_the_thread_begins_with_the_first_run_and_ends_with_the_last() -> None:
    before = set(threading.enumerate())
    runtime = start()
    assert set(threading.enumerate()) == before
    for _ in range(2):  # it begins again
        session = runtime.open()
        (thread,) = set(threading.enumerate()) - before
        session.close()
        thread.join(30)
        assert not thread.is_alive()
    runtime.close()


def test_nobody_waits_for_a_thread_that_has_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = start()
    session = runtime.open()
    events = session.run(listening())
    next(events)

    def broken() -> bool:
        raise MemoryError("no more")

    monkeypatch.setattr(runtime._loop, "advance", broken)
    session.send(Hear(stream="mic", text="b:2+2"))
    last = failed(list(events))
    assert last.error == "InternalError"
    assert "thread broke: MemoryError('no more')" in last.message
    session.close()
    with pytest.raises(InternalError, match="thread broke"):
        runtime.open()
    assert runtime.stats().pages_used == 0
    runtime.close()


def test_piglet_is_computed_by_one_thread_and_the_callers_threads_keep_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    n_before = torch.get_num_threads()
    torch.set_num_threads(2)
    runtime, found = start(device="cpu"), SimpleQueue[int]()
    runtime.submit(lambda: found.put(torch.get_num_threads()))
    assert found.get(timeout=30) == 1
    assert torch.get_num_threads() == 2
    runtime.close()
    torch.set_num_threads(n_before)
