"""One step: who sees what, what comes back, and what is left after a failure."""

import pytest
import torch
from torch import Tensor

from hogdsl.errors import CapacityError
from runtime import Row
from runtime.engine import Engine
from tests.engine.conftest import MakeEngine
from tests.engine.tiny import CONFIG, draw_tokens, tiny_engine
from tests.engine.twin import Twin


def logits_of(engine: Engine, tokens: list[int]) -> Tensor:
    """Logits after each of the tokens, run as one plain prompt."""
    block = engine.block()
    logits = engine.forward([Row([block], tokens, n_logits=len(tokens))])
    engine.free(block)
    return logits


def test_logits_are_those_after_the_last_tokens_of_each_row_in_order(
    make_engine: MakeEngine,
) -> None:
    engine, one, two = make_engine(), draw_tokens(5, seed=1), draw_tokens(9, seed=2)
    expected = torch.cat((logits_of(engine, one)[-1:], logits_of(engine, two)[-3:]))
    found = engine.forward(
        [
            Row([engine.block()], one),
            Row([engine.block()], draw_tokens(6, seed=3), n_logits=0),
            Row([engine.block()], two, n_logits=3),
        ]
    )
    assert found.shape == (4, CONFIG.n_vocab)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_a_step_without_rows_and_one_without_logits_give_an_empty_result(
    make_engine: MakeEngine,
) -> None:
    engine = make_engine()
    assert engine.forward([]).shape == (0, CONFIG.n_vocab)
    block = engine.block()
    assert engine.forward([Row([block], [1, 2], n_logits=0)]).shape == (0, CONFIG.n_vocab)
    assert block.tokens == [1, 2]


def test_rows_see_what_the_other_rows_append_in_the_same_step(make_engine: MakeEngine) -> None:
    """A text and a row that reads it, in one step: as if they were one prompt."""
    engine, tokens = make_engine(), draw_tokens(30)
    expected = logits_of(engine, tokens)[-1:]
    text, own = engine.block(), engine.block()
    rows = [Row([text, own], tokens[20:]), Row([text], tokens[:20], n_logits=0)]
    torch.testing.assert_close(engine.forward(rows), expected, rtol=0, atol=1e-5)


def test_empty_blocks_in_a_view_change_nothing(make_engine: MakeEngine) -> None:
    engine, tokens = make_engine(), draw_tokens(8)
    empty = [engine.block(), engine.encode([])]
    expected = logits_of(engine, tokens)[-1:]
    found = engine.forward([Row([*empty, engine.block()], tokens)])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_a_prefix_keeps_its_length_while_its_block_grows(make_engine: MakeEngine) -> None:
    twin = Twin(make_engine())
    twin.encode("prompt", draw_tokens(23))
    for name in ("a", "b"):
        twin.block(name)
    twin.forward((["prompt", "a"], draw_tokens(6, seed=1)))
    prefix = twin.blocks["a"].first(4)
    for step in range(3):
        view = [("prompt", 11), ("a", 4), "b"]
        twin.forward((view, [step]), (["prompt", "a"], draw_tokens(5, seed=step)))
    assert prefix.n_tokens == 4


def test_the_other_rows_of_a_step_change_no_logits(make_engine: MakeEngine) -> None:
    alone, among = make_engine(), make_engine()
    for engine in (alone, among):
        engine.encode(draw_tokens(20))
    mine = [engine.block() for engine in (alone, among)]
    others = [among.block() for _ in range(4)]
    for step in range(5):
        expected = alone.forward([Row([mine[0]], [step])])
        rows = [Row([other], draw_tokens(1 + 5 * i)) for i, other in enumerate(others)]
        found = among.forward([*rows[:2], Row([mine[1]], [step]), *rows[2:]])
        torch.testing.assert_close(found[2:3], expected, rtol=0, atol=1e-5)


def test_a_step_that_finds_no_room_changes_nothing(make_engine: MakeEngine) -> None:
    engine = make_engine(n_cache_tokens=32)
    one, two = engine.block(), engine.block()
    engine.forward([Row([one], [1]), Row([two], [2])])
    with pytest.raises(CapacityError) as caught:
        engine.forward([Row([one, two], draw_tokens(9)), Row([one], draw_tokens(22))])
    assert str(caught.value) == (
        "The cache is full: 5 more pages are needed, 4 of 8 are free. Free or crop blocks, or make "
        "the cache larger."
    )
    assert (one.tokens, two.tokens, engine.pages.n_used) == ([1], [2], 2)
    engine.check()


@pytest.mark.parametrize("layer", range(CONFIG.n_layers))
def test_a_step_in_which_the_model_fails_can_be_repeated(
    make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch, layer: int
) -> None:
    twin = Twin(make_engine())
    twin.encode("prompt", draw_tokens(10))
    for name in ("a", "b"):
        twin.block(name)
    twin.forward((["prompt", "a"], [3]), (["prompt", "b"], [4]))
    before = repr(twin.engine), twin.blocks["a"].tokens[:], twin.blocks["b"].base
    attend = twin.engine._attention.attend

    def fail(step: object, at: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        found = attend(step, at, q, k, v)
        if at == layer:
            raise MemoryError("no memory in the middle of a step")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(twin.engine._attention, "attend", fail)
        rows = [Row([twin.blocks["prompt"], twin.blocks[n]], draw_tokens(9)) for n in "ab"]
        with pytest.raises(MemoryError):
            twin.engine.forward(rows)
    twin.engine.check()
    assert (repr(twin.engine), twin.blocks["a"].tokens, twin.blocks["b"].base) == before
    twin.forward((["prompt", "b", "a"], draw_tokens(9)), (["prompt", "a", "b"], [5]))


def test_bfloat16_gives_about_what_float32_gives() -> None:
    engines = [tiny_engine(dtype=dtype) for dtype in (torch.float32, torch.bfloat16)]
    logits = []
    for engine in engines:
        prompt, a, b = engine.encode(draw_tokens(40)), engine.block(), engine.block()
        engine.forward([Row([prompt, a], draw_tokens(20)), Row([prompt, b], [1])])
        engine.commit(a, into=b)
        logits.append(engine.forward([Row([b, prompt, a], [5])]))
    assert logits[1].dtype == torch.float32
    assert logits[0].std() > 0.5
    torch.testing.assert_close(logits[1], logits[0], rtol=0, atol=0.15)
