"""docs/measured.md: what it links to is there, and its plots are of the figures beside them."""

import json
import re

import pytest

from benchmarks.plots import plot
from tests.docs.pages import DOCS

PAGE = (DOCS / "measured.md").read_text(encoding="utf-8")
PLOTS = re.findall(r"!\[[^\]]+\]\((measured/[\w.]+\.svg)\)", PAGE)


def test_links_lead_to_files_that_are_there() -> None:
    targets = re.findall(r"\]\(([\w./-]+)\)", PAGE)
    assert [target for target in targets if not (DOCS / target).is_file()] == []
    assert len(PLOTS) == 2


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_shows_the_figures_that_lie_beside_it(name: str) -> None:
    file = DOCS / name
    figure = plot(json.loads(file.with_suffix(".json").read_text(encoding="utf-8")))
    drawn = file.read_text(encoding="utf-8")
    texts = [text.get_text() for axes in figure.axes for text in (axes.title, *axes.texts)]
    assert [text for text in texts if f">{text}<" not in drawn] == []
