"""What the engine should compute, said differently: dense float64, every key rotated explicitly.

A world keeps the keys of each block as the model made them, without rotation. To run a row it lays
the blocks of the view one after another, rotates each key by multiplying complex numbers, and lets
every new token see what lies up to its own place. It knows no pages, spans, shifts or merging.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from runtime.model.rope import inverse_frequencies
from runtime.model.transformer import Transformer


@dataclass
class DenseBlock:
    """Tokens with keys and values, each [n_layers, n_tokens, n_kv_heads, head_dim]."""

    keys: Tensor
    values: Tensor

    @property
    def n_tokens(self) -> int:
        return self.keys.shape[1]


@dataclass
class DenseRow:
    """A view as pairs of a block's name and how many of its tokens are seen (None: all)."""

    view: Sequence[tuple[str, int | None]]
    tokens: Sequence[int]


@dataclass
class DenseWorld:
    """Blocks by name, for a float64 model."""

    model: Transformer
    blocks: dict[str, DenseBlock] = field(default_factory=dict)

    def block(self, name: str) -> None:
        config = self.model.config
        shape = config.n_layers, 0, config.n_kv_heads, config.head_dim
        empty = torch.zeros(shape, dtype=torch.float64)
        self.blocks[name] = DenseBlock(empty, empty)

    def crop(self, name: str, n_tokens: int) -> None:
        block = self.blocks[name]
        self.blocks[name] = DenseBlock(block.keys[:, :n_tokens], block.values[:, :n_tokens])

    def commit(self, name: str, into: str) -> None:
        self._append(into, self.blocks[name].keys, self.blocks[name].values)
        self.crop(name, 0)

    def forward(self, rows: Sequence[DenseRow]) -> Tensor:
        """Logits after every new token of all rows, float64[n, n_vocab]."""
        tokens = torch.tensor([token for row in rows for token in row.tokens])
        sizes = [len(row.tokens) for row in rows]
        new_keys: list[Tensor] = []
        new_values: list[Tensor] = []

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            new_keys.append(k)
            new_values.append(v)
            grown = {name: (b.keys[layer], b.values[layer]) for name, b in self.blocks.items()}
            for row, row_k, row_v in zip(rows, k.split(sizes), v.split(sizes), strict=True):
                own = row.view[-1][0]
                keys, values = grown[own]
                grown[own] = torch.cat((keys, row_k)), torch.cat((values, row_v))
            pairs = zip(rows, q.split(sizes), strict=True)
            return torch.cat([self._row(row, row_q, grown) for row, row_q in pairs])

        hidden = self.model.hidden(tokens, attend)
        keys = torch.stack(new_keys).split(sizes, dim=1)
        values = torch.stack(new_values).split(sizes, dim=1)
        for row, row_keys, row_values in zip(rows, keys, values, strict=True):
            self._append(row.view[-1][0], row_keys, row_values)
        return self.model.logits(hidden)

    def _append(self, name: str, keys: Tensor, values: Tensor) -> None:
        old = self.blocks[name]
        self.blocks[name] = DenseBlock(
            torch.cat((old.keys, keys), dim=1), torch.cat((old.values, values), dim=1)
        )

    def _row(self, row: DenseRow, q: Tensor, grown: dict[str, tuple[Tensor, Tensor]]) -> Tensor:
        """q [n_new, n_heads, head_dim] -> the same"""
        keys = torch.cat([grown[name][0][:n] for name, n in row.view])
        values = torch.cat([grown[name][1][:n] for name, n in row.view])
        n, n_new = len(keys), len(q)
        keys, q = self._rotate(keys, 0), self._rotate(q, n - n_new)
        out = torch.zeros_like(q)
        per_kv_head = self.model.config.n_heads // self.model.config.n_kv_heads
        for i in range(n_new):
            seen = n - n_new + i + 1
            for head in range(self.model.config.n_heads):
                kv_head = head // per_kv_head
                scores = keys[:seen, kv_head] @ q[i, head] / self.model.config.head_dim**0.5
                out[i, head] = scores.softmax(0) @ values[:seen, kv_head]
        return out

    def _rotate(self, x: Tensor, first_place: int) -> Tensor:
        """x [n, heads, head_dim], of tokens at consecutive places"""
        settings, head_dim = self.model.config.rope, self.model.config.head_dim
        angles = torch.arange(first_place, first_place + len(x))[:, None] * inverse_frequencies(
            settings, head_dim
        )
        turns = torch.polar(torch.full_like(angles, settings.attention_scaling), angles)
        first, second = x.chunk(2, dim=-1)
        turned = torch.complex(first, second) * turns[:, None]
        return torch.cat((turned.real, turned.imag), dim=-1)
