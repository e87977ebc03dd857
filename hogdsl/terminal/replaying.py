"""Recorded runs on the command line: recorded, resumed, played again, branched."""

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from rich.console import Console

from hogdsl.events import Event, Failed, Stats
from hogdsl.ports import Runtime
from hogdsl.terminal.arguments import bind, signature_of
from hogdsl.terminal.drawing import count, printable
from hogdsl.terminal.failures import UsageError
from hogdsl.terminal.loading import AnyProgram, load
from hogdsl.terminal.pacing import Paced
from hogdsl.terminal.running import ViewMaker, play
from hogdsl.traces import Fork, ProgramCall, Replay, Trace, traces


def recording(
    runtime: Runtime, file: Path, program: Path, name: str, settings: Mapping[str, str]
) -> Runtime:
    """A runtime that records the run of a program, or resumes it."""
    call = ProgramCall(file=str(program.resolve()), name=name, settings=dict(settings))
    return traces().record(runtime, file, call)


def announce(file: Path, console: Console) -> None:
    """Say that a run goes on that was cut off; before a model is loaded.

    Raises:
        TraceError: there is something in the file that is no trace, or a damaged one.
    """
    if file.exists() and file.stat().st_size:
        trace = traces().read_trace(file)
        if not trace.is_finished:
            steps = count(trace.n_steps, "step")
            console.print(f"going on after {steps} of {printable(str(file))}", highlight=False)


def parse_place(place: str) -> tuple[str, int]:
    """`STREAM:N` of `--fork-at`.

    Raises:
        UsageError: it is written otherwise.
    """
    stream, colon, number = place.rpartition(":")
    if not (stream and colon and number.isdecimal()):
        raise UsageError(
            f"--fork-at wants STREAM:N, a stream and which of its tokens, counted from 0, not "
            f"{place!r}"
        )
    return stream, int(number)


def play_again(
    recorded: Replay, trace: Trace, view_of: ViewMaker, console: Console, *, pace: float | None
) -> None:
    """Show a recorded run, and say how much of it was the same."""
    last = _show(recorded, recorded.stats, view_of, pace)
    steps, tokens = count(recorded.n_steps, "step"), count(recorded.n_tokens, "token")
    console.print(f"the same: {steps}, {tokens}", highlight=False)
    if isinstance(last, Failed):
        message = printable(f"the run failed: {last.error}: {last.message}")
        console.print(message, markup=False, highlight=False, soft_wrap=True)
    elif not trace.is_finished:
        console.print("there the trace ends: its run was cut off", highlight=False)


def play_fork(fork: Fork, trace: Trace, view_of: ViewMaker, *, pace: float | None) -> None:
    """Show a branch of a recorded run: with its program, if the trace names one."""
    call = trace.header.program
    if call is None:
        _show(fork, fork.runtime.stats, view_of, pace)
        return
    chosen = load(Path(call.file), call.name)
    arguments = bind(chosen.name, signature_of(chosen), call.settings)
    play(_bound(chosen, fork, trace), arguments, view_of, pace=pace)


def _bound(program: AnyProgram, fork: Fork, trace: Trace) -> AnyProgram:
    opened = trace.header
    return program.on(
        fork.runtime,
        seed=opened.seed,
        max_tokens=opened.max_tokens,
        max_seconds=opened.max_seconds,
        tenant=opened.tenant,
    )


def _show(
    events: Replay | Fork, stats: Callable[[], Stats], view_of: ViewMaker, pace: float | None
) -> Event | None:
    """Show all events; the last one."""
    source = iter(events)
    paced = None if pace is None else Paced(source, stats, pace)
    last = None
    with closing(view_of(stats if paced is None else paced.stats)) as view:
        for last in source if paced is None else paced:
            view.show(last)
    return last
