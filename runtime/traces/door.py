"""What `hogdsl.traces` finds here: traces of runs of the embedded runtime."""

from pathlib import Path

from hogdsl.errors import TraceError
from hogdsl.ports import Runtime
from hogdsl.traces import ProgramCall
from runtime.embedded import EmbeddedRuntime
from runtime.traces.edits import Edit, find_region
from runtime.traces.fork import Fork
from runtime.traces.identity import identity_of
from runtime.traces.reading import Trace, read_trace
from runtime.traces.recording import RecordingRuntime, check_model
from runtime.traces.replay import Replay

__all__ = ["Fork", "RecordingRuntime", "Replay", "Trace", "fork", "read_trace", "record", "replay"]


def record(runtime: Runtime, file: Path, program: ProgramCall | None = None) -> RecordingRuntime:
    """See `hogdsl.traces.record`."""
    return RecordingRuntime(_embedded(runtime), file, program)


def replay(trace: Trace, runtime: Runtime, *, any_model: bool = False) -> Replay:
    """The recorded run, played while it is iterated over. The runtime must have no other runs.

    Args:
        trace: finished or not.
        runtime: with the model that it was recorded on.
        any_model: another model will do; it is played up to where that model chooses otherwise.

    Raises:
        TraceError: it is another model.
    """
    embedded = _embedded(runtime)
    if not any_model:
        check_model(trace, identity_of(embedded.machine))
    if embedded.prepare_thread is not None:
        embedded.prepare_thread()
    return Replay(trace, embedded.machine)


def fork(
    trace: Trace, runtime: Runtime, *, stream: str, at: int, text: str, region: str | None = None
) -> Fork:
    """The recorded run, in which the token `at` that a stream chose is replaced by a text.

    Args:
        trace: finished or not.
        runtime: with the model that it was recorded on, and without runs of its own meanwhile.
        stream: its name.
        at: counted from 0 in its region, over all that it chose there.
        text: its tokens are chosen, one per step; then the model goes on.
        region: needed if the stream has such a token in several.

    Raises:
        TraceError: it is another model; there is no such token, or several; the text is empty.
    """
    embedded = _embedded(runtime)
    check_model(trace, identity_of(embedded.machine))
    name = find_region(trace, stream, at, region)
    tokens = tuple(embedded.machine.text.encode(text))
    if not tokens:
        raise TraceError(f"the edit {text!r} has no token. Give a text to go on with.")
    return Fork(trace, Edit(region=name, stream=stream, at=at, tokens=tokens), embedded)


def _embedded(runtime: Runtime) -> EmbeddedRuntime:
    if not isinstance(runtime, EmbeddedRuntime):
        raise TraceError(
            f"traces are of runs in this process, and {runtime!r} runs them elsewhere. Use "
            "hog.local(...)."
        )
    return runtime
