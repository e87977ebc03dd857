"""Attention over views: queries are rotated per span, cached keys stay as they are.

    base.py        what a step gives to attention, and the protocol
    cache.py       keys and values of all layers, by slot
    rotation.py    cosines and sines for lists of positions
    reference.py   dense and obvious: the truth that the others are held to
    native/        on a CPU in float32, by code that is compiled where it runs
    torch_.py      anywhere without other libraries and compilers; made of
      pieces.py      rows with few new tokens: views cut into pieces that are read once for all
      picking.py     numbering of their queries
      shared.py      what a layer computes of them
      dense.py       rows with many new tokens: each against the keys of its whole view
    flashinfer/    on a GPU with FlashInfer

One suite (`tests/engine`) runs the same laws on every implementation.
"""

from typing import Any

import torch

from hogdsl.errors import EngineError
from runtime.attention.base import Attention, Span, SpanRow
from runtime.attention.flashinfer import FlashInferAttention
from runtime.attention.flashinfer import why_not as why_not_flashinfer
from runtime.attention.native import NativeAttention
from runtime.attention.native import why_not as why_not_native
from runtime.attention.reference import ReferenceAttention
from runtime.attention.torch_ import TorchAttention
from runtime.model.config import ModelConfig
from runtime.model.rope import Rope

__all__ = ["ATTENTION_KINDS", "Attention", "Span", "SpanRow", "fastest_kind", "make_attention"]

ATTENTION_KINDS = {
    "reference": ReferenceAttention,
    "torch": TorchAttention,
    "native": NativeAttention,
    "flashinfer": FlashInferAttention,
}


def fastest_kind(config: ModelConfig, dtype: torch.dtype, device: torch.device) -> str:
    """The attention implementation to take when nobody says: the fastest that works here."""
    if why_not_flashinfer(config, dtype, device) is None:
        return "flashinfer"
    if why_not_native(config, dtype, device) is None:
        return "native"
    return "torch"


def make_attention(
    kind: str,
    config: ModelConfig,
    rope: Rope,
    n_slots: int,
    *,
    device: torch.device,
    dtype: torch.dtype,
) -> Attention[Any]:
    """An attention implementation with an empty cache of `n_slots` tokens.

    Raises:
        EngineError: there is no implementation of that name, or it cannot work here.
    """
    if kind not in ATTENTION_KINDS:
        known = ", ".join(ATTENTION_KINDS)
        raise EngineError(f"There is no attention implementation {kind!r}. Known are {known}.")
    return ATTENTION_KINDS[kind](config, rope, n_slots, device=device, dtype=dtype)
