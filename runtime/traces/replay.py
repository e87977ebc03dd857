"""A recorded run once more, without its program."""

from collections import deque
from collections.abc import Iterator
from contextlib import closing

from hogdsl.errors import TraceError
from hogdsl.events import Event, Stats, Usage
from runtime.scheduler.run import Run
from runtime.scheduler.work import Machine
from runtime.traces.lines import FinishedLine
from runtime.traces.player import Player
from runtime.traces.reading import Trace


class Replay:
    """The events of a recorded run, while it is played: iterate once, in one thread.

    The machine must not be used by anybody else meanwhile.
    """

    def __init__(self, trace: Trace, machine: Machine) -> None:
        header = trace.header
        self._trace, self._machine = trace, machine
        self._events: deque[Event] = deque()
        self._run = Run(
            machine,
            self._events.append,
            seed=header.seed,
            max_tokens=header.max_tokens,
            max_seconds=header.max_seconds,
            tenant=header.tenant,
            opened_at_s=0.0,
        )
        self._player = Player(trace, self._run, machine)

    def __iter__(self) -> Iterator[Event]:
        """Play it all; what the run holds is freed at the end, or when this is left.

        Raises:
            TraceError: something was not the same; with both, and the line of the trace.
            HogError: the machine failed.
        """
        with closing(self._run):
            while (line := self._player.next_line) is not None:
                self._player.advance()
                yield from self._taken()
                if isinstance(line, FinishedLine) and self._run.present is not None:
                    raise TraceError(
                        f"{self._trace.path}: the recorded run is over here, and this one goes on: "
                        f"{self._run!r}."
                    )

    def _taken(self) -> Iterator[Event]:
        while self._events:
            yield self._events.popleft()

    @property
    def n_steps(self) -> int:
        """Steps that were the same so far."""
        return self._player.n_steps

    @property
    def n_tokens(self) -> int:
        """Chosen tokens that were the same so far."""
        return self._player.n_tokens

    @property
    def usage(self) -> Usage:
        return self._run.usage

    def stats(self) -> Stats:
        """What goes on, for a status line."""
        pages = self._machine.pages
        return Stats(
            model=self._machine.name,
            device=self._machine.device,
            runs=1,
            steps=self.n_steps,
            tokens_per_second=0.0,
            pages_used=pages.n_used,
            pages_cached=pages.n_cached,
            pages_total=pages.n_total,
            tokens_cached=self.usage.tokens_cached,
        )
