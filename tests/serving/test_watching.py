"""Whoever does not watch a run is not woken for every token; what it is told is the same."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

import pytest

import hogdsl as hog
from hogdsl.errors import InternalError
from hogdsl.events import Event, Joined, Token
from runtime import event_queue
from runtime.embedded import EmbeddedRuntime
from runtime.event_queue import PIECE, EventQueue
from tests.traces.letters import LetterMachine


def token(seq: int) -> Event:
    return Token(seq=seq, step=seq, stream="main", token=7, text="x")


def joined(seq: int) -> Event:
    return Joined(seq=seq, step=seq, region="main", usage=hog.Usage())


class Bells(SimpleQueue[None]):
    """The bell of every queue that is made; counts how often it rings."""

    n_rung = 0

    def put(self, item: None, block: bool = True, timeout: float | None = None) -> None:
        Bells.n_rung += 1
        super().put(item, block, timeout)


@pytest.fixture
def bells(monkeypatch: pytest.MonkeyPatch) -> type[Bells]:
    monkeypatch.setattr(event_queue, "SimpleQueue", Bells)
    monkeypatch.setattr(Bells, "n_rung", 0)
    return Bells


@pytest.fixture
def runtime() -> Iterator[EmbeddedRuntime]:
    """Its model writes for ever, a letter at a time."""
    made = EmbeddedRuntime(LetterMachine(lambda whole: "x"))
    yield made
    made.close()


# ---------------------------------------------------------------- the queue


@pytest.mark.parametrize("live", [True, False])
def test_what_is_put_comes_in_order(live: bool) -> None:
    queue = EventQueue()
    queue.live = live
    items = [*map(token, range(3)), joined(3)]
    for item in items:
        queue.put(item)
    assert [queue.get() for _ in items] == items


def test_a_reader_that_watches_is_woken_for_every_event(bells: type[Bells]) -> None:
    queue = EventQueue()
    for seq in range(5):
        queue.put(token(seq))
    assert bells.n_rung == 5


def test_another_one_is_woken_for_the_last_event_of_a_region(bells: type[Bells]) -> None:
    queue = EventQueue()
    queue.live = False
    for seq in range(5):
        queue.put(token(seq))
    assert bells.n_rung == 0
    queue.put(joined(5))
    assert bells.n_rung == 1


def test_an_error_comes_at_once_behind_what_waits(bells: type[Bells]) -> None:
    queue = EventQueue()
    queue.live = False
    error = InternalError("the device is on fire")
    queue.put(token(0))
    queue.put(error)
    assert bells.n_rung == 1
    assert [queue.get(), queue.get()] == [token(0), error]


def test_a_reader_is_woken_when_many_events_wait(bells: type[Bells]) -> None:
    queue = EventQueue()
    queue.live = False
    for seq in range(3 * PIECE - 1):
        queue.put(token(seq))
    assert bells.n_rung == 2


def test_a_bell_that_nobody_waited_for_wakes_no_reader_without_an_event() -> None:
    queue = EventQueue()
    for seq in range(2):
        queue.put(token(seq))
        assert queue.get() == token(seq)
    with pytest.raises(Empty):
        queue.get(0.0)


@pytest.mark.parametrize("live", [True, False])
def test_nothing_is_lost_between_two_threads(live: bool) -> None:
    queue = EventQueue()
    queue.live = live
    n = 20 * PIECE + 7

    def fill() -> None:
        for seq in range(n):
            queue.put(token(seq))
        queue.put(joined(n))

    with ThreadPoolExecutor(1) as pool:
        filling = pool.submit(fill)
        assert [queue.get(30) for _ in range(n + 1)] == [*map(token, range(n)), joined(n)]
        filling.result(30)


# ---------------------------------------------------------------- in programs


@hog.program
def two_regions(s: hog.Scope) -> str:
    s += "go" + hog.gen("first", max_tokens=50)
    s += s["first"] + hog.gen("second", max_tokens=50)
    return s["second"]


def test_a_plain_run_wakes_its_reader_once_per_region(
    runtime: EmbeddedRuntime, bells: type[Bells]
) -> None:
    run = two_regions.on(runtime).run()
    assert run.value == "x" * 50
    assert len(run.events) > 100
    assert bells.n_rung == 2


def test_items_of_a_batch_are_plain_runs(runtime: EmbeddedRuntime, bells: type[Bells]) -> None:
    assert two_regions.on(runtime).batch([()] * 3).values == ("x" * 50,) * 3
    assert bells.n_rung == 6


def test_a_stream_has_an_event_before_the_next_one_is_made(bells: type[Bells]) -> None:
    """The model writes a letter only when the one before was read."""
    read: SimpleQueue[str] = SimpleQueue()
    read.put("begin")

    def when_read(whole: str) -> str:
        read.get(timeout=30)
        return "x"

    runtime = EmbeddedRuntime(LetterMachine(when_read))
    for event in two_regions.on(runtime).stream():
        if event.kind == "token":
            read.put(event.text)
    runtime.close()


def test_a_callback_is_called_while_its_region_goes_on(runtime: EmbeddedRuntime) -> None:
    """Nothing but the callback ends it, and all stands still until it has returned."""

    @hog.program
    def is_stopped(s: hog.Scope) -> str:
        with s.fork("a", max_tokens=3000) as team:
            for worker in team:
                worker += hog.gen()

            @team.on_step(every=5)
            def stop(live: hog.Live) -> None:
                live.stop()

        return team["a"].text

    assert is_stopped.on(runtime, max_seconds=30)().count("x") == 5


def test_a_plain_run_is_told_what_a_stream_is_told(runtime: EmbeddedRuntime) -> None:
    stream = two_regions.on(runtime).stream()
    told = [event.model_dump(exclude={"usage"}) for event in stream]
    run = two_regions.on(runtime).run()
    assert [event.model_dump(exclude={"usage"}) for event in run.events] == told


def test_a_plain_run_raises_what_ends_it_and_frees_all(runtime: EmbeddedRuntime) -> None:
    with pytest.raises(hog.RunCancelled, match=r"the run had 0\.02 seconds"):
        endless.on(runtime, max_seconds=0.02)()
    assert runtime.stats().runs == 0


@hog.program
def endless(s: hog.Scope) -> None:
    s += "go" + hog.gen(max_tokens=4000)


def test_nobody_waits_for_a_thread_that_has_broken_or_misses_what_came_before(
    runtime: EmbeddedRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = runtime.open()

    def broken() -> bool:
        if session._run.is_running:
            raise MemoryError("no more")
        return False

    monkeypatch.setattr(runtime._loop, "advance", broken)
    (region,) = endless.compile().regions
    events = list(session.run(region, live=False))
    assert [event.kind for event in events] == ["region_started", "inserted", "failed"]
    session.close()
