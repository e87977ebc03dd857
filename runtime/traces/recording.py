"""A runtime that records its one run, or resumes the recorded one."""

from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import final

from hogdsl.errors import HogError, InternalError, RunCancelled, TraceError
from hogdsl.events import Stats
from hogdsl.plan import PLAN_VERSION
from hogdsl.traces import ProgramCall
from runtime.embedded import EmbeddedRuntime, EmbeddedSession
from runtime.event_queue import EventQueue
from runtime.scheduler.run import Run
from runtime.traces.identity import identity_of
from runtime.traces.lines import Header, ModelIdentity
from runtime.traces.reading import Trace, read_trace
from runtime.traces.recorder import Recorder
from runtime.traces.session import ResumedSession


@final
class RecordingRuntime:
    """A `hogdsl.ports.Runtime` for one run, whose trace goes to a file."""

    def __init__(
        self, runtime: EmbeddedRuntime, path: Path, program: ProgramCall | None = None
    ) -> None:
        """
        Args:
            runtime: where the run goes on.
            path: of the file.
            program: what is run, if the command line runs it.
        """
        self._runtime, self._path, self._program = runtime, path, program
        self._is_used = False

    def open(
        self,
        *,
        seed: int = 0,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
        tenant: str = "",
    ) -> EmbeddedSession:
        """Begin or resume the run.

        Raises:
            TraceError: it has begun already; or the file has a finished trace, one of another run,
                or something else.
        """
        if self._is_used:
            raise TraceError(
                f"{self._path}: a trace holds one run, and another one begins. Record each to a "
                "file of its own."
            )
        self._is_used = True
        header = Header(
            package=version("hogdsl"),
            plan_version=PLAN_VERSION,
            model=identity_of(self._runtime.machine),
            seed=seed,
            max_tokens=max_tokens,
            max_seconds=max_seconds,
            tenant=tenant,
            program=self._program,
        )
        queue = EventQueue()
        run = self._runtime.new_run(
            queue, seed=seed, max_tokens=max_tokens, max_seconds=max_seconds, tenant=tenant
        )
        if self._path.exists() and self._path.stat().st_size:
            return self._resume(header, run, queue)
        recorder = self._recorder(run, None)
        recorder.begin(header)
        run.journal = recorder
        self._runtime.submit(lambda: self._runtime.add(run))
        return RecordedSession(self._runtime, run, queue, recorder)

    def _resume(self, header: Header, run: Run, queue: EventQueue) -> ResumedSession:
        trace = read_trace(self._path)
        if trace.is_finished:
            raise TraceError(
                f"{self._path}: has the trace of a run that is over. Play it with `hogdsl replay`, "
                "remove it to run anew, or record to another file."
            )
        check_same(trace, header)
        recorder = self._recorder(run, trace)

        def goes_live() -> None:
            run.journal = recorder

        def over(is_live: bool) -> None:
            if is_live:
                end(recorder, run)
            else:
                recorder.leave()

        return ResumedSession(self._runtime, run, queue, trace, goes_live=goes_live, over=over)

    def _recorder(self, run: Run, trace: Trace | None) -> Recorder:
        def fail(error: HogError) -> None:
            with suppress(RunCancelled, InternalError):  # then all its runs end anyway
                self._runtime.submit(lambda: run.fail(error) if run.present else None)

        return Recorder(self._path, trace, fail)

    def stats(self) -> Stats:
        return self._runtime.stats()

    def close(self) -> None:
        self._runtime.close()


class RecordedSession(EmbeddedSession):
    """A session that says at its end that the run is over."""

    def __init__(
        self, runtime: EmbeddedRuntime, run: Run, queue: EventQueue, recorder: Recorder
    ) -> None:
        super().__init__(runtime, run, queue)
        self._recorder = recorder

    def close(self) -> None:
        """As that of any session.

        Raises:
            CapacityError: the end of the trace could not be written.
        """
        super().close()
        end(self._recorder, self._run)


def end(recorder: Recorder, run: Run) -> None:
    """The run is over: its trace is, too.

    Raises:
        CapacityError: some of it could not be written, of which the run has not failed.
    """
    recorder.close()
    if recorder.fault is not None and run.failure is None:
        raise recorder.fault


def check_same(trace: Trace, header: Header) -> None:
    """A run is the recorded one only if it is opened as that was.

    Raises:
        TraceError: it is not; with what differs.
    """
    check_model(trace, header.model)
    for field in ("plan_version", "program", "seed", "max_tokens", "max_seconds", "tenant"):
        then, now = getattr(trace.header, field), getattr(header, field)
        if then != now:
            raise TraceError(
                f"{trace.path}:1: the recorded run has {field} {then!r}, and this one {now!r}. "
                "Run it as it was run then, or record to another file."
            )


def check_model(trace: Trace, now: ModelIdentity) -> None:
    """A trace is of one model.

    Raises:
        TraceError: another model, or another tokenizer, template or end tokens.
    """
    then = trace.header.model
    parts = {"weights": "config or weights", "text": "tokenizer, template or end tokens"}
    for field, meaning in parts.items():
        if getattr(then, field) != getattr(now, field):
            raise TraceError(
                f"{trace.path}:1: recorded with the model {then.name!r}, whose {meaning} have the "
                f"hash {getattr(then, field)[:12]}; those of {now.name!r} have "
                f"{getattr(now, field)[:12]}. Use the model that it was recorded with."
            )
