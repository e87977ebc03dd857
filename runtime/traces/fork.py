"""A recorded run that goes on otherwise from one of its tokens."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import final

from hogdsl.errors import TraceError
from hogdsl.events import Event, Failed, Stats
from hogdsl.plan import Region
from runtime.embedded import EmbeddedRuntime
from runtime.event_queue import EventQueue
from runtime.traces.edited_machine import EditedMachine
from runtime.traces.edits import Edit, cut
from runtime.traces.lines import RegionLine
from runtime.traces.player import error_of
from runtime.traces.reading import Trace
from runtime.traces.session import ResumedSession


@final
class Fork:
    """The run up to the edit, from the trace, and what comes of it, live.

    Attributes:
        runtime: where the run's program is to run once more, opened as it was opened then.
    """

    def __init__(self, trace: Trace, edit: Edit, runtime: EmbeddedRuntime) -> None:
        self._trace, self._edit = cut(trace, edit), edit
        edited = EditedMachine(runtime.machine, edit)
        embedded = EmbeddedRuntime(edited, prepare_thread=runtime.prepare_thread)
        self.runtime = ForkRuntime(self._trace, embedded)

    @property
    def regions(self) -> Sequence[Region]:
        return [line.region for line in self._trace.lines if isinstance(line, RegionLine)]

    def __iter__(self) -> Iterator[Event]:
        """Without its program, up to the end of the edited region.

        Raises:
            TraceError: somebody would have to say something in that region.
            HogError: it fails, for example because the edit may not stand there.
        """
        self._check_alone(self.regions[-1])
        header = self._trace.header
        with closing(
            self.runtime.open(
                seed=header.seed,
                max_tokens=header.max_tokens,
                max_seconds=header.max_seconds,
                tenant=header.tenant,
            )
        ) as session:
            for region in self.regions:
                for event in session.run_alone(region):
                    yield event
                    if isinstance(event, Failed):
                        raise error_of(event)

    def _check_alone(self, region: Region) -> None:
        inputs = [s.name for s in region.streams if s.input is not None or s.reports_delivery]
        held = [watch.name for watch in region.watches if watch.hold != "nothing"]
        if waits := inputs + held:
            raise TraceError(
                f"{self._trace.path}: the region {region.name!r} waits for its program "
                f"({', '.join(waits)}), and the trace does not say where that is. Run the program "
                "with `hogdsl run --record`, so that its trace says it."
            )


@final
class ForkRuntime:
    """A `hogdsl.ports.Runtime` for the one run of a fork."""

    def __init__(self, trace: Trace, runtime: EmbeddedRuntime) -> None:
        self._trace, self._runtime = trace, runtime
        self._is_used = False

    def open(
        self,
        *,
        seed: int = 0,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
        tenant: str = "",
    ) -> ResumedSession:
        """Begin the run; with the settings of the recorded one.

        Raises:
            TraceError: they are others, or it has begun already.
        """
        if self._is_used:
            raise TraceError(
                f"{self._trace.path}: a fork is one run, and another one begins. Fork it again."
            )
        self._is_used = True
        header = self._trace.header
        then = (header.seed, header.max_tokens, header.max_seconds, header.tenant)
        now = (seed, max_tokens, max_seconds, tenant)
        if then != now:
            raise TraceError(
                f"{self._trace.path}:1: the recorded run has seed, max_tokens, max_seconds and "
                f"tenant {then}, and the fork {now}. Give it the same."
            )
        queue = EventQueue()
        run = self._runtime.new_run(
            queue, seed=seed, max_tokens=max_tokens, max_seconds=max_seconds, tenant=tenant
        )
        return ResumedSession(self._runtime, run, queue, self._trace)

    def stats(self) -> Stats:
        return self._runtime.stats()

    def close(self) -> None:
        self._runtime.close()
