"""One run: events go from the stream to a view, the result comes last."""

from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager

from rich.console import Console
from rich.text import Text

from hogdsl.events import Stats
from hogdsl.ports import Runtime, local
from hogdsl.terminal.drawing import printable
from hogdsl.terminal.failures import MissingPackageError
from hogdsl.terminal.lately import Lately
from hogdsl.terminal.loading import AnyProgram
from hogdsl.terminal.pacing import Paced
from hogdsl.terminal.views import JsonView, LiveView, PlainView, View

ViewMaker = Callable[[Callable[[], Stats]], View]
"""Makes a view, given where it can ask what the runtime is doing."""

OURS = ("hogdsl", "runtime")
"""Packages that are never missing by themselves: one that is not found is a fault of ours."""


def start(
    console: Console,
    *,
    model: str,
    device: str | None = None,
    dtype: str | None = None,
    weights: str | None = None,
) -> Runtime:
    """The embedded runtime, with a word on `console` while the model is loaded.

    Raises:
        MissingPackageError: a package of the extra `runtime` is not installed.
        ModelError: the folder is no checkpoint that can be run.
    """
    with needing_runtime("running programs"), console.status(Text(f"loading {printable(model)}")):
        return local(model, device=device, dtype=dtype, weights=weights)


@contextmanager
def needing_runtime(what: str) -> Generator[None]:
    """Says which package is missing for `what`, and how to get it, if one is in the `with` block.

    Raises:
        MissingPackageError: a package of the extra `runtime` is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in OURS:
            raise
        raise MissingPackageError(
            f"{what} needs the package {error.name!r}, which is not installed."
            " Get it with: pip install 'hogdsl[runtime]'; `hogdsl doctor` lists what is missing"
        ) from error


def play(
    program: AnyProgram,
    arguments: Mapping[str, object],
    view_of: ViewMaker,
    *,
    pace: float | None = None,
    far: bool = False,
) -> None:
    """Run the program to its end and show it, at most `pace` steps a second.

    `far`: the runtime is on a server, and is not asked for every event what it is doing.

    Leaving early, by an error or by Ctrl-C, stops the run and frees what it held; what was shown
    stays on the screen.
    """
    with program.stream(**arguments) as stream:
        stats = Lately(stream.stats) if far else stream.stats
        source = stream if pace is None else Paced(stream, stats, pace)
        with closing(view_of(stats if pace is None else source.stats)) as view:
            for event in source:
                view.show(event)
            view.result(stream.run.value, stream.run.usage)


def view_for(console: Console, *, events: bool) -> ViewMaker:
    """JSON where it is asked for, a live screen on a terminal, plain lines elsewhere."""
    if events:
        return lambda stats: JsonView()
    if console.is_terminal and not console.is_dumb_terminal:
        return lambda stats: LiveView(console, stats)
    return lambda stats: PlainView()
