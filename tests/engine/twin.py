"""An engine and a dense world that are told the same, and must answer the same."""

from collections.abc import Sequence

import torch
from hypothesis import strategies as st

from runtime import Block, BlockPrefix, Row
from runtime.engine import Engine
from tests.engine.dense_world import DenseRow, DenseWorld
from tests.engine.tiny import tiny_model

View = Sequence[str | tuple[str, int]]
"""Names of blocks, or a name with the number of its first tokens."""

LOGITS_APART_MOST = {torch.float32: 1e-4, torch.float64: 1e-9}


class Twin:
    """Blocks by name, in both. Every step compares all logits and proves the engine's books."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.world = DenseWorld(tiny_model(torch.float64, engine.config))
        self.blocks: dict[str, Block] = {}

    def block(self, name: str, base: int | None = None) -> None:
        self.blocks[name] = self.engine.block(base=base)
        self.world.block(name)

    def encode(self, name: str, tokens: Sequence[int], after: View = ()) -> None:
        self.blocks[name] = self.engine.encode(tokens, after=self._items(after))
        self.world.block(name)
        self.world.forward([DenseRow(_seen([*after, name]), tokens)])

    def forward(self, *rows: tuple[View, Sequence[int]]) -> None:
        """One step of rows (view, tokens)."""
        found = self.engine.forward(
            [Row(self._items(view), tokens, n_logits=len(tokens)) for view, tokens in rows]
        )
        expected = self.world.forward([DenseRow(_seen(view), tokens) for view, tokens in rows])
        apart = LOGITS_APART_MOST[found.dtype]
        torch.testing.assert_close(found.double(), expected, rtol=0, atol=apart)
        self.engine.check()

    def commit(self, name: str, into: str) -> None:
        self.engine.commit(self.blocks[name], into=self.blocks[into])
        self.world.commit(name, into)

    def crop(self, name: str, n_tokens: int) -> None:
        self.engine.crop(self.blocks[name], n_tokens)
        self.world.crop(name, n_tokens)

    def free(self, name: str) -> None:
        self.engine.free(self.blocks.pop(name))
        del self.world.blocks[name]

    def _items(self, view: View) -> list[Block | BlockPrefix]:
        return [
            self.blocks[name] if n is None else self.blocks[name].first(n)
            for name, n in _seen(view)
        ]


def _seen(view: View) -> list[tuple[str, int | None]]:
    return [(item, None) if isinstance(item, str) else item for item in view]


class RandomPlay:
    """Draws what a program might do, and does it to a twin."""

    STREAMS = ("a", "b", "c")

    def __init__(self, twin: Twin, data: st.DataObject) -> None:
        self.twin, self.data = twin, data
        self.n_texts = 0
        for name in (*self.STREAMS, "history"):
            twin.block(name, base=data.draw(st.sampled_from([None, 0, 40])))

    def do_something(self) -> None:
        self.data.draw(
            st.sampled_from(
                [self.encode, self.forward, self.forward, self.commit, self.crop, self.free]
            )
        )()

    def encode(self) -> None:
        name = f"text {self.n_texts}"
        self.n_texts += 1
        self.twin.encode(name, self._tokens(12), after=self._view(but=()))

    def forward(self) -> None:
        n_rows = self.data.draw(st.integers(1, 3))
        writers = self.data.draw(st.permutations(self.STREAMS))[:n_rows]
        self.twin.forward(*(([*self._view(but=(w,)), w], self._tokens(6)) for w in writers))

    def commit(self) -> None:
        self.twin.commit(self._one_of(self.STREAMS), into="history")

    def crop(self) -> None:
        name = self._one_of((*self.STREAMS, "history"))
        n_tokens = self.twin.blocks[name].n_tokens
        self.twin.crop(name, self.data.draw(st.integers(0, n_tokens)))

    def free(self) -> None:
        texts = [name for name in self.twin.blocks if name.startswith("text")]
        if texts:
            self.twin.free(self._one_of(texts))

    def _view(self, but: tuple[str, ...]) -> list[str | tuple[str, int]]:
        """Some other blocks in some order, some of them cut to a prefix."""
        names = [name for name in self.twin.blocks if name not in but]
        order = self.data.draw(st.permutations(names))
        view: list[str | tuple[str, int]] = []
        for name in order[: self.data.draw(st.integers(0, len(order)))]:
            length = self.twin.blocks[name].n_tokens
            cut = self.data.draw(st.one_of(st.none(), st.integers(0, length)))
            view.append(name if cut is None else (name, cut))
        return view

    def _tokens(self, most: int) -> list[int]:
        ids = st.integers(0, self.twin.engine.config.n_vocab - 1)
        return self.data.draw(st.lists(ids, min_size=1, max_size=most))

    def _one_of(self, names: Sequence[str]) -> str:
        return self.data.draw(st.sampled_from(list(names)))
