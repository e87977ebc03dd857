"""FlashInfer in bfloat16 and float16: on stand-ins everywhere, and itself where there is a GPU."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime import Row
from runtime.attention import ATTENTION_KINDS
from runtime.attention.flashinfer import FlashInferAttention
from runtime.checkpoint import random_transformer
from runtime.engine import Engine
from runtime.model.rope import RopeSettings
from runtime.model.transformer import Transformer
from runtime.model.weights import empty_weights, places
from tests.engine.held import Held, held
from tests.engine.restoring import Story
from tests.engine.stand_ins import FlashInferInBuckets, FlashInferOnCpu, InBuckets
from tests.engine.tiny import CONFIG, draw_tokens

SHAPE = replace(CONFIG, width=64, n_heads=8, n_kv_heads=2, head_dim=64, context_length=4096)
YARN = RopeSettings(
    kind="yarn", theta=500.0, factor=4.0, original_context=1024, attention_scaling=1.14
)
CLEAR = 0.2
"""Logits so far apart are not mistaken for each other."""
PLACES = {
    "stand-ins": ("cpu", FlashInferOnCpu),
    "stand-ins in buckets": ("cpu", FlashInferInBuckets),
    "gpu": ("cuda", FlashInferAttention),
    "gpu in buckets": ("cuda", InBuckets),
}
drawn = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

pytestmark = pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)


@pytest.fixture(
    params=[pytest.param(k, marks=pytest.mark.gpu if "gpu" in k else ()) for k in PLACES]
)
def device(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where FlashInfer is; a stand-in on the CPU."""
    device, attention = PLACES[request.param]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ATTENTION_KINDS, "held", held)
        patch.setitem(ATTENTION_KINDS, "flashinfer", attention)
        yield device


def make(device: str, dtype: torch.dtype, **changes: Any) -> Engine:
    """An engine whose attention is held to the truth."""
    config = replace(SHAPE, **changes)
    model = random_transformer(config, seed=5, device=device, dtype=dtype)
    return Engine(model, attention="held", n_cache_tokens=2 * config.context_length)


def copied(model: Transformer, device: str, dtype: torch.dtype) -> Transformer:
    """The same weights elsewhere."""
    weights = empty_weights(model.config, device=torch.device(device), dtype=dtype)
    pairs = zip(places(model.config, weights), places(model.config, model.weights), strict=True)
    for target, source in pairs:
        target.target.copy_(source.target)
    return Transformer(model.config, weights)


def truth(engine: Engine) -> Held:
    attention = engine._attention
    assert isinstance(attention, Held)
    return attention


@drawn
@given(data=st.data())
def test_whatever_programs_do_attention_is_near_the_truth(
    device: str, dtype: torch.dtype, data: st.DataObject
) -> None:
    rope = data.draw(st.sampled_from([SHAPE.rope, YARN]))
    engine = make(device, dtype, rope=rope)
    story = Story(engine, data)
    for _ in range(data.draw(st.integers(1, 10))):
        story.go_on()
    blocks = list(story.blocks.values())
    engine.suspend(*blocks)
    engine.restore(*blocks)
    story.step()
    assert truth(engine).n_calls > 0


def test_long_views_and_long_appends_are_near_the_truth(device: str, dtype: torch.dtype) -> None:
    engine = make(device, dtype)
    prompt = engine.encode(draw_tokens(1500, seed=1))
    text = engine.encode(draw_tokens(700, seed=2))
    a, b, c = engine.block(), engine.block(), engine.block()
    for step in range(4):
        one, two = draw_tokens(2, seed=10 + step)
        many = draw_tokens(200 if step == 2 else 1, seed=20 + step)
        engine.forward(
            [
                Row([prompt, text, b, a], [one]),
                Row([prompt, a, text, b], [two]),
                Row([text.first(650), b, c], many),
            ]
        )
        if step == 1:
            engine.commit(a, into=c)
    assert truth(engine).error > 0


@pytest.mark.parametrize("head_dim", [64, 128, 256])
@pytest.mark.parametrize("heads", [(4, 4), (8, 1), (20, 4)])
def test_all_shapes_of_heads_are_near_the_truth(
    device: str, dtype: torch.dtype, head_dim: int, heads: tuple[int, int]
) -> None:
    n_heads, n_kv_heads = heads
    engine = make(device, dtype, head_dim=head_dim, n_heads=n_heads, n_kv_heads=n_kv_heads)
    prompt = engine.encode(draw_tokens(70))
    blocks = [engine.block() for _ in range(5)]
    for step in range(3):
        views = [[*blocks[i + 1 :], prompt, *blocks[: i + 1]] for i in range(5)]
        engine.forward([Row(view, draw_tokens(1 + step, seed=step)) for view in views])


def test_far_positions_cost_no_precision(device: str, dtype: torch.dtype) -> None:
    """Keys rotated for one end of a long context, read from the other."""
    engine = make(device, dtype, context_length=131_072, rope=RopeSettings(theta=1e6))
    far, near = engine.block(base=130_000), engine.block(base=0)
    engine.forward([Row([far], draw_tokens(40, seed=1), n_logits=0)])
    engine.forward([Row([near], draw_tokens(40, seed=2), n_logits=0)])
    own = engine.block(base=65_000)
    engine.forward([Row([far, near, own], draw_tokens(5, seed=3))])
    engine.forward([Row([near, far, own], [4])])


def test_clear_decisions_are_those_of_float32_on_a_cpu(device: str, dtype: torch.dtype) -> None:
    """Two workers that see each other, with equal weights; the CPU decides what is written."""
    model = random_transformer(SHAPE, seed=5, dtype=dtype)
    exact = Engine(copied(model, "cpu", torch.float32), n_cache_tokens=1024)
    quick = Engine(copied(model, device, dtype), attention="flashinfer", n_cache_tokens=1024)
    views = []
    for engine in (exact, quick):
        prompt = engine.encode(draw_tokens(400, seed=1))
        a, b = engine.block(), engine.block()
        views.append(([prompt, b, a], [prompt, a, b]))
    tokens, n_clear = [1, 2], 0
    for _ in range(60):
        logits, found = (
            engine.forward([Row(v, [t]) for v, t in zip(both, tokens, strict=True)]).cpu()
            for engine, both in zip((exact, quick), views, strict=True)
        )
        best = logits.topk(2, dim=-1)
        clear = best.values[:, 0] - best.values[:, 1] > CLEAR
        assert found.argmax(dim=-1)[clear].tolist() == best.indices[clear, 0].tolist()
        n_clear += int(clear.sum())
        tokens = best.indices[:, 0].tolist()
    assert n_clear > 60
