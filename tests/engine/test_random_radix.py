"""With the radix cache and without it an engine gives the same logits, whatever programs do.

The one with it has few pages, so that texts are evicted and found in part. The texts are cut from
two books that begin alike, so that they meet again, cut elsewhere.
"""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hogdsl.errors import CapacityError
from runtime import Block, Row
from runtime.engine import Engine
from tests.engine.conftest import MakeEngine
from tests.engine.tiny import draw_tokens

BOOKS = [
    [*draw_tokens(11), *draw_tokens(60, seed=1)],
    [*draw_tokens(11), *draw_tokens(60, seed=2)],
]
STREAMS = ("a", "b")

Names = list[str]


class Pair:
    """Two engines that are told the same; blocks by name, in both."""

    def __init__(self, make_engine: MakeEngine, n_cache_tokens: int) -> None:
        self.engines = make_engine(n_cache_tokens=n_cache_tokens), make_engine(radix=False)
        self.blocks: dict[str, tuple[Block, Block]] = {}
        self.n_found = 0

    def block(self, name: str, namespace: str = "") -> None:
        cached, plain = self.engines
        self.blocks[name] = cached.block(namespace=namespace), plain.block(namespace=namespace)

    def read(self, name: str, before: Names, tokens: list[int]) -> None:
        """What a scheduler does with a text: find its beginning, then run the rest."""
        cached = self.engines[0]
        view = [self.blocks[item][0] for item in before]
        n_found = cached.find(self.blocks[name][0], view, tokens)
        self.n_found += n_found
        cached.check()
        if n_found:
            self._forward(1, [(before, name, tokens[:n_found])])
        if n_found < len(tokens):
            self.forward([(before, name, tokens[n_found:])])

    def forward(self, rows: list[tuple[Names, str, list[int]]]) -> None:
        """One step of rows (view, own block, tokens)."""
        found, expected = (self._forward(which, rows) for which in (0, 1))
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)

    def commit(self, name: str, into: str) -> None:
        for engine, block, history in zip(
            self.engines, self.blocks[name], self.blocks[into], strict=True
        ):
            engine.commit(block, into=history)

    def crop(self, name: str, n_tokens: int) -> None:
        for engine, block in zip(self.engines, self.blocks[name], strict=True):
            engine.crop(block, n_tokens)

    def free(self, name: str) -> None:
        for engine, block in zip(self.engines, self.blocks.pop(name), strict=True):
            engine.free(block)

    def check(self) -> None:
        self.engines[0].check()
        for cached, plain in self.blocks.values():
            assert (cached.tokens, cached.base) == (plain.tokens, plain.base)

    def _forward(self, which: int, rows: list[tuple[Names, str, list[int]]]) -> torch.Tensor:
        return self.engines[which].forward(
            [
                Row([self.blocks[n][which] for n in [*before, own]], tokens, len(tokens))
                for before, own, tokens in rows
            ]
        )


class Play:
    """Draws what programs might do, and does it to a pair."""

    def __init__(self, pair: Pair, data: st.DataObject) -> None:
        self.pair, self.data = pair, data
        self.n_texts = 0
        self.chains: dict[str, Names] = {}
        """The view of each text and stream when it was last written, itself included."""
        for name in (*STREAMS, "history"):
            pair.block(name)

    def do_something(self) -> None:
        acts = [self.read, self.read, self.forward, self.forward, self.remember, self.remember]
        acts += [self.commit, self.crop, self.crop, self.free, self.evict]
        act = self.data.draw(st.sampled_from(acts))
        try:
            act()
        except CapacityError:
            self.pair.check()
            self.clear()
        self.pair.check()

    def read(self) -> None:
        """A text goes on where a chain of texts ends, as a book does."""
        before = self._draw_view()
        start = sum(self.pair.blocks[name][0].n_tokens for name in before)
        book = self.data.draw(st.sampled_from(BOOKS))
        tokens = book[start : start + self.data.draw(st.integers(1, 20))]
        if not tokens:
            return
        name = f"text {self.n_texts}"
        self.n_texts += 1
        namespace = self.data.draw(st.sampled_from(["", "", "", "bob"]))
        self.pair.block(name, namespace)
        self.chains[name] = [*before, name]
        try:
            self.pair.read(name, before, tokens)
        except CapacityError:
            self.pair.free(name)
            raise

    def forward(self) -> None:
        n_rows = self.data.draw(st.integers(1, 2))
        writers = self.data.draw(st.permutations(STREAMS))[:n_rows]
        rows: list[tuple[Names, str, list[int]]] = []
        for own in writers:
            if self.data.draw(st.booleans()):
                before = self.chains.get(own, [])
                before = [name for name in before if name != own and name in self.pair.blocks]
            else:
                before = [name for name in self._draw_view() if name != own]
            start = sum(self.pair.blocks[n][0].n_tokens for n in [*before, own])
            n_new = self.data.draw(st.integers(1, 5))
            book = self.data.draw(st.sampled_from(BOOKS))
            rows.append((before, own, book[start : start + n_new] or [1]))
            self.chains[own] = [*before, own]
        self.pair.forward(rows)

    def remember(self) -> None:
        names = self.data.draw(
            st.lists(st.sampled_from(sorted(self.pair.blocks)), min_size=1, max_size=3)
        )
        self.pair.engines[0].remember(*(self.pair.blocks[name][0] for name in names))

    def commit(self) -> None:
        self.pair.commit(self.data.draw(st.sampled_from(STREAMS)), into="history")

    def crop(self) -> None:
        name = self.data.draw(st.sampled_from(sorted(self.pair.blocks)))
        n_tokens = self.pair.blocks[name][0].n_tokens
        self.pair.crop(name, self.data.draw(st.integers(0, n_tokens)))

    def free(self) -> None:
        texts = self._texts()
        if texts:
            self.pair.free(self.data.draw(st.sampled_from(texts)))

    def evict(self) -> None:
        self.pair.engines[0].tree.evict(self.data.draw(st.integers(1, 8)))

    def clear(self) -> None:
        """Room is needed: no program keeps anything."""
        for name in self._texts():
            self.pair.free(name)
        for name in (*STREAMS, "history"):
            self.pair.crop(name, 0)

    def _texts(self) -> Names:
        return [name for name in self.pair.blocks if name.startswith("text")]

    def _draw_view(self) -> Names:
        """Mostly what some text was read behind, with that text: so chains are often plain."""
        names = [name for name in (*self._texts(), "history", *STREAMS) if self._length(name)]
        if self.data.draw(st.integers(0, 7)) == 0:
            picked = self.data.draw(st.permutations(names))[: self.data.draw(st.integers(0, 3))]
        else:
            chain = self.data.draw(st.sampled_from([[], [], *self.chains.values()]))
            picked = [name for name in chain if name in names]
        while sum(self._length(name) for name in picked) > 60:
            picked = picked[:-1]
        return picked

    def _length(self, name: str) -> int:
        return self.pair.blocks[name][0].n_tokens


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), n_cache_tokens=st.sampled_from([80, 120, 400]))
def test_the_logits_are_the_same_with_the_radix_cache_and_without(
    make_engine: MakeEngine, data: st.DataObject, n_cache_tokens: int
) -> None:
    play = Play(Pair(make_engine, n_cache_tokens), data)
    for _ in range(data.draw(st.integers(10, 40))):
        play.do_something()
    engine: Engine = play.pair.engines[0]
    engine.free(*(block for block, _ in play.pair.blocks.values()))
    engine.tree.evict(engine.pages.n_total)
    engine.check()
    assert (engine.pages.n_used, engine.tree.n_used, engine.tree.n_locked) == (0, 0, 0)


@pytest.mark.parametrize("cut", [5, 8, 11])
def test_texts_that_were_cut_into_blocks_meet_again(make_engine: MakeEngine, cut: int) -> None:
    """All but the first text's last tokens, which fill no page of their own."""
    pair = Pair(make_engine, 200)
    for turn in range(3):
        pair.block(f"{turn} first")
        pair.block(f"{turn} second")
        pair.read(f"{turn} first", [], BOOKS[0][:cut])
        pair.read(f"{turn} second", [f"{turn} first"], BOOKS[0][cut:40])
        pair.engines[0].remember(pair.blocks[f"{turn} second"][0])
        pair.check()
    assert pair.n_found == 2 * (40 - cut % pair.engines[0].page_size_tokens)
