"""Attention over views as the definition says it: slow, and the truth for the other kinds.

Keys are cached without rotation. For each row the keys of its whole view are fetched and rotated
for the places where they stand in it; what is left is plain causal attention. There are no shifts,
no bases and no merging here, so an error in those cannot hide.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from runtime.attention.base import Span, SpanRow
from runtime.attention.cache import SlotCache, slots_of
from runtime.model.config import ModelConfig
from runtime.model.rope import Rope


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    new_slots: Tensor
    """int64[n_new]"""
    slots: Tensor
    """int64[n_tokens], in the order of the view"""


class ReferenceAttention:
    """Dense attention, one row after another, in the dtype of the cache."""

    def __init__(
        self,
        config: ModelConfig,
        rope: Rope,
        n_slots: int,
        *,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._cache = SlotCache(config, n_slots, device=device, dtype=dtype)
        self._config, self._rope, self._device = config, rope, device

    def prepare(self, rows: Sequence[SpanRow]) -> list[_Row]:
        """See `Attention.prepare`."""
        return [
            _Row(
                new_slots=self._slots(row.new_spans()),
                slots=self._slots(row.spans),
            )
            for row in rows
        ]

    def attend(self, step: list[_Row], layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """See `Attention.attend`."""
        new_slots = torch.cat([row.new_slots for row in step])
        keys, values = self._cache.keys[layer], self._cache.values[layer]
        keys[:, new_slots] = k.transpose(0, 1)
        values[:, new_slots] = v.transpose(0, 1)
        queries = q.split([len(row.new_slots) for row in step])
        return torch.cat(
            [
                self._one_row(q_row, keys[:, row.slots], values[:, row.slots])
                for q_row, row in zip(queries, step, strict=True)
            ]
        )

    def move(self, sources: Sequence[Span], targets: Sequence[Span]) -> None:
        """See `Attention.move`. Without rotation there is nothing to turn."""
        source, target = self._slots(sources), self._slots(targets)
        for layer in self._cache.layers:
            layer[:, target] = layer[:, source]

    def _slots(self, spans: Sequence[Span]) -> Tensor:
        return torch.from_numpy(slots_of(spans)).to(self._device)

    def _one_row(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """q [n_new, n_heads, head_dim], k and v [n_kv_heads, n_tokens, head_dim] -> as q"""
        n_new, n_tokens = q.shape[0], k.shape[1]
        places = torch.arange(n_tokens, device=self._device)
        own_places = places[n_tokens - n_new :]
        cos, sin = self._rope.cos_sin(places, k.dtype)
        k = self._rope.rotate(k, cos, sin)
        q = self._rope.rotate(q.transpose(0, 1), cos[n_tokens - n_new :], sin[n_tokens - n_new :])
        n_readers = self._config.n_heads // self._config.n_kv_heads
        k, v = k.repeat_interleave(n_readers, dim=0), v.repeat_interleave(n_readers, dim=0)
        scores = q @ k.transpose(1, 2) * self._config.head_dim**-0.5  # [n_heads, n_new, n_tokens]
        scores = scores.masked_fill(places > own_places[:, None], float("-inf"))
        return (scores.softmax(dim=-1) @ v).transpose(0, 1)
