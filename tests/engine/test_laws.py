"""Laws 1 to 4: what concurrent attention means, held on every implementation."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime import Row
from runtime.checkpoint import load_transformer
from runtime.engine import Engine
from runtime.model.rope import RopeSettings
from tests.engine.conftest import MakeEngine
from tests.engine.tiny import CONFIG, draw_tokens, tiny_engine
from tests.engine.twin import RandomPlay, Twin
from tests.model.tiny_checkpoints import SHAPE, TINY, make

# The fixture gives a function that makes engines; nothing is carried from example to example.
drawn = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

YARN = RopeSettings(
    kind="yarn", theta=500.0, factor=4.0, original_context=64, attention_scaling=1.14
)


# ---------------------------------------------------------------- law 1


@pytest.mark.parametrize("name", ["qwen3", "qwen3-yarn", "llama-llama3"])
def test_one_growing_block_gives_the_logits_of_transformers(
    attention: str, name: str, tmp_path: Path
) -> None:
    truth = make(TINY[name], tmp_path)
    engine = Engine(load_transformer(tmp_path), attention=attention, n_cache_tokens=256)
    tokens = torch.randint(SHAPE["vocab_size"], (90,), generator=torch.manual_seed(1))
    with torch.no_grad():
        expected = truth(tokens[None]).logits[0]
    block, found = engine.block(), []
    for chunk in tokens.split([40, 1, 1, 17, 1, 20, 3, 1, 6]):
        found.append(engine.forward([Row([block], chunk.tolist(), n_logits=len(chunk))]))
    torch.testing.assert_close(torch.cat(found), expected, rtol=0, atol=1e-4)


# ---------------------------------------------------------------- law 2


@drawn
@given(cuts=st.sets(st.integers(1, 59), max_size=8))
def test_cutting_a_prompt_into_blocks_changes_no_logits(
    make_engine: MakeEngine, cuts: set[int]
) -> None:
    engine, tokens = make_engine(), draw_tokens(60)
    whole = engine.forward([Row([engine.block()], tokens)])
    edges = pairwise([0, *sorted(cuts), 60])
    *firsts, last = [tokens[start:end] for start, end in edges]
    blocks = []
    for part in firsts:
        blocks.append(engine.encode(part, after=blocks))
    cut = engine.forward([Row([*blocks, engine.block()], last)])
    torch.testing.assert_close(cut, whole, rtol=0, atol=1e-5)


# ---------------------------------------------------------------- law 3


@drawn
@given(data=st.data())
def test_streams_with_different_views_equal_a_dense_computation(
    make_engine: MakeEngine, data: st.DataObject
) -> None:
    rope = data.draw(st.sampled_from([CONFIG.rope, YARN]))
    play = RandomPlay(Twin(make_engine(config=replace(CONFIG, rope=rope))), data)
    for _ in range(data.draw(st.integers(2, 12))):
        play.do_something()
    play.forward()


def test_two_workers_that_see_each_other_equal_a_dense_computation_over_many_steps(
    make_engine: MakeEngine,
) -> None:
    twin = Twin(make_engine())
    twin.encode("prompt", draw_tokens(30))
    for name in ("history", "alice", "bob"):
        twin.block(name)
    twin.encode("header", draw_tokens(5, seed=2), after=["prompt", "history"])
    for step in range(40):
        one, two = draw_tokens(2, seed=100 + step)
        twin.forward(
            (["prompt", "history", "header", "bob", "alice"], [one]),
            (["prompt", "history", "header", "alice", "bob"], [two]),
        )
        if step % 9 == 8:
            twin.commit("alice" if step % 2 else "bob", into="history")


def test_the_reference_is_exact_in_float64() -> None:
    twin = Twin(_float64_engine("reference"))
    _mixed_steps(twin)


def test_torch_attention_is_exact_in_float64() -> None:
    """What float32 hides: not a single key too many, no shift off by one."""
    _mixed_steps(Twin(_float64_engine("torch")))


# ---------------------------------------------------------------- law 4


@pytest.mark.parametrize("base", [0, 1, 511, 4096, 32_767])
def test_a_block_gives_the_same_logits_whatever_its_keys_were_rotated_for(
    make_engine: MakeEngine, base: int
) -> None:
    logits = []
    for own_base in (None, base):
        engine = make_engine(config=replace(CONFIG, context_length=32_768))
        prompt, other = engine.block(base=own_base), engine.block(base=own_base)
        own = engine.block()
        engine.forward([Row([prompt], draw_tokens(20, seed=1), n_logits=0)])
        engine.forward([Row([prompt, other], draw_tokens(9, seed=2), n_logits=0)])
        logits.append(engine.forward([Row([prompt, other, own], draw_tokens(24, seed=3), 24)]))
        logits.append(engine.forward([Row([prompt, other, own], [4])]))
    torch.testing.assert_close(logits[0], logits[2], rtol=0, atol=1e-3)
    torch.testing.assert_close(logits[1], logits[3], rtol=0, atol=1e-3)


def test_views_that_fill_the_context_lose_nothing_to_their_length(make_engine: MakeEngine) -> None:
    """Keys written at one end of the context and read from the other."""
    twin = Twin(make_engine(config=replace(CONFIG, n_layers=1)))
    twin.encode("first", draw_tokens(9, seed=1))
    twin.encode("filler", draw_tokens(490, seed=2))
    twin.block("own")
    twin.forward((["first", "filler", "own"], [3]))
    twin.forward((["filler", "first", "own"], draw_tokens(12, seed=4)))
    assert sum(block.n_tokens for block in twin.blocks.values()) == CONFIG.context_length


def _float64_engine(attention: str) -> Engine:
    return tiny_engine(attention=attention, dtype=torch.float64)


def _mixed_steps(twin: Twin) -> None:
    twin.encode("prompt", draw_tokens(300, seed=1))
    twin.encode("text", draw_tokens(7, seed=2), after=[("prompt", 5)])
    for name in ("a", "b", "c"):
        twin.block(name)
    for step in range(6):
        twin.forward(
            (["prompt", "b", "text", "c", "a"], draw_tokens(1 + step, seed=10 + step)),
            ([("prompt", 290), "a", "c", "b"], draw_tokens(1, seed=20 + step)),
            (["text", "a", "b", "c"], draw_tokens(20 if step == 2 else 2, seed=30 + step)),
        )
    twin.commit("a", into="c")
    twin.forward((["text", "c", "a"], [1]), (["prompt", "c", "b"], [2]))
