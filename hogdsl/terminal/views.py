"""Where the events of a run go: a live screen, plain lines, or JSON."""

from collections.abc import Callable
from time import monotonic
from typing import Protocol

from pydantic import BaseModel
from pydantic_core import to_json
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from hogdsl.events import (
    Asked,
    Event,
    Heard,
    Held,
    Inserted,
    Interrupted,
    Joined,
    RegionStarted,
    Stats,
    StreamEnded,
    Token,
    Usage,
)
from hogdsl.terminal.drawing import ENDS, answer, board, interruption, printable, status, usage_line
from hogdsl.terminal.lanes import Lanes

FRAME_S = 1 / 12
"""The screen is drawn at most this often; events come much faster."""

SPARE_LINES = 3
"""Lines of the screen that lanes leave free: the status line, the cursor's, and one for the eye."""

CTRL_C_CELLS = 4


class View(Protocol):
    """Shows one run."""

    def show(self, event: Event) -> None:
        """Take in the next event."""
        ...

    def result(self, value: object, usage: Usage) -> None:
        """Show what the program returned; comes last, after a run that succeeded."""
        ...

    def close(self) -> None:
        """Put the screen in order, also after a run that was cut short."""
        ...


def print_line(line: str) -> None:
    """Print a line at once, also into a pipe."""
    print(line, flush=True)


def as_text(value: object) -> str:
    """What a program returned, for people: text as it is, data as JSON, nothing as nothing."""
    match value:
        case None:
            return ""
        case str():
            return printable(value)
        case _:
            indent = 2 if isinstance(value, BaseModel) else None
            return printable(to_json(value, indent=indent, fallback=repr).decode())


class LiveView:
    """Lanes that grow on the screen; those of finished regions stay above."""

    def __init__(
        self,
        console: Console,
        stats: Callable[[], Stats],
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._console, self._stats, self._clock = console, stats, clock
        self._lanes = Lanes()
        self._drawn_at = float("-inf")
        # Drawn by this thread only, between events: the lanes never change under the pen.
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def show(self, event: Event) -> None:
        self._live.start()
        self._lanes.apply(event)
        if isinstance(event, Joined):
            self._live.update(self._status(), refresh=True)
            self._keep()
        elif self._clock() - self._drawn_at >= FRAME_S:
            self._drawn_at = self._clock()
            self._live.update(self._frame(), refresh=True)

    def result(self, value: object, usage: Usage) -> None:
        self._live.update(Text(), refresh=True)
        if text := as_text(value):
            gap = "\n" if "\n" in text else " "
            self._console.print(Text.assemble(("result:", "bold green"), gap, text))
        self._console.print(Text(usage_line(usage), style="dim"))

    def close(self) -> None:
        if self._live.is_started:
            self._live.update(Text(), refresh=True)
            self._live.stop()
        if not self._lanes.joined:
            self._keep()  # cut short: what was written so far is still worth seeing

    def _frame(self) -> Group:
        room = max(1, self._console.height - SPARE_LINES)
        return Group(board(self._lanes.lanes, self._console, max_lines=room), self._status())

    def _status(self) -> Text:
        line = status(self._stats(), self._lanes.step)
        # The terminal writes ^C where the cursor is, behind this line. If that began a new line,
        # the frame would be cleared from the wrong place.
        line.truncate(max(1, self._console.width - CTRL_C_CELLS), overflow="ellipsis")
        return line

    def _keep(self) -> None:
        """Print the whole region above the live part, where it stays."""
        lanes = tuple(lane for lane in self._lanes.lanes if lane.text.strip())
        if lanes:
            self._console.print(board(lanes, self._console))


class PlainView:
    """`Alice | a line of hers`, each line when it is complete. For pipes, files and logs."""

    def __init__(self, write: Callable[[str], None] = print_line) -> None:
        self._write = write
        self._lanes = Lanes()
        self._n_written: dict[str, int] = {}

    def show(self, event: Event) -> None:
        self._lanes.apply(event)
        match event:
            case RegionStarted():
                self._n_written.clear()
            case Inserted() | Token():
                self._flush(event.stream, whole_lines=True)
            case Heard():
                self._flush(event.stream, whole_lines=not event.final)
            case Interrupted():
                begin = self._n_written.get(event.stream, 0)
                self._n_written[event.stream] = min(begin, len(event.text))
                self._flush(event.stream, whole_lines=False)
                self._line(event.stream, f"[{interruption(event)}]")
            case Asked():
                self._line(event.stream, f"[{answer(event)}]")
            case Held():
                # What it has said before it waits belongs before what it waits for.
                self._flush(event.stream, whole_lines=False)
            case StreamEnded():
                self._flush(event.stream, whole_lines=False)
                if event.reason not in ENDS:
                    self._line(event.stream, f"[ended: {event.reason}]")
            case Joined():
                self._flush_all()
            case _:
                pass

    def result(self, value: object, usage: Usage) -> None:
        if text := as_text(value):
            # Several lines begin below the heading, so that they stand under one another.
            self._write(f"result:\n{text}" if "\n" in text else f"result: {text}")
        self._write(usage_line(usage))

    def close(self) -> None:
        self._flush_all()

    def _flush_all(self) -> None:
        for lane in self._lanes.lanes:
            self._flush(lane.name, whole_lines=False)

    def _flush(self, stream: str, *, whole_lines: bool) -> None:
        text = self._lanes[stream].text
        begin = self._n_written.get(stream, 0)
        end = text.rfind("\n") + 1 if whole_lines else len(text)
        if end <= begin:
            return
        self._n_written[stream] = end
        for line in text[begin:end].split("\n"):
            if line.strip():
                self._line(stream, line.rstrip())

    def _line(self, stream: str, line: str) -> None:
        self._write(f"{printable(stream)} | {printable(line)}")


class JsonView:
    """One event a line, as JSON, and nothing else: for programs that read a run."""

    def __init__(self, write: Callable[[str], None] = print_line) -> None:
        self._write = write

    def show(self, event: Event) -> None:
        self._write(event.model_dump_json())

    def result(self, value: object, usage: Usage) -> None:
        """Not shown: a reader of events has seen every value."""

    def close(self) -> None:
        """Nothing is open."""
