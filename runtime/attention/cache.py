"""The keys and values of all layers, in slots; and spans as arrays of slots and positions."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from runtime.attention.base import Span
from runtime.model.config import ModelConfig

Ints = NDArray[np.int64]


class SlotCache:
    """One tensor per layer: [2 * n_kv_heads, n_slots, head_dim], key heads before value heads.

    The slots of one head are neighbours in memory, so a run of slots is read as a matrix in place.
    Slots that were never written hold anything, even NaN, and must not be read.
    """

    def __init__(
        self, config: ModelConfig, n_slots: int, *, device: torch.device, dtype: torch.dtype
    ) -> None:
        shape = 2 * config.n_kv_heads, n_slots, config.head_dim
        self.n_kv_heads = config.n_kv_heads
        # Untouched pages of an empty tensor cost no memory on a CPU, and no time to clear.
        self.layers = [
            torch.empty(shape, device=device, dtype=dtype) for _ in range(config.n_layers)
        ]
        self.keys = [layer[: config.n_kv_heads] for layer in self.layers]
        self.values = [layer[config.n_kv_heads :] for layer in self.layers]


def bytes_per_token(config: ModelConfig, dtype: torch.dtype) -> int:
    """Size of one token's keys and values in all layers."""
    return 2 * config.n_layers * config.n_kv_heads * config.head_dim * dtype.itemsize


def slots_of(spans: Sequence[Span]) -> Ints:
    """Slots of all tokens of `spans`, in order, int64[n_tokens]."""
    return _count_up([span.slot for span in spans], [span.n_tokens for span in spans])


def rotations_of(spans: Sequence[Span]) -> Ints:
    """Positions that the keys of `spans` are rotated for, in order, int64[n_tokens]."""
    return _count_up([span.rotated_for for span in spans], [span.n_tokens for span in spans])


def _count_up(starts: Sequence[int], lengths: Sequence[int]) -> Ints:
    """`start, start + 1, …` for each start, as many as its length, one after another."""
    first, n = np.array(starts, dtype=np.int64), np.array(lengths, dtype=np.int64)
    if len(n) == n.sum():  # one each, as in most steps
        return first
    begins = n.cumsum() - n
    return (first - begins).repeat(n) + np.arange(n.sum())
