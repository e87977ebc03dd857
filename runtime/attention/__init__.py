"""Attention over views: queries are rotated per span, cached keys stay as they are.

    base.py        what a step gives to attention, and the protocol
    cache.py       keys and values of all layers, by slot
    rotation.py    cosines and sines for lists of positions
    reference.py   dense and obvious: the truth that the others are held to
    torch_.py      fast on a CPU, and on CUDA without other libraries; made of
      pieces.py      rows with few new tokens: views cut into pieces that are read once for all
      picking.py     numbering of their queries
      shared.py      what a layer computes of them
      dense.py       rows with many new tokens: each against the keys of its whole view

One suite (`tests/engine`) runs the same laws on every implementation.
"""

import torch

from hogdsl.errors import EngineError
from runtime.attention.base import Attention, Span, SpanRow
from runtime.attention.reference import ReferenceAttention
from runtime.attention.torch_ import TorchAttention
from runtime.model.config import ModelConfig
from runtime.model.rope import Rope

__all__ = ["ATTENTION_KINDS", "Attention", "Span", "SpanRow", "make_attention"]

ATTENTION_KINDS = {"reference": ReferenceAttention, "torch": TorchAttention}


def make_attention(
    kind: str,
    config: ModelConfig,
    rope: Rope,
    n_slots: int,
    *,
    device: torch.device,
    dtype: torch.dtype,
) -> ReferenceAttention | TorchAttention:
    """An attention implementation with an empty cache of `n_slots` tokens.

    Raises:
        EngineError: there is no implementation of that name.
    """
    if kind not in ATTENTION_KINDS:
        known = ", ".join(ATTENTION_KINDS)
        raise EngineError(f"There is no attention implementation {kind!r}. Known are {known}.")
    return ATTENTION_KINDS[kind](config, rope, n_slots, device=device, dtype=dtype)
