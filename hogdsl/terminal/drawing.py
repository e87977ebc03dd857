"""Lanes as rich renderables: side by side where the terminal is wide enough, else one below the
other. Text of the program is dim, text from outside italic, text of the model plain."""

from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hogdsl.events import Asked, Interrupted, Stats, Usage
from hogdsl.terminal.lanes import Lane, Origin, Passage

MIN_COLUMN_CELLS = 34
"""Narrower lanes are put one below the other."""

BORDER_CELLS = 4
"""What a panel's border and padding take of its width."""

BORDER_LINES = 2

COLORS = ("cyan", "magenta", "green", "yellow", "blue", "red")
STYLES: dict[Origin, str] = {"model": "", "program": "dim", "outside": "italic"}

ENDS = {"finished": "finished", "closed": "closed", "left": "left open"}
"""What is shown of ends that are as they should be."""

# Control characters would move the cursor or change the terminal's state. They are shown as the
# signs that Unicode has for them; a tab and the end of a line keep their meaning.
_SIGNS = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"},
    0x7F: 0x2421,
    **dict.fromkeys(range(0x80, 0xA0), 0xFFFD),
}


def printable(text: str) -> str:
    """The text with its control characters made visible and harmless."""
    return text.translate(_SIGNS)


def board(
    lanes: tuple[Lane, ...], console: Console, *, max_lines: int | None = None
) -> RenderableType:
    """All lanes of a region.

    Args:
        lanes: what to draw, in this order.
        console: whose width decides on columns or rows.
        max_lines: how many lines there is room for; each lane then shows its end. None: all of
            its text.
    """
    if len(lanes) * MIN_COLUMN_CELLS <= console.width:
        return _columns(lanes, console, max_lines)
    return _rows(lanes, console, max_lines)


def _columns(lanes: tuple[Lane, ...], console: Console, max_lines: int | None) -> Table:
    room = None if max_lines is None else max(1, max_lines - BORDER_LINES)
    width = console.width // max(1, len(lanes)) - BORDER_CELLS
    bodies = [_body(lane, console, width, room) for lane in lanes]
    height = max((body.plain.count("\n") + 1 for body in bodies), default=1)
    grid = Table.grid(expand=True)
    for _ in lanes:
        grid.add_column(ratio=1)
    grid.add_row(
        *(
            _panel(lane, body, color, height + BORDER_LINES)
            for lane, body, color in zip(lanes, bodies, _colors(lanes), strict=True)
        )
    )
    return grid


def _rows(lanes: tuple[Lane, ...], console: Console, max_lines: int | None) -> Table:
    room = None if max_lines is None else max(1, max_lines // len(lanes) - BORDER_LINES)
    grid = Table.grid(expand=True)
    grid.add_column()
    for lane, color in zip(lanes, _colors(lanes), strict=True):
        grid.add_row(_panel(lane, _body(lane, console, console.width - BORDER_CELLS, room), color))
    return grid


def _colors(lanes: tuple[Lane, ...]) -> list[str]:
    return [COLORS[index % len(COLORS)] for index in range(len(lanes))]


def _panel(lane: Lane, body: Text, color: str, height: int | None = None) -> Panel:
    return Panel(
        body,
        title=title(lane),
        title_align="left",
        subtitle=subtitle(lane),
        subtitle_align="right",
        border_style=f"dim {color}" if lane.state == "held" else color,
        height=height,
    )


def title(lane: Lane) -> Text:
    """The stream's name and what it is doing."""
    state = lane.state
    if state == "ended":
        state = ENDS.get(lane.reason or "", f"ended: {lane.reason}")
    return Text.assemble((printable(lane.name), "bold"), f" · {state}")


def subtitle(lane: Lane) -> Text:
    """What it has written, and how it last answered a question."""
    parts = [count(lane.n_tokens, "token")]
    if lane.n_committed:
        parts.append(f"{count(lane.n_committed, 'step')} shared")
    if lane.asked is not None:
        parts.append(answer(lane.asked))
    if lane.interrupted is not None:
        parts.append(interruption(lane.interrupted))
    return Text(" · ".join(parts), style="not bold")


def answer(asked: Asked) -> str:
    """How a question was answered, and how sure the model was."""
    odds = asked.odds.get(asked.answer)
    likely = "" if odds is None else f" {odds:.0%}"
    return printable(f"asked: {asked.answer}{likely}")


def interruption(event: Interrupted) -> str:
    """Who broke in, and what came of it."""
    outcome = {"pause": "paused", "restart": "taken back", "stop": "stopped"}[event.policy]
    return printable(f"{outcome} by {event.by}")


def _body(lane: Lane, console: Console, width: int, max_lines: int | None) -> Text:
    """The lane's text, wrapped to `width` cells; its last `max_lines` lines."""
    # A line holds at most `width` characters, so more than this cannot be seen.
    passages = lane.passages if max_lines is None else lane.tail(width * max_lines)
    text = _styled(passages)
    lines = text.wrap(console, max(1, width), tab_size=4)
    return Text("\n").join(lines if max_lines is None else lines[-max_lines:])


def _styled(passages: list[Passage]) -> Text:
    text = Text()
    for passage in passages:
        text.append(printable(passage.text), style=STYLES[passage.origin])
    text.rstrip()
    return text


def status(stats: Stats, step: int) -> Text:
    """One line: how far the run is, how fast, and what the cache holds."""
    parts = (
        f"step {step}",
        f"{stats.tokens_per_second:.0f} tokens/s",
        f"{stats.pages_used}/{stats.pages_total} pages, {stats.pages_cached} cached",
        f"{stats.tokens_cached} tokens from cache",
        f"{stats.model} on {stats.device}",
    )
    return Text(printable(" · ".join(parts)), style="dim", no_wrap=True, overflow="ellipsis")


def usage_line(usage: Usage) -> str:
    """One line: what a run took in all."""
    parts = [
        count(usage.steps, "step"),
        f"{count(usage.tokens_generated, 'token')} written",
        f"{usage.tokens_encoded} encoded",
        f"{usage.tokens_cached} from cache",
    ]
    if usage.probes:
        parts.append(f"{count(usage.probes, 'question')} asked")
    if usage.suspensions:
        parts.append(f"suspended {count(usage.suspensions, 'time')}")
    return " · ".join([*parts, f"{usage.seconds:.2f} s"])


def count(n: int, noun: str) -> str:
    """`1 step`, `2 steps`."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
