"""A run is shown no faster than was asked for, and read no slower than it comes."""

from collections.abc import Iterator

from hogdsl.events import Event, Stats
from hogdsl.terminal.pacing import Paced
from tests.terminal.scenes import STATS, two_workers


class Clock:
    """Time that passes only where somebody waits or a run takes it."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.waits_s: list[float] = []

    def read(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.waits_s.append(seconds)
        self.now_s += seconds


def run(clock: Clock, *seconds_per_event: float) -> Iterator[Event]:
    """The events of two workers; the last time is that of all further ones too."""
    for index, event in enumerate(two_workers()):
        clock.now_s += seconds_per_event[min(index, len(seconds_per_event) - 1)]
        yield event


def paced(clock: Clock, events: Iterator[Event]) -> Paced:
    return Paced(events, lambda: STATS, 4, clock=clock.read, wait=clock.wait)


def test_steps_come_no_faster_than_the_pace_and_events_of_one_step_together():
    clock = Clock()
    seen = [(event.step, clock.now_s) for event in paced(clock, run(clock, 0.0))]
    assert [step for step, _ in seen] == [event.step for event in two_workers()]
    assert set(seen) == {(0, 0.0), (1, 0.25), (2, 0.5), (3, 0.75)}


def test_a_run_that_is_slower_than_the_pace_is_not_held_back():
    clock = Clock()
    assert list(paced(clock, run(clock, 1.0))) == two_workers()
    assert set(clock.waits_s) == {0.0}


def test_time_that_a_slow_step_took_is_not_made_up_for():
    clock = Clock()
    seen = {event.step: clock.now_s for event in paced(clock, run(clock, 0.0, 10.0, 0.0))}
    assert seen == {0: 0.0, 1: 10.0, 2: 10.25, 3: 10.5}


def test_a_run_is_read_while_its_beginning_is_still_shown():
    clock = Clock()
    n_read = 0

    def counted() -> Iterator[Event]:
        nonlocal n_read
        for event in two_workers():
            n_read += 1
            yield event

    shown = iter(paced(clock, counted()))
    assert next(shown).step == 0
    assert next(shown).step == 1
    assert n_read == len(two_workers())


def test_the_stats_are_those_of_the_event_that_is_shown():
    clock = Clock()
    n_asked = 0

    def stats() -> Stats:
        nonlocal n_asked
        n_asked += 1
        return STATS.model_copy(update={"steps": n_asked})

    source = Paced(run(clock, 0.0), stats, 4, clock=clock.read, wait=clock.wait)
    shown = [source.stats().steps for _ in source]
    assert shown == list(range(1, len(two_workers()) + 1))
    assert n_asked == len(two_workers())
