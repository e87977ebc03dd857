"""What a layer computes of each token besides its products: norms, and the gate of the MLP.

torch computes them anywhere, in several operations each. FlashInfer has them fused for CUDA in half
precision: the sum with the residual stream, its square and its scaling are one pass over memory.

The norm of query and key heads stays torch's: the weights of queries and keys differ, so it would
be as many launches as torch takes.
"""

from importlib import import_module
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.functional import rms_norm, silu


class Kernels(Protocol):
    """Operations on a flat batch of tokens; all tensors are contiguous."""

    def norm(self, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        """RMS norm (arXiv 1910.07467): x [n, width], weight [width] -> [n, width]"""
        ...

    def add_norm(self, x: Tensor, added: Tensor, weight: Tensor, eps: float) -> Tensor:
        """The norm of `x + added`, which is left in `x`; what is in `added` may be lost.

        All [n, width].
        """
        ...

    def gated(self, gate_up: Tensor) -> Tensor:
        """SwiGLU (arXiv 2002.05202): [n, 2 * mlp_width], gate before up -> [n, mlp_width]"""
        ...


class TorchKernels:
    """Any device and type."""

    def norm(self, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        """See `Kernels.norm`."""
        return rms_norm(x, weight.shape, weight, eps)

    def add_norm(self, x: Tensor, added: Tensor, weight: Tensor, eps: float) -> Tensor:
        """See `Kernels.add_norm`."""
        return self.norm(x.add_(added), weight, eps)

    def gated(self, gate_up: Tensor) -> Tensor:
        """See `Kernels.gated`."""
        gate, up = gate_up.chunk(2, dim=-1)
        return silu(gate) * up


class FlashInferKernels:
    """CUDA, float16 or bfloat16; sums of squares in float32."""

    def __init__(self) -> None:
        """
        Raises:
            ImportError: FlashInfer is not installed.
        """
        # it takes seconds, and is not there for most: only for those who use it
        self._flashinfer: Any = import_module("flashinfer")

    def norm(self, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        """See `Kernels.norm`."""
        return self._flashinfer.rmsnorm(x, weight, eps)

    def add_norm(self, x: Tensor, added: Tensor, weight: Tensor, eps: float) -> Tensor:
        """See `Kernels.add_norm`."""
        self._flashinfer.fused_add_rmsnorm(added, x, weight, eps)
        return added

    def gated(self, gate_up: Tensor) -> Tensor:
        """See `Kernels.gated`."""
        return self._flashinfer.silu_and_mul(gate_up)


def make_kernels(attention: str, device: torch.device) -> Kernels:
    """What goes with an attention of that name: FlashInfer's where it can be used, on CUDA."""
    if attention == "flashinfer" and device.type == "cuda":
        return FlashInferKernels()
    return TorchKernels()
