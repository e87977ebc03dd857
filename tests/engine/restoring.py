"""A twin that suspends and restores, and a play that does so at random."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from hogdsl.errors import CapacityError
from runtime import Block, Row
from runtime.attention.cache import slots_of
from runtime.engine import Engine
from runtime.views import block_spans
from tests.engine.twin import RandomPlay, Twin

KEYS_APART_MOST = {torch.float32: 1e-4, torch.float64: 1e-11}


def cached(engine: Engine, block: Block) -> list[Tensor]:
    """Keys and values of a block as the cache holds them, a tensor per layer."""
    runs = engine.pages.runs(block.number)
    spans = block_spans(runs, engine.page_size_tokens, 0, block.n_tokens)
    slots = torch.from_numpy(np.array(slots_of(spans)))
    return [layer[:, slots] for layer in engine._attention._cache.layers]


class RestoringTwin(Twin):
    """Suspends blocks, spoils all pages that are free, restores, and compares every key."""

    def suspend_and_restore(self, names: Sequence[str]) -> None:
        engine, blocks = self.engine, [self.blocks[name] for name in names]
        everything = list(self.blocks.values())
        before = [cached(engine, block) for block in everything]
        states, n_used = [block.state for block in blocks], engine.pages.n_used
        n_held = sum(engine.pages.n_held(block.number) for block in set(blocks))
        engine.suspend(blocks)
        engine.check()
        assert engine.pages.n_used == n_used - n_held
        spoil_free_pages(engine)
        engine.restore(blocks)
        engine.check()
        assert engine.pages.n_used == n_used
        assert [block.state for block in blocks] == states
        after = [cached(engine, block) for block in everything]
        torch.testing.assert_close(after, before, rtol=0, atol=KEYS_APART_MOST[engine.dtype])


def spoil_free_pages(engine: Engine) -> None:
    """So that nothing is right because it was left over."""
    spoiler = engine.block()
    engine.pages.take(spoiler.number, engine.pages.n_free)
    n_slots = engine.pages.n_held(spoiler.number) * engine.page_size_tokens
    spans = block_spans(
        engine.pages.runs(spoiler.number), engine.page_size_tokens, 0, n_slots
    )
    if spans:
        slots = torch.from_numpy(np.array(slots_of(spans)))
        for layer in engine._attention._cache.layers:
            layer[:, slots] = float("nan")
    engine.free(spoiler)


class RestoringPlay(RandomPlay):
    """Draws what a program might do, with probes that leave no trace and with suspensions."""

    twin: RestoringTwin

    def do_something(self) -> None:
        ...
