"""A run for eyes that are slower than a model.

The run itself goes on at its own speed and is read as it comes. What is shown of it is held back
until it is due, together with what the runtime was doing at that moment.
"""

from collections import deque
from collections.abc import Callable, Iterator
from time import monotonic, sleep

from hogdsl.events import Event, Stats


class Paced:
    """The events of a run, each step's first one no sooner than it is due.

    `stats` belongs to the event that was given last. Time that a slow step took is not made up for
    by the next ones.
    """

    def __init__(
        self,
        events: Iterator[Event],
        stats: Callable[[], Stats],
        steps_per_second: float,
        *,
        clock: Callable[[], float] = monotonic,
        wait: Callable[[float], None] = sleep,
    ) -> None:
        self._events, self._read_stats = events, stats
        self._step_s = 1 / steps_per_second
        self._clock, self._wait = clock, wait
        self._ahead: deque[tuple[Event, Stats]] = deque()
        self._over = False
        self._stats: Stats | None = None

    def stats(self) -> Stats:
        """What the runtime was doing when the event that was given last came about."""
        return self._read_stats() if self._stats is None else self._stats

    def __iter__(self) -> Iterator[Event]:
        shown_step, due_s = -1, self._clock()
        while self._ahead or self._read():
            event, stats = self._ahead.popleft()
            if event.step != shown_step:
                self._pass_time_until(due_s)
                shown_step, due_s = event.step, max(due_s, self._clock()) + self._step_s
            self._stats = stats
            yield event

    def _pass_time_until(self, due_s: float) -> None:
        """Read ahead while there is something to read, then wait."""
        while self._clock() < due_s and self._read():
            pass
        self._wait(max(0.0, due_s - self._clock()))

    def _read(self) -> bool:
        """Take in one more event, as soon as it comes. False: there are no more."""
        event = None if self._over else next(self._events, None)
        if event is None:
            self._over = True
            return False
        self._ahead.append((event, self._read_stats()))
        return True
