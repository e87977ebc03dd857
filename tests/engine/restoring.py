"""Random histories of an engine, and what must be the same after blocks were restored."""

from collections.abc import Sequence
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from runtime import Block, BlockPrefix, Row
from runtime.attention.cache import slots_of
from runtime.attention.flashinfer import FlashInferAttention
from runtime.attention.native import NativeAttention
from runtime.attention.native.attention import LANES
from runtime.attention.reference import ReferenceAttention
from runtime.attention.torch_ import TorchAttention
from runtime.engine import Engine
from runtime.views import block_spans

APART_MOST = {torch.float32: 1e-4, torch.float64: 1e-10}


def cached(engine: Engine, blocks: Sequence[Block]) -> list[list[Tensor]]:
    """Keys and values of all layers as the cache holds them, block by block."""
    found: list[list[Tensor]] = []
    for block in blocks:
        spans = engine._holdings.spans(block, block.base or 0, 0, block.n_tokens)
        slots = torch.from_numpy(slots_of(spans))
        found.append([layer[index].clone() for layer, index in _places(engine, slots)])
    return found


def spoil_free_pages(engine: Engine) -> None:
    """Write over all free slots, so that nothing is right because it was left there.

    With NaN where free slots may hold anything; FlashInfer reads around what it was asked for, and
    is promised numbers.
    """
    spoiler = engine.block()
    n_free = engine.pages.n_free
    engine.pages.take(spoiler.number, n_free)
    runs, n_tokens = engine.pages.runs(spoiler.number), n_free * engine.page_size_tokens
    slots = torch.from_numpy(slots_of(block_spans(runs, engine.page_size_tokens, 0, n_tokens)))
    for layer, index in _places(engine, slots):
        layer[index] = 1e4 if isinstance(engine._attention, FlashInferAttention) else torch.nan
    engine.free(spoiler)


def probe(engine: Engine, blocks: Sequence[Block]) -> Tensor:
    """Logits of rows that see all blocks, from first to last and from last to first."""
    scratch = engine.block(), engine.block()
    views = [*blocks, scratch[0]], [*reversed(blocks), scratch[1]]
    logits = engine.forward([Row(view, [3, 1], n_logits=2) for view in views])
    engine.free(*scratch)
    return logits


def suspend_and_restore(
    engine: Engine, blocks: Sequence[Block], others: Sequence[Block], *, evicts: bool = True
) -> None:
    """Take the keys of `blocks` away, restore them, and compare all that can be seen.

    `evicts`: the radix cache loses all that the others do not read.
    """
    everything = [*blocks, *others]
    before = cached(engine, everything), probe(engine, everything)
    states = [block.state for block in everything]
    tokens = [list(block.tokens) for block in everything]
    engine.suspend(*blocks)
    engine.check()
    assert n_own_pages(engine) == sum(engine.pages.n_held(block.number) for block in others)
    if evicts:
        engine.tree.evict(engine.tree.n_used)
    spoil_free_pages(engine)
    engine.restore(*blocks)
    engine.check()
    assert n_own_pages(engine) == sum(engine.pages.n_held(b.number) for b in everything)
    assert [block.state for block in everything] == states
    assert [block.tokens for block in everything] == tokens
    after = cached(engine, everything), probe(engine, everything)
    torch.testing.assert_close(after, before, rtol=0, atol=APART_MOST[engine.dtype])


def n_own_pages(engine: Engine) -> int:
    """Pages in use that are not the radix cache's."""
    return engine.pages.n_used - engine.tree.n_used


class Story:
    """Draws what programs might do, and does it."""

    STREAMS = ("a", "b", "c")

    def __init__(self, engine: Engine, data: st.DataObject) -> None:
        self.engine, self.data = engine, data
        self.n_texts = 0
        self.blocks = {
            name: engine.block(base=data.draw(st.sampled_from([None, 0, 40])))
            for name in (*self.STREAMS, "history")
        }

    def go_on(self) -> None:
        """One thing more."""
        deeds = [self.step, self.step, self.step, self.encode, self.ask]
        self.data.draw(st.sampled_from([*deeds, self.commit, self.crop, self.free]))()
        self.engine.check()

    def step(self) -> None:
        n_rows = self.data.draw(st.integers(1, 3))
        writers = self.data.draw(st.permutations(self.STREAMS))[:n_rows]
        rows = [
            Row([*self._view(but=writer), self.blocks[writer]], self._tokens(4), n_logits=0)
            for writer in writers
        ]
        self.engine.forward(rows)

    def encode(self) -> None:
        self.n_texts += 1
        text = self.engine.encode(self._tokens(12), after=self._view())
        self.blocks[f"text {self.n_texts}"] = text

    def ask(self) -> None:
        """A scratch row beside a stream that goes on."""
        scratch, writer = self.engine.block(), self._one_of(self.STREAMS)
        rows = [
            Row([*self._view(), scratch], self._tokens(3)),
            Row([*self._view(but=writer), self.blocks[writer]], self._tokens(1)),
        ]
        self.engine.forward(rows)
        self.engine.free(scratch)

    def commit(self) -> None:
        self.engine.commit(self.blocks[self._one_of(self.STREAMS)], into=self.blocks["history"])

    def crop(self) -> None:
        block = self.blocks[self._one_of((*self.STREAMS, "history"))]
        self.engine.crop(block, self.data.draw(st.integers(0, block.n_tokens)))

    def free(self) -> None:
        """Of a text, or of a stream that begins anew."""
        name = self._one_of(tuple(self.blocks))
        self.engine.free(self.blocks.pop(name))
        if not name.startswith("text"):
            self.blocks[name] = self.engine.block()

    def suspend_and_restore(self) -> None:
        """Some of the blocks, or all."""
        names = self.data.draw(st.permutations(list(self.blocks)))
        n = self.data.draw(st.integers(1, len(names)))
        blocks = [self.blocks[name] for name in names]
        evicts = self.data.draw(st.booleans())
        suspend_and_restore(self.engine, blocks[:n], blocks[n:], evicts=evicts)

    def _view(self, but: str = "") -> list[Block | BlockPrefix]:
        """Some blocks in some order, some of them cut to a prefix."""
        order = self.data.draw(st.permutations([name for name in self.blocks if name != but]))
        view: list[Block | BlockPrefix] = []
        for name in order[: self.data.draw(st.integers(0, len(order)))]:
            block = self.blocks[name]
            cut = self.data.draw(st.one_of(st.none(), st.integers(0, block.n_tokens)))
            view.append(block if cut is None else block.first(cut))
        return view

    def _tokens(self, most: int) -> list[int]:
        ids = st.integers(0, self.engine.config.n_vocab - 1)
        return self.data.draw(st.lists(ids, min_size=1, max_size=most))

    def _one_of(self, names: Sequence[str]) -> str:
        return self.data.draw(st.sampled_from(list(names)))


def _places(engine: Engine, slots: Tensor) -> list[tuple[Tensor, tuple[Any, ...]]]:
    """Tensors of the cache, and how each is indexed for the keys or values of slots."""
    attention = engine._attention
    everything = slice(None)
    match attention:
        case FlashInferAttention():  # [2, n_slots, n_kv_heads, head_dim] each
            return [(layer, (everything, slots)) for layer in attention._pool.flatten(2, 3)]
        case NativeAttention():
            tiles = everything, slots // LANES, slots % LANES
            keys = [(keys.transpose(2, 3), tiles) for keys in attention._keys]
            values = [values[..., : engine.config.head_dim] for values in attention._values]
            return [*keys, *((layer, (everything, slots)) for layer in values)]
        case ReferenceAttention() | TorchAttention():
            return [(layer, (everything, slots)) for layer in attention._cache.layers]
        case _:
            raise AssertionError(attention)
