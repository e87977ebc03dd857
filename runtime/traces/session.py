"""A run that begins with what a trace says, and then goes on live.

    program's thread              engine's thread
    run(region) ────────────▶     the region of the trace is that one? play its lines, all at once
    events ◀─────────────────     the trace is used up: the run joins the others, on the same clock
    send(command) ── new? ──▶     takes effect

While its lines are played the run has the engine's thread to itself.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from itertools import takewhile

from hogdsl.commands import Command
from hogdsl.errors import HogError, InternalError, RunCancelled, TraceError
from hogdsl.events import Event
from hogdsl.plan import Region
from runtime.embedded import EmbeddedRuntime, EmbeddedSession
from runtime.event_queue import EventQueue
from runtime.scheduler.run import Run
from runtime.traces.differences import first_difference
from runtime.traces.echo import PATIENCE_S, Echo
from runtime.traces.lines import Line, RegionLine, ToldLine
from runtime.traces.player import Player
from runtime.traces.reading import Trace


class ResumedSession(EmbeddedSession):
    """A `hogdsl.ports.Session` whose first regions were recorded."""

    def __init__(
        self,
        runtime: EmbeddedRuntime,
        run: Run,
        queue: EventQueue,
        trace: Trace,
        *,
        goes_live: Callable[[], None] = lambda: None,
        over: Callable[[bool], None] = lambda is_live: None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """
        Args:
            runtime: where it goes on.
            run: new, and not among those that the runtime steps.
            queue: where its events come from.
            trace: what it begins with; unfinished.
            goes_live: called by the engine's thread when the trace is used up.
            over: called at the end, with whether it has gone live.
            patience_s: see `runtime.traces.echo.PATIENCE_S`.
        """
        super().__init__(runtime, run, queue)
        self._trace, self._patience_s = trace, patience_s
        run.clock.lag_s = 0.0
        self._player = Player(trace, run, runtime.machine)
        self._goes_live, self._over = goes_live, over
        self._is_live = False
        self._n_regions = 0
        self._echo = Echo(())

    def run(
        self, region: Region, commands: Sequence[Command] = (), *, live: bool = True
    ) -> Generator[Event, None, None]:
        """Run one region; see `hogdsl.ports.Session.run`.

        Raises:
            TraceError: the recorded one is another, or happens otherwise, or hears something else.
        """
        self._echo = echo = self._next_echo()
        new = [command for command in commands if echo.is_new(command)]
        with closing(super().run(region, new, live=live)) as events:
            for event in events:
                if echo.passes(event):
                    yield event

    def send(self, command: Command) -> None:
        """Tell the running region something, unless the trace says that it was told."""
        try:
            new = self._echo.is_new(command)
        except TraceError as error:  # is raised where the events are read
            self._events.put(error)
            return
        if new:
            super().send(command)

    def run_alone(self, region: Region) -> Generator[Event, None, None]:
        """Run one region without its program: nobody says anything again."""
        return super().run(region)

    def close(self) -> None:
        super().close()
        self._over(self._is_live)

    def _next_echo(self) -> Echo:
        """Of the next region that the program runs."""
        regions = [i for i, line in enumerate(self._trace.lines) if isinstance(line, RegionLine)]
        n_before, self._n_regions = self._n_regions, self._n_regions + 1
        if n_before >= len(regions):
            return Echo(())
        begin = self._trace.lines[regions[n_before]]
        assert isinstance(begin, RegionLine)
        rest = self._trace.lines[regions[n_before] + 1 :]
        own = takewhile(lambda line: not isinstance(line, RegionLine), rest)
        told = (line for line in own if isinstance(line, ToldLine))
        return Echo(told, began_s=begin.at_s, patience_s=self._patience_s)

    # ---------------------------------------------------------------- in the engine's thread

    def _start(self, region: Region, commands: Sequence[Command]) -> None:
        try:
            line = self._player.next_line
            if line is None:
                self._join()
                super()._start(region, commands)
                return
            self._check(line, region)
            self._play_region()
        except HogError as error:
            self._events.put(error)
            return
        if self._must_stop:
            self._run.fail(RunCancelled("the run was cancelled."))
        for command in commands:
            self._tell(command)

    def _check(self, line: Line, region: Region) -> None:
        if not isinstance(line, RegionLine):
            raise InternalError(f"{self._player.where}: no region begins here. Please report it.")
        if difference := first_difference(line.region, region):
            raise TraceError(
                f"{self._player.where}: the program runs another region than it did when it was "
                f"recorded: {difference}. Resume it with the same program and arguments, or record "
                "to another file."
            )

    def _play_region(self) -> None:
        """Play up to the next region; where the trace ends, the run goes on live."""
        self._player.advance()
        while not self._must_stop and (line := self._player.next_line) is not None:
            if isinstance(line, RegionLine):
                return
            self._player.advance()
        if self._player.next_line is None:
            self._join()

    @property
    def _must_stop(self) -> bool:
        return self._cancelled or self._closed or self._runtime.is_closed

    def _join(self) -> None:
        if not self._is_live:
            self._is_live = True
            self._run.clock.lag_s = self._runtime.now_s() - self._player.now_s
            self._goes_live()
            self._runtime.add(self._run)
