"""Attention over views with plain torch: on a CPU, and on CUDA without other libraries.

Keys are cached rotated, once, for the place where they were written. Rows with few new tokens read
each piece of the cache together (`shared.py`); rows with many are computed one by one (`dense.py`).
Everything about a step that is the same in all layers is prepared once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import torch
from torch import Tensor

from runtime.attention.base import Span, SpanRow
from runtime.attention.cache import Ints, SlotCache, rotations_of, slots_of
from runtime.attention.dense import DenseCall, prepare_dense, run_dense
from runtime.attention.rotation import Rotation, further_rotation, rotation
from runtime.attention.shared import SharedStep, prepare_shared, run_shared
from runtime.model.config import ModelConfig
from runtime.model.rope import Rope

FEW_NEW_TOKENS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """A step with `n` new tokens.

    Attributes:
        new_slots: int64[n], where the new keys and values go.
        picked: int64[n_picked + n_kv_heads * n], what is rotated, as rows of
            [n * (n_heads + n_kv_heads), d]: the picked queries of `shared`, then all keys by head.
        rotation: cosine and sine [n_picked + n_kv_heads * n, d]; those of queries are scaled.
        n_picked: how many of them are queries.
        shared: the rows with few new tokens, if there are any.
        shared_tokens: int64, their new tokens; None if the step has no others.
        dense: the rows with many new tokens.
    """

    new_slots: Tensor
    picked: Tensor
    rotation: Rotation
    n_picked: int
    shared: SharedStep | None
    shared_tokens: Tensor | None
    dense: list[DenseCall]


class _Place(TypedDict):
    device: torch.device
    dtype: torch.dtype


class TorchAttention:
    """Attention over views in a few large tensor operations per layer."""

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
        self._config, self._rope = config, rope
        self._device, self._dtype = device, dtype
        self._exactly = _Place(device=device, dtype=torch.promote_types(dtype, torch.float32))
        """Where a step's tensors go, and the type of rotations, scores and weights."""

    def prepare(self, rows: Sequence[SpanRow]) -> _Step:
        """See `Attention.prepare`."""
        few: list[SpanRow] = []
        many: list[tuple[int, SpanRow]] = []
        few_tokens: list[int] = []
        n = 0
        for row in rows:
            if row.n_new <= FEW_NEW_TOKENS:
                few.append(row)
                few_tokens.extend(range(n, n + row.n_new))
            else:
                many.append((n, row))
            n += row.n_new
        shared = prepare_shared(few, self._config, **self._exactly) if few else None
        new_spans = [span for row in rows for span in row.new_spans()]
        picked, rotation = self._picked(shared, few_tokens, new_spans, n)
        return _Step(
            new_slots=self._tensor(slots_of(new_spans)),
            picked=picked,
            rotation=rotation,
            n_picked=0 if shared is None else len(shared.token),
            shared=shared,
            shared_tokens=torch.tensor(few_tokens, device=self._device) if many else None,
            dense=prepare_dense(many, self._rope, **self._exactly),
        )

    def attend(self, step: _Step, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """See `Attention.attend`."""
        keys, values = self._cache.keys[layer], self._cache.values[layer]
        n, n_heads, head_dim = q.shape
        picked = torch.cat((q, k), dim=1).view(-1, head_dim).index_select(0, step.picked)
        rotated = self._rope.rotate(picked, *step.rotation).to(self._dtype)
        new_keys = rotated[step.n_picked :].view(-1, n, head_dim)
        keys.index_copy_(1, step.new_slots, new_keys)
        values.index_copy_(1, step.new_slots, v.transpose(0, 1))
        found = None
        if step.shared is not None:
            found = run_shared(step.shared, rotated[: step.n_picked], keys, values)
            found = found.to(q.dtype).view(-1, n_heads, head_dim)
        if not step.dense and found is not None:
            return found
        out = torch.empty_like(q)
        if found is not None and step.shared_tokens is not None:
            out[step.shared_tokens] = found
        run_dense(step.dense, q, keys, values, self._rope, out)
        return out

    def move(self, sources: Sequence[Span], targets: Sequence[Span]) -> None:
        """See `Attention.move`."""
        source, target = self._tensor(slots_of(sources)), self._tensor(slots_of(targets))
        distances = rotations_of(targets) - rotations_of(sources)
        cos, sin = further_rotation(self._rope, distances, **self._exactly)
        for keys, values in zip(self._cache.keys, self._cache.values, strict=True):
            turned = self._rope.rotate(keys[:, source], cos, sin)
            keys.index_copy_(1, target, turned.to(self._dtype))
            values.index_copy_(1, target, values[:, source])

    def _picked(
        self,
        shared: SharedStep | None,
        few_tokens: Sequence[int],
        new_spans: Sequence[Span],
        n: int,
    ) -> tuple[Tensor, Rotation]:
        """`picked` and `rotation` of a step with `n` new tokens."""
        n_kv_heads, n_heads = self._config.n_kv_heads, self._config.n_heads
        n_all = n_heads + n_kv_heads
        picked = (np.arange(n) * n_all + (n_heads + np.arange(n_kv_heads))[:, None]).reshape(-1)
        turns = np.tile(rotations_of(new_spans), n_kv_heads)
        n_picked = 0
        if shared is not None:
            n_picked = len(shared.token)
            token = np.array(few_tokens)[shared.token]
            picked = np.concatenate((token * n_all + shared.head, picked))
            turns = np.concatenate((shared.turn, turns))
        cos, sin = rotation(self._rope, turns, **self._exactly)
        scale = self._config.head_dim**-0.5
        cos[:n_picked] *= scale
        sin[:n_picked] *= scale
        return self._tensor(picked), (cos, sin)

    def _tensor(self, array: Ints) -> Tensor:
        return torch.from_numpy(array).to(self._device)
