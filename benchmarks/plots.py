"""Draws what was measured: `python -m benchmarks.plots FILE.json OUT.svg`.

The JSON is what `benchmarks.views` or `benchmarks.serving` wrote with `--json`; which of the two is
seen by what is in it. The same figures give the same file, byte for byte, on the same matplotlib.
The end of the output's name says its format: `.svg` or `.png`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

Json = Mapping[str, Any]
FORMATS = (".svg", ".png")
STYLE: dict[Any, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "legend.frameon": False,
    "svg.fonttype": "none",  # text stays text: a fifth of the size, and it can be searched
    "svg.hashsalt": "hogdsl",
}
INK, GREEN, ORANGE, RED, GREY = "#222222", "#0b7a5c", "#c97a10", "#b5402c", "#808080"


class Line(NamedTuple):
    """A column of the rows of `benchmarks.views`, and how it is drawn."""

    column: str
    label: str
    colour: str
    dashes: str


LINES = (
    Line("transformers_ms", "transformers, own caches", RED, "-"),
    Line("transformers_sdpa_ms", "the same, SDPA attention", ORANGE, "-"),
    Line("ours_ms", "ours, every stream sees all", GREEN, "-"),
    Line("limit_ms", "limit: each byte read once", GREY, "--"),
)
CROWDED = (
    ("crowded, speakers first", "who speaks comes first", GREEN, -0.19),
    ("crowded, all alike", "all alike", GREY, 0.19),
)
PERCENTILES = {"p50": "50th percentile", "p99": "99th percentile"}
LABELS_APART = 1.22
"""The least ratio of the heights of two labels on the logarithmic axis."""
MILLISECONDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class UnknownFigures(ValueError):
    """The JSON is of no benchmark that can be drawn."""


def plot(figures: Json) -> Figure:
    """The plot of what a benchmark wrote.

    Raises:
        UnknownFigures: it is neither of `benchmarks.views` nor of `benchmarks.serving`.
    """
    with rc_context(STYLE):
        if "rows" in figures:
            return plot_views(figures["rows"])
        if "as they arrive" in figures:
            return plot_serving(figures)
    raise UnknownFigures(
        "figures are drawn that have 'rows' (of benchmarks.views) or 'as they arrive' (of "
        f"benchmarks.serving), found {', '.join(map(repr, figures)) or 'none'}. Write them with "
        "--json."
    )


def plot_views(rows: Sequence[Json]) -> Figure:
    """Milliseconds per step against the tokens of the prompt, one panel per number of streams."""
    ordered = sorted(rows, key=lambda row: row["context"])
    numbers = sorted({row["streams"] for row in rows})
    figure = Figure(figsize=(3.1 * len(numbers), 3.7), layout="constrained")
    panels = figure.subplots(1, len(numbers), sharey=True, squeeze=False)[0]
    for axes, n in zip(panels, numbers, strict=True):
        _draw_lines(axes, [row for row in ordered if row["streams"] == n])
        axes.set_title("1 stream" if n == 1 else f"{n} streams", color=INK)
        axes.set_xlabel("tokens of the shared prompt")
    panels[0].set_ylabel("milliseconds per step (logarithmic)")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return figure


def _draw_lines(axes: Axes, rows: Sequence[Json]) -> None:
    """Both axes logarithmic: what is ten times slower is as far away everywhere."""
    contexts = [row["context"] for row in rows]
    lines = [line for line in LINES if line.column in rows[0]]
    for column, label, colour, dashes in lines:
        values = [row[column] for row in rows]
        axes.plot(contexts, values, dashes, color=colour, label=label, marker="o", markersize=3.5)
    height = 0.0
    for value, colour in sorted((rows[-1][line.column], line.colour) for line in lines):
        height = max(value, height * LABELS_APART)  # above the label below it
        axes.text(contexts[-1] * 1.12, height, f"{value:.3g}", color=colour, va="center")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(contexts[0] * 0.85, contexts[-1] * 1.7)
    axes.xaxis.set_major_locator(FixedLocator(contexts))
    axes.yaxis.set_major_locator(FixedLocator(MILLISECONDS))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(ScalarFormatter())
    axes.grid(axis="y", color="#eeeeee")


def plot_serving(figures: Json) -> Figure:
    """Tokens per second, alone and together; and when the first word of a reply comes."""
    figure = Figure(figsize=(8.4, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2, 3))
    rates = [figures[way]["tokens_per_second"] for way in ("one after another", "as they arrive")]
    bars = left.bar(["one after another", "as they arrive"], rates, 0.6, color=[GREY, GREEN])
    left.bar_label(bars, fmt="%.0f", padding=2)
    left.set_ylabel("tokens per second")
    left.set_title(f"the same programs: {figures['speedup']:.2f} times as fast", color=INK)
    for way, label, colour, shift in CROWDED:
        waits = [1e3 * figures[way][f"first_word_s_{name}"] for name in PERCENTILES]
        places = [index + shift for index in range(len(waits))]
        bars = right.bar(places, waits, 0.36, color=colour, label=label)
        right.bar_label(bars, fmt="%.0f", padding=2)
    right.set_xticks(range(len(PERCENTILES)), PERCENTILES.values())
    right.set_ylabel("milliseconds")
    right.set_title("to the first word of a talker, in a crowd", color=INK)
    right.legend(loc="upper left")
    for axes in (left, right):
        axes.margins(y=0.12)
        axes.locator_params(axis="y", nbins=5)
    return figure


def write(figure: Figure, file: Path) -> None:
    """Write a figure, without the date, so that nothing but the figures changes the file.

    Raises:
        ValueError: the name ends in no format of `FORMATS`.
    """
    if file.suffix not in FORMATS:
        raise ValueError(f"{file}: a plot is written as {' or '.join(FORMATS)}.")
    metadata = {"Date": None} if file.suffix == ".svg" else {"Software": None}
    with rc_context(STYLE):
        figure.savefig(file, metadata=metadata, dpi=150)


app = typer.Typer(add_completion=False)


@app.command()
def main(
    json_file: Annotated[Path, typer.Argument(help="What a benchmark wrote with --json.")],
    out: Annotated[Path, typer.Argument(help="The plot: a name that ends in .svg or .png.")],
) -> None:
    """Draw what benchmarks.views or benchmarks.serving measured."""
    try:
        write(plot(json.loads(json_file.read_text())), out)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{json_file}: {error}") from error


if __name__ == "__main__":
    app()
