"""Recorded runs: what a file says of a run, so that it can be repeated, branched and resumed.

    runtime = hog.record(hog.local(), "sums.trace")
    program.on(runtime).run(...)

The file is written while the run goes on. If its process dies, the same lines resume the run: what
was recorded is played, and where the file ends the run goes on. `hogdsl replay` plays a trace.
"""

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from hogdsl.events import Event, Stats, Usage
from hogdsl.plan import Region, Wire
from hogdsl.ports import Runtime


class ProgramCall(Wire):
    """A program as the command line calls it."""

    file: str
    name: str
    settings: dict[str, str]
    """Its arguments, as they were typed."""


class Opened(Protocol):
    """How a run was opened."""

    @property
    def seed(self) -> int: ...
    @property
    def max_tokens(self) -> int | None: ...
    @property
    def max_seconds(self) -> float | None: ...
    @property
    def tenant(self) -> str: ...
    @property
    def program(self) -> ProgramCall | None: ...
    @property
    def model_name(self) -> str: ...


class Trace(Protocol):
    """What a file says of a run."""

    @property
    def header(self) -> Opened: ...
    @property
    def n_steps(self) -> int: ...
    @property
    def is_finished(self) -> bool:
        """The run is over; otherwise its process has ended before it."""
        ...


class Replay(Protocol):
    """A recorded run, played: iterate once."""

    def __iter__(self) -> Iterator[Event]: ...
    @property
    def n_steps(self) -> int: ...
    @property
    def n_tokens(self) -> int: ...
    @property
    def usage(self) -> Usage: ...
    def stats(self) -> Stats: ...


class Fork(Protocol):
    """A recorded run that goes on otherwise from one of its tokens."""

    @property
    def runtime(self) -> Runtime:
        """Where its program is to run once more."""
        ...

    @property
    def regions(self) -> Sequence[Region]:
        """What was recorded of it; the last one goes on otherwise."""
        ...

    def __iter__(self) -> Iterator[Event]:
        """Its events up to the end of that region, without its program.

        Raises:
            TraceError: that region needs its program.
        """
        ...


class Traces(Protocol):
    """What there is to do with traces; the module `runtime.traces.door`."""

    def record(
        self,
        runtime: Runtime,
        file: Path,
        program: ProgramCall | None = None,
    ) -> Runtime: ...
    def read_trace(self, path: Path) -> Trace: ...
    def replay(self, trace: Trace, runtime: Runtime, *, any_model: bool = False) -> Replay: ...
    def fork(
        self,
        trace: Trace,
        runtime: Runtime,
        *,
        stream: str,
        at: int,
        text: str,
        region: str | None = None,
    ) -> Fork: ...


def traces() -> Traces:
    """The module that has them, loaded on first use."""
    return cast(Traces, import_module("runtime.traces.door"))


def record(runtime: Runtime, file: str | Path) -> Runtime:
    """A runtime that runs one program and writes a trace of it, or resumes the one in the file.

    Args:
        runtime: the embedded runtime that it runs on; see `hogdsl.local`.
        file: is new, or has an unfinished trace of the same program on the same model.

    Raises:
        TraceError: from `open`, when the run begins: the file has something else in it.
    """
    return traces().record(runtime, Path(file))
