"""The benchmark of the GPU goes its whole way on a CPU; its figures mean nothing there."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.gpu import __main__ as command
from benchmarks.gpu import alone
from benchmarks.gpu.device import DryCpu
from benchmarks.gpu.measure import Figures
from benchmarks.gpu.shapes import DRY, WHOLE
from benchmarks.gpu.targets import TARGETS, compare
from runtime.blocks import Row
from runtime.checkpoint import random_transformer
from runtime.engine import Engine

TIMES = (
    "step_ms",
    "prepare_ms",
    "limit_ms",
    "transformers_ms",
    "attention_us",
    "private_us",
)


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    return command.measure(DRY, DryCpu())


def test_there_is_a_row_for_each_context_and_number_of_streams(figures: dict[str, Any]) -> None:
    found = [(row["context"], row["streams"]) for row in figures["rows"]]
    assert found == [(context, n) for context in DRY.contexts for n in DRY.n_streams]
    assert all(row[name] > 0 for row in figures["rows"] for name in TIMES)
    assert not figures["left_out"]


def test_the_figures_of_a_dry_run_say_so_and_reach_no_target(figures: dict[str, Any]) -> None:
    assert figures["dry"]
    assert len(figures["targets"]) == len(TARGETS)
    assert all(target["reached"] is None for target in figures["targets"])


def test_what_there_is_no_time_for_is_left_out_and_named() -> None:
    figures = command.measure(replace(DRY, limit_s=0.0), DryCpu())
    assert figures["rows"] == []
    assert figures["left_out"] == ["tiny"]


def test_the_command_writes_its_figures_as_json(tmp_path: Path) -> None:
    command.main(models=["tiny"], dry=True, json_file=tmp_path / "figures.json")
    assert json.loads((tmp_path / "figures.json").read_text())["rows"]


def test_transformers_computes_the_same_model() -> None:
    model = random_transformer(DRY.shapes["tiny"], seed=1, dtype=torch.float64)
    tokens = list(range(50))
    engine = Engine(model, n_cache_tokens=256)
    ours = engine.forward([Row([engine.block()], tokens)])[0]
    theirs = alone.as_transformers(model)(torch.tensor([tokens])).logits[0, -1]
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-4, atol=1e-4)


def row(context: int, streams: int, **figures: float) -> Figures:
    given = dict.fromkeys(TIMES, 1.0) | figures
    return Figures(model="8B", context=context, streams=streams, **given)


def test_targets_are_computed_from_the_rows() -> None:
    rows = [row(context, n) for context in WHOLE.contexts for n in WHOLE.n_streams]
    by_what = {each["what"]: each for each in compare(rows)}
    ratios = [each["measured"] for each in by_what.values()]
    # equal times: n streams write n times the tokens
    assert ratios == pytest.approx([1.0, 1.0, 1.0, 2.0, 4.0, 1.0, 1.0])
    reached = [each["reached"] for each in by_what.values()]
    assert reached == [True, True, False, True, True, True, True]


def test_the_worst_number_of_streams_counts() -> None:
    rows = [row(context, n) for context in (1024, 4096) for n in (1, 2)]
    rows += [row(1024, 4), row(4096, 4, step_ms=1.5)]
    *_, of_limit, growth = compare(rows)
    assert of_limit["measured"] == pytest.approx(1 / 1.5)
    assert growth["measured"] == 1.5
    assert not of_limit["reached"]
    assert not growth["reached"]
