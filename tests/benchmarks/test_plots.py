"""Plots of what was measured: the right series, on the right axes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from typer.testing import CliRunner

from benchmarks.plots import UnknownFigures, app, plot, write

VIEWS = {
    "rows": [
        {
            "context": context,
            "streams": streams,
            "ours_ms": 10.0 + streams + context / 1024,
            "transformers_ms": 20.0 * streams,
            "limit_ms": 4.0,
            "prepare_ms": 0.2,
        }
        for context in (1024, 256, 4096)
        for streams in (4, 1)
    ]
}
SERVING = {
    "one after another": {"tokens_per_second": 400.0},
    "as they arrive": {"tokens_per_second": 1600.0},
    "crowded, speakers first": {"first_word_s_p50": 0.2, "first_word_s_p99": 0.7},
    "crowded, all alike": {"first_word_s_p50": 0.5, "first_word_s_p99": 0.8},
    "speedup": 4.0,
}


def with_sdpa(sdpa_ms: float) -> dict[str, Any]:
    return {"rows": [row | {"transformers_sdpa_ms": sdpa_ms} for row in VIEWS["rows"]]}


def lines(axes: Axes) -> dict[str, list[tuple[float, float]]]:
    """The points of each line, by its label."""
    return {
        str(line.get_label()): [(x, y) for x, y in np.asarray(line.get_xydata())]
        for line in axes.get_lines()
    }


def heights(axes: Axes) -> list[float]:
    return [bar.get_height() for bar in axes.patches if isinstance(bar, Rectangle)]


def test_views_have_a_panel_per_number_of_streams_and_a_line_per_way() -> None:
    one, four = plot(VIEWS).axes
    assert [one.get_title(), four.get_title()] == ["1 stream", "4 streams"]
    assert lines(four) == {
        "ours, every stream sees all": [(256, 14.25), (1024, 15.0), (4096, 18.0)],
        "transformers, own caches": [(256, 80.0), (1024, 80.0), (4096, 80.0)],
        "limit: each byte read once": [(256, 4.0), (1024, 4.0), (4096, 4.0)],
    }
    assert lines(one)["transformers, own caches"] == [(256, 20.0), (1024, 20.0), (4096, 20.0)]


def test_sdpa_attention_is_drawn_where_it_was_measured() -> None:
    one = plot(with_sdpa(15.5)).axes[0]
    assert lines(one)["the same, SDPA attention"] == [(256, 15.5), (1024, 15.5), (4096, 15.5)]


def test_labels_of_lines_that_end_close_together_stand_apart() -> None:
    one = plot(with_sdpa(15.5)).axes[0]
    labels = {text.get_text(): text.get_position()[1] for text in one.texts}
    assert labels["15"] == 15.0
    assert labels["15.5"] > 1.2 * 15.0


def test_serving_has_throughput_beside_the_times_to_the_first_word() -> None:
    throughput, first_word = plot(SERVING).axes
    assert heights(throughput) == [400.0, 1600.0]
    assert "4.00 times" in throughput.get_title()
    assert heights(first_word) == pytest.approx([200.0, 700.0, 500.0, 800.0])
    percentiles = [label.get_text() for label in first_word.get_xticklabels()]
    assert percentiles == ["50th percentile", "99th percentile"]


def test_the_same_figures_give_the_same_file(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        write(plot(SERVING), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_figures_of_another_benchmark_are_refused() -> None:
    with pytest.raises(UnknownFigures, match="found 'runs'"):
        plot({"runs": 3})


def test_the_command_draws_a_file(tmp_path: Path) -> None:
    (tmp_path / "views.json").write_text(json.dumps(VIEWS))
    out = tmp_path / "views.svg"
    result = CliRunner().invoke(app, [str(tmp_path / "views.json"), str(out)])
    assert result.exit_code == 0
    assert "4 streams" in out.read_text()


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ("{", "out.svg", "Expecting"),
        ("[]", "out.svg", "found none"),
        (json.dumps(SERVING), "out.pdf", ".svg or .png"),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path: Path, text: str, name: str, says: str) -> None:
    (tmp_path / "x.json").write_text(text)
    result = CliRunner().invoke(app, [str(tmp_path / "x.json"), str(tmp_path / name)])
    assert result.exit_code == 2
    assert says in " ".join(result.output.replace("│", " ").split())
    assert not (tmp_path / name).exists()
