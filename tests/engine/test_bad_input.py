"""A caller who breaks a rule is told which, where, and what to do; nothing changes."""

from collections.abc import Callable
from typing import Any

import pytest

from hogdsl.errors import EngineError, ModelError
from runtime import Block, Row
from runtime.engine import Engine
from runtime.sizing import find_device
from tests.engine.tiny import draw_tokens, tiny_engine, tiny_model

Act = Callable[[Engine, dict[str, Any]], object]


def scene() -> tuple[Engine, dict[str, Any]]:
    """An engine with a block of every kind; they are numbered in this order."""
    engine = tiny_engine()
    blocks: dict[str, Any] = {
        "sealed": engine.encode(draw_tokens(6)),
        "open": engine.block(),
        "other": engine.block(),
        "freed": engine.block(),
        "foreign": tiny_engine().block(),
    }
    engine.forward([Row([blocks["open"]], [1, 2, 3])])
    blocks["stale prefix"] = blocks["open"].first(3)
    engine.crop(blocks["open"], 2)
    engine.free(blocks["freed"])
    return engine, blocks


def rows_of(*rows: tuple[list[str], list[int]], n_logits: int = 1) -> Act:
    """Run rows (names of the view, tokens)."""

    def act(engine: Engine, blocks: dict[str, Any]) -> None:
        views = [([blocks[name] for name in names], tokens) for names, tokens in rows]
        engine.forward([Row(view, tokens, n_logits) for view, tokens in views])

    return act


CASES: dict[str, tuple[Act, str]] = {
    "a view without blocks": (
        rows_of((["open"], [1]), ([], [1])),
        "Row 1: the view is empty. It must end in an open block.",
    ),
    "a view that ends in a sealed block": (
        rows_of((["open", "sealed"], [1])),
        "Row 0: the view ends in block 0, which is sealed. It must end in an open block; let the "
        "row write to a new one.",
    ),
    "a view that ends in a prefix": (
        rows_of((["sealed", "stale prefix"], [1])),
        "Row 0: the view ends in a prefix of block 1. It must end in an open block; crop the "
        "block, or let the row write to a new one.",
    ),
    "a view that ends in a freed block": (
        rows_of((["freed"], [1])),
        "Row 0: block 3 was freed and cannot be used any more.",
    ),
    "a view with a freed block": (
        rows_of((["other"], [1]), (["freed", "open"], [1])),
        "Row 1: block 3 was freed and cannot be used any more.",
    ),
    "a block of another engine": (
        rows_of((["foreign", "open"], [1])),
        "Row 0: block 0 belongs to another engine.",
    ),
    "two rows that write to one block": (
        rows_of((["open"], [1]), (["other"], [1]), (["sealed", "open"], [1])),
        "Row 2: block 1 is the own block of an earlier row too. One row per step may write to a "
        "block; put the tokens into one row or into two steps.",
    ),
    "a block twice in a view": (
        rows_of((["sealed", "other", "sealed", "open"], [1])),
        "Row 0: the view has block 0 twice. A view shows a block once.",
    ),
    "a prefix that was cropped away": (
        rows_of((["stale prefix", "other"], [1])),
        "Row 0: the view has the first 3 tokens of block 1, which was cropped to 2. Take a new "
        "prefix.",
    ),
    "no tokens": (
        rows_of((["open"], [])),
        "Row 0: no new tokens. Give at least one, or leave the row out.",
    ),
    "more logits than tokens": (
        rows_of((["open"], [1, 2]), n_logits=3),
        "Row 0: 3 logits are wanted of 2 new tokens. Ask for 0 up to as many as there are new "
        "tokens.",
    ),
    "fewer logits than none": (
        rows_of((["open"], [1, 2]), n_logits=-1),
        "Row 0: -1 logits are wanted of 2 new tokens. Ask for 0 up to as many as there are new "
        "tokens.",
    ),
    "a token id that the model has not": (
        rows_of((["open"], [30]), (["other"], [1, 31, 2])),
        "Row 1: token id 31 is out of range. The model has ids 0 to 30.",
    ),
    "a negative token id": (
        rows_of((["open"], [-1])),
        "Row 0: token id -1 is out of range. The model has ids 0 to 30.",
    ),
    "a view longer than the context": (
        rows_of((["sealed", "other"], [1]), (["sealed", "open"], [1] * 505)),
        "Row 1: its view has 513 tokens with the 505 new ones; the model's context length is 512. "
        "Show it less, or end the stream.",
    ),
    "a view that another row makes longer than the context": (
        rows_of((["sealed", "other", "open"], [1]), (["other"], [1] * 504)),
        "Row 0: its view has 513 tokens with the 1 new ones; the model's context length is 512. "
        "Show it less, or end the stream.",
    ),
    "encoding after a freed block": (
        lambda engine, blocks: engine.encode([1], after=[blocks["freed"]]),
        "Row 0: block 3 was freed and cannot be used any more.",
    ),
    "sealing a freed block": (
        lambda engine, blocks: engine.seal(blocks["freed"]),
        "seal: block 3 was freed and cannot be used any more.",
    ),
    "cropping a sealed block": (
        lambda engine, blocks: engine.crop(blocks["sealed"], 1),
        "crop: block 0 is sealed; only an open block can change.",
    ),
    "cropping to more than there is": (
        lambda engine, blocks: engine.crop(blocks["open"], 3),
        "crop: block 1 cannot keep 3 tokens, it has 2.",
    ),
    "cropping to less than nothing": (
        lambda engine, blocks: engine.crop(blocks["open"], -1),
        "crop: block 1 cannot keep -1 tokens, it has 2.",
    ),
    "committing a sealed block": (
        lambda engine, blocks: engine.commit(blocks["sealed"], into=blocks["open"]),
        "commit: block 0 is sealed; only an open block can change.",
    ),
    "committing into a sealed block": (
        lambda engine, blocks: engine.commit(blocks["open"], into=blocks["sealed"]),
        "commit into: block 0 is sealed; only an open block can change.",
    ),
    "committing a block into itself": (
        lambda engine, blocks: engine.commit(blocks["open"], into=blocks["open"]),
        "commit: block 1 cannot be moved into itself.",
    ),
    "freeing a block again": (
        lambda engine, blocks: engine.free(blocks["open"], blocks["freed"]),
        "free: block 3 was freed and cannot be used any more.",
    ),
    "a prefix longer than its block": (
        lambda _, blocks: blocks["open"].first(3),
        "A prefix has at most the tokens of its block: the first 3 of block 1 were asked for, "
        "which has 2.",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_broken_rule_is_named_and_nothing_changes(case: str) -> None:
    act, message = CASES[case]
    engine, blocks = scene()

    def state() -> list[object]:
        known = [block for block in blocks.values() if isinstance(block, Block)]
        return [repr(engine), *((b.state, b.base, b.tokens[:]) for b in known)]

    before = state()
    with pytest.raises(EngineError) as caught:
        act(engine, blocks)
    assert str(caught.value) == message
    assert state() == before
    engine.check()


def test_an_unknown_attention_is_refused() -> None:
    with pytest.raises(EngineError) as caught:
        tiny_engine(attention="magic")
    assert str(caught.value) == (
        "There is no attention implementation 'magic'. "
        "Known are reference, torch, native, flashinfer."
    )


@pytest.mark.parametrize(("n_cache_tokens", "page_size_tokens"), [(0, 16), (15, 16), (16, 0)])
def test_a_cache_without_a_page_is_refused(n_cache_tokens: int, page_size_tokens: int) -> None:
    with pytest.raises(EngineError, match="A cache has at least one page of at least one token"):
        Engine(tiny_model(), n_cache_tokens=n_cache_tokens, page_size_tokens=page_size_tokens)


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(EngineError) as caught:
        find_device("abacus")
    assert str(caught.value) == "There is no device 'abacus'. Use 'cpu' or 'cuda'."


def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path: Any) -> None:
    with pytest.raises(ModelError):
        Engine.load(tmp_path)
