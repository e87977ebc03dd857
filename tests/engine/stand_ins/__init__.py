"""What runs on a GPU, on a CPU: attention with FlashInfer can be tested everywhere.

    flashinfer_.py   the calls of FlashInfer that we make, as they are documented
    triton_.py       our two Triton kernels, in torch

Both take float32 too, and heads of any size: the suite of all implementations runs in float32.
"""

from math import nan
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from runtime.attention.flashinfer import Bucket, FlashInferAttention
from runtime.attention.flashinfer.attention import PreparedStep
from runtime.attention.flashinfer.kernels import Kernels
from runtime.model.config import ModelConfig
from runtime.model.rope import Rope
from tests.engine.stand_ins import flashinfer_, triton_


class FlashInferOnCpu(FlashInferAttention):
    """`FlashInferAttention` on the stand-ins."""

    def __init__(
        self,
        config: ModelConfig,
        rope: Rope,
        n_slots: int,
        *,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        kernels = kernels_on_cpu(config, rope, device=device, dtype=dtype)
        super().__init__(config, rope, n_slots, device=device, dtype=dtype, kernels=kernels)


class InBuckets(FlashInferAttention):
    """Most small steps are padded; what is added must not be seen in the results."""

    buckets = (
        Bucket(n_tokens=2, n_requests=6, n_lines_each=2),
        Bucket(n_tokens=7, n_requests=12, n_lines_each=6),
    )

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.use_buckets(self.buckets)

    def attend(self, step: PreparedStep, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """The new tokens, and behind them no numbers."""
        n = len(q)
        if n == step.n_tokens:
            return super().attend(step, layer, q, k, v)
        q, k, v = (pad(x, (0, 0, 0, 0, 0, step.n_tokens - n), value=nan) for x in (q, k, v))
        out = super().attend(step, layer, q, k, v)
        assert not out[n:].any(), "padded tokens give zeros"
        return out[:n]


class FlashInferInBuckets(InBuckets, FlashInferOnCpu):
    """Both."""


def kernels_on_cpu(config: ModelConfig, rope: Rope, **place: Any) -> Kernels:
    """`Kernels` on the stand-ins."""
    return Kernels(config, rope, flashinfer=flashinfer_, small=triton_, **place)
