"""What is recorded is replayed with the step's own numbers; on a CPU a recording is a closure.

A closure that is called again has the tensors of the step that was recorded, as a CUDA graph has
their addresses: what it computes of a later step, it has found there.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from runtime.attention import ATTENTION_KINDS
from runtime.attention.flashinfer import Bucket, FlashInferAttention
from runtime.blocks import Row
from runtime.checkpoint import random_transformer
from runtime.engine import Engine
from runtime.graphs import Passes, Recording, shapes
from tests.engine.stand_ins import FlashInferOnCpu
from tests.engine.tiny import CONFIG, draw_tokens, tiny_engine

CPU = torch.device("cpu")


class Recorder:
    """Records as CUDA does: the same tensors are read and written at every replay."""

    def __init__(self) -> None:
        self.n_recordings = 0

    def __call__(self, work: Callable[[], Tensor], /) -> Recording:
        self.n_recordings += 1
        result = torch.full_like(work(), float("nan"))

        def replay() -> None:
            result.copy_(work())

        return Recording(replay, result)


def squares(ids: Tensor) -> Tensor:
    return (ids.double() ** 2).unsqueeze(-1)


def shape(n_tokens: int) -> Bucket:
    return Bucket(n_tokens=n_tokens, n_requests=4, n_lines_each=1)


def test_steps_of_a_shape_are_recorded_once_and_each_reads_its_own_tokens() -> None:
    recorder = Recorder()
    passes = Passes(CPU, recorder)
    for tokens in ([3, 4, 5], [7], [1, 2, 3, 4]):
        found = passes.run(shape(4), tokens, squares)
        assert found[:, 0].tolist() == [token**2 for token in tokens]
    assert recorder.n_recordings == 1
    assert repr(passes) == "<Passes 1 recorded, 3 steps replayed>"


def test_each_shape_has_a_recording_of_its_own() -> None:
    recorder = Recorder()
    passes = Passes(CPU, recorder)
    for n_tokens in (2, 4, 2):
        assert passes.run(shape(n_tokens), [5, 6], squares)[:, 0].tolist() == [25, 36]
    assert recorder.n_recordings == 2


def test_a_step_without_a_shape_runs_as_it_is() -> None:
    recorder = Recorder()
    passes = Passes(CPU, recorder)
    assert passes.run(None, [5, 6], squares)[:, 0].tolist() == [25, 36]
    assert recorder.n_recordings == 0


def test_a_pass_that_fails_leaves_no_recording() -> None:
    passes = Passes(CPU, Recorder())

    def broken(ids: Tensor) -> Tensor:
        raise RuntimeError("no kernel")

    with pytest.raises(RuntimeError, match="no kernel"):
        passes.run(shape(1), [2], broken)
    assert passes.n_recorded == 0
    assert passes.run(shape(1), [2], squares).tolist() == [[4]]


def test_there_are_shapes_for_teams_of_up_to_32_with_a_block_each_and_a_prompt() -> None:
    for n in (1, 2, 4, 8, 16, 31):
        assert any(
            each.n_tokens >= n and each.n_requests > n and each.n_lines_each >= n
            for each in shapes(0)
        )


def test_there_is_a_shape_for_one_stream_whose_long_view_is_cut() -> None:
    assert any(each.n_tokens == 1 and each.n_requests >= 4 + 33 for each in shapes(33))


# ---------------------------------------------------------------- an engine's steps


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """On stand-ins, with its steps in the shapes that graphs are made for."""
    monkeypatch.setitem(ATTENTION_KINDS, "flashinfer", FlashInferOnCpu)
    engine = tiny_engine(attention="flashinfer")
    assert isinstance(engine._attention, FlashInferAttention)
    engine._attention.use_buckets(shapes(engine._attention.n_cuts_most))
    engine._passes = Passes(CPU, Recorder())
    return engine


def write_together(engine: Engine, n_steps: int) -> list[Tensor]:
    """Logits of steps of three streams who see a prompt and each other, then of two."""
    prompt = engine.encode(draw_tokens(40))
    blocks = [engine.block() for _ in range(3)]
    found: list[Tensor] = []
    for step in range(n_steps):
        if step == n_steps // 2:
            engine.free(blocks.pop(0))
        views = [[prompt, *(b for b in blocks if b is not own), own] for own in blocks]
        found.append(engine.forward([Row(view, [step]) for view in views]).clone())
    return found


def test_steps_from_graphs_give_what_steps_as_they_are_give(engine: Engine) -> None:
    expected = write_together(tiny_engine(attention="torch"), 12)
    for found, logits in zip(write_together(engine, 12), expected, strict=True):
        torch.testing.assert_close(found, logits, rtol=1e-4, atol=1e-4)
    assert engine._passes.n_replayed >= 12
    assert engine._passes.n_recorded < 6


def test_a_step_with_a_chunk_of_a_prompt_runs_as_it_is(engine: Engine) -> None:
    engine.encode(draw_tokens(100))
    assert engine._passes.n_replayed == 0


@pytest.mark.gpu
def test_on_a_gpu_steps_from_graphs_give_what_steps_as_they_are_give() -> None:
    pytest.importorskip("flashinfer")
    config = replace(CONFIG, head_dim=64, width=128)
    model = random_transformer(config, seed=5, device="cuda", dtype=torch.float16)
    replayed, plain = (
        Engine(model, attention="flashinfer", n_cache_tokens=1024, page_size_tokens=4)
        for _ in range(2)
    )
    plain._passes = Passes(plain.device)
    assert isinstance(plain._attention, FlashInferAttention)
    plain._attention.use_buckets([])
    expected = write_together(plain, 12)
    for found, logits in zip(write_together(replayed, 12), expected, strict=True):
        torch.testing.assert_close(found, logits, rtol=1e-2, atol=1e-2)
    assert replayed._passes.n_replayed >= 12
