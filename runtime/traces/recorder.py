"""Writes a trace while the run goes on.

Every line is written at once and before what it says takes effect, so a process that is killed has
lost at most the step that was being made. (A machine that loses its power may lose more: nothing
waits for the disk.)
"""

from collections.abc import Callable, Sequence
from io import FileIO
from pathlib import Path

from hogdsl import plan
from hogdsl.commands import Command
from hogdsl.errors import CapacityError, HogError, TraceError
from runtime.scheduler.journal import ErrorName
from runtime.scheduler.turn import Turn
from runtime.scheduler.work import Chosen, Job, Result
from runtime.traces.lines import (
    FailedLine,
    FinishedLine,
    Header,
    LateLine,
    Line,
    Measured,
    RegionLine,
    RestoredLine,
    SuspendedLine,
    Told,
    ToldLine,
    framed,
    step_said,
)
from runtime.traces.reading import Trace


class Recorder:
    """A `runtime.scheduler.journal.Journal` that writes a file."""

    def __init__(self, path: Path, trace: Trace | None, fail: Callable[[HogError], None]) -> None:
        """
        Args:
            path: of the file.
            trace: what is in it already; None: it is new, and `begin` comes first.
            fail: is told that a line could not be written, with every one that is not.

        Raises:
            TraceError: the file exists and is not empty, or cannot be written.
        """
        self.path, self._fail = path, fail
        self._crc = 0 if trace is None else trace.crc
        self._is_over = False
        self.fault: HogError | None = None
        """Why a line could not be written; then none is any more."""
        try:
            self._file = FileIO(path, "ab")
            _lock(self._file, path)
            if trace is not None:
                self._file.truncate(trace.n_bytes)
            elif self._file.seek(0, 2):
                self._file.close()
                raise TraceError(f"{path}: there is something in it. Record to another file.")
        except OSError as error:
            raise TraceError(f"{path}: cannot be written: {error.strerror}.") from error

    def begin(self, header: Header) -> None:
        """Write the first line.

        Raises:
            CapacityError: it cannot be written.
        """
        self._write(header)
        if self.fault is not None:
            raise self.fault

    def close(self) -> None:
        """The run is over: say so, unless it has failed. Safe to call twice."""
        if not self._is_over:
            self._write(FinishedLine())
        self.leave()

    def leave(self) -> None:
        """Write no more; the run may be resumed. Safe to call twice."""
        self._is_over = True
        self._file.close()

    # ---------------------------------------------------------------- a journal

    def started(self, region: plan.Region, now_s: float) -> None:
        self._write(RegionLine(at_s=now_s, region=region))

    def told(self, command: Command, now_s: float) -> None:
        self._write(ToldLine(at_s=now_s, command=command))

    def timed(self, now_s: float) -> None:
        self._write(LateLine(at_s=now_s))

    def stepped(self, turn: Turn, results: Sequence[Result], now_s: float) -> None:
        self._put(step_said(now_s, results_of(turn.jobs, results)))

    def suspended(self) -> None:
        self._write(SuspendedLine())

    def restored(self) -> None:
        self._write(RestoredLine())

    def failed(self, error: ErrorName, message: str) -> None:
        self._write(FailedLine(error=error, message=message))
        self.leave()

    def _write(self, line: Header | Line) -> None:
        self._put(line.model_dump_json().encode())

    def _put(self, said: bytes) -> None:
        if self.fault is not None:
            self._fail(self.fault)
        if self._is_over:
            return
        written, self._crc = framed(said, self._crc)
        try:
            if self._file.write(written) != len(written):
                raise OSError(None, "there is no room for a whole line")
        except OSError as error:
            self.leave()
            self.fault = CapacityError(
                f"the trace {self.path} cannot be written: {error.strerror}. The run ends, so that "
                "nothing happens that is not recorded. Make room, or record elsewhere."
            )
            self._fail(self.fault)


def _lock(file: FileIO, path: Path) -> None:
    """Keep others from recording to the file, as long as it is open; where the system can.

    Raises:
        TraceError: somebody records to it.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise TraceError(
            f"{path}: another run is being recorded to it. Record each to a file of its own."
        ) from error


def results_of(jobs: Sequence[Job], results: Sequence[Result]) -> tuple[tuple[str, Told], ...]:
    """The results of those jobs that want something, each with the stream that it is for."""
    found: list[tuple[str, Told]] = []
    for job, result in zip(jobs, results, strict=True):
        if job.work.want is not None and result is not None:
            found.append((job.work.want.origin.stream, _told(result)))
    return tuple(found)


def _told(result: Chosen | list[list[float]]) -> Told:
    if not isinstance(result, Chosen):
        return tuple(map(tuple, result))
    if result.logprob is None:
        return result.token
    return Measured(token=result.token, logprob=result.logprob, top=result.top)
