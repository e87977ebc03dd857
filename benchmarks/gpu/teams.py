"""Streams of this engine that see one prompt and each other."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from runtime.attention import SpanRow
from runtime.blocks import Block, Row
from runtime.engine import Engine
from runtime.views import resolve, span_rows

N_OWN = 32
"""Tokens that each stream has written before."""


@dataclass(frozen=True)
class Team:
    """A prompt, and a block for each stream."""

    engine: Engine
    prompt: Block
    blocks: list[Block]

    def rows(self) -> list[Row]:
        """A step in which each stream appends a token."""
        others = [[b for b in self.blocks if b is not own] for own in self.blocks]
        return [
            Row([self.prompt, *seen, own], [7])
            for seen, own in zip(others, self.blocks, strict=True)
        ]

    def step(self) -> list[int]:
        """One step, until the tokens are on the host."""
        return self.engine.forward(self.rows()).argmax(dim=-1).tolist()

    def span_rows(self) -> list[SpanRow]:
        """The next step as attention is told it; there must be room in the pages held."""
        engine = self.engine
        blocks = {block.number: block for block in (self.prompt, *self.blocks)}
        resolved = resolve(self.rows(), blocks, engine.config)
        return span_rows(resolved, engine._holdings.layout)

    def prepare(self) -> Any:
        """What is done once per step before the first layer."""
        return self.engine._attention.prepare(self.span_rows())

    def attention(self) -> Callable[[], Tensor]:
        """Attention of all layers in the next step, which is prepared here."""
        step, config = self.prepare(), self.engine.config
        shape = getattr(step, "bucket", None)
        n = len(self.blocks) if shape is None else shape.n_tokens
        heads = [config.n_heads, config.n_kv_heads, config.n_kv_heads]
        place = {"device": self.engine.device, "dtype": self.engine.dtype}
        first, k, v = torch.randn(n, sum(heads), config.head_dim, **place).split(heads, dim=1)

        def all_layers() -> Tensor:
            q = first
            for layer in range(config.n_layers):
                q = self.engine._attention.attend(step, layer, q, k, v)
            return q

        return all_layers

    def make_room(self) -> None:
        """Step until the next token of each stream has room in the pages that it holds."""
        size = self.engine.page_size_tokens
        while any(((block.base or 0) + block.n_tokens) % size == 0 for block in self.blocks):
            self.step()

    @property
    def n_tokens(self) -> int:
        """Tokens in the cache, each counted once."""
        return sum(block.n_tokens for block in (self.prompt, *self.blocks))


def draw_tokens(n: int, n_vocab: int) -> list[int]:
    """Tokens that depend on `n` alone."""
    return torch.randint(n_vocab, (n,), generator=torch.Generator().manual_seed(n)).tolist()


def make_team(engine: Engine, prompt: Block, n: int) -> Team:
    """`n` streams that have written `N_OWN` tokens each, all of them in one step."""
    team = Team(engine, prompt, [engine.block() for _ in range(n)])
    own = draw_tokens(N_OWN, engine.config.n_vocab)
    engine.forward([Row(row.view, own, n_logits=0) for row in team.rows()])
    return team
