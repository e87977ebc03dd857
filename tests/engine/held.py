"""An attention that is held to the truth at every call, whatever the engine above it does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from runtime.attention import Attention, Span, SpanRow, make_attention
from runtime.attention.reference import ReferenceAttention
from runtime.model.config import ModelConfig
from runtime.model.rope import Rope

ERROR_MOST = {torch.bfloat16: 2e-2, torch.float16: 1e-3}
"""Of a token's result, relative to its length."""


@dataclass
class Held:
    """FlashInfer in half precision beside the reference in float64, with the same q, k and v.

    Attributes:
        error: the largest found.
        n_calls: how many layers were compared.
    """

    attention: Attention[Any]
    reference: ReferenceAttention
    error_most: float
    error: float = 0.0
    n_calls: int = 0

    def prepare(self, rows: Sequence[SpanRow]) -> tuple[Any, Any]:
        return self.attention.prepare(rows), self.reference.prepare(rows)

    def attend(self, step: tuple[Any, Any], layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        found = self.attention.attend(step[0], layer, q, k, v)
        exact = self.reference.attend(step[1], layer, q.double(), k.double(), v.double())
        apart = (found.double() - exact).flatten(1).norm(dim=1)
        error = float((apart / exact.flatten(1).norm(dim=1)).max())
        assert error <= self.error_most, f"{error:.1e} is more than {self.error_most:.0e}"
        self.error, self.n_calls = max(self.error, error), self.n_calls + 1
        return found

    def move(self, sources: Sequence[Span], targets: Sequence[Span]) -> None:
        self.attention.move(sources, targets)
        self.reference.move(sources, targets)


def held(
    config: ModelConfig, rope: Rope, n_slots: int, *, device: torch.device, dtype: torch.dtype
) -> Held:
    """As `ATTENTION_KINDS` wants it, for the implementation that is "flashinfer" there."""
    attention = make_attention("flashinfer", config, rope, n_slots, device=device, dtype=dtype)
    reference = ReferenceAttention(config, rope, n_slots, device=device, dtype=torch.float64)
    return Held(attention, reference, ERROR_MOST[dtype])
