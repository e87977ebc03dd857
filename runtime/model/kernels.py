"""What a layer computes of each token besides its products: norms, and the gate of the MLP.

torch computes them anywhere, in several operations each. FlashInfer has them fused for CUDA in half
precision: the sum with the residual stream, its square and its scaling are one pass over memory.
"""

from importlib import import_module
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.functional import rms_norm, silu


class Kernels(Protocol):
    """Operations on a flat batch of tokens; tensors [n, width] are contiguous."""

    def norm(self, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        """RMS norm (arXiv 1910.07467): x [n, width], weight [width] -> [n, width]"""
        ...

    def add_norm(self, x: Tensor, added: Tensor, weight: Tensor, eps: float) -> Tensor:
        """The norm of `x + added`, which is left in `x`; what is in `added` may be lost.

        All [n, width].
        """
        ...

    def head_norm(self, qk: Tensor, weight: Tensor, n_queries: int, eps: float) -> Tensor:
        """The norm of each query and key head; what is in `qk` may be lost.

        Args:
            qk: [n, heads, head_dim], contiguous in the last two.
            weight: [heads, head_dim], the same for all query heads and for all key heads.
            n_queries: how many of the heads are those of queries; they come first.
            eps: is added to the mean square.

        Returns:
            The same shape.
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

    def head_norm(self, qk: Tensor, weight: Tensor, n_queries: int, eps: float) -> Tensor:
        """See `Kernels.head_norm`. All heads at once, then their weights: few, large operations."""
        return rms_norm(qk, weight.shape[-1:], eps=eps) * weight

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

    def head_norm(self, qk: Tensor, weight: Tensor, n_queries: int, eps: float) -> Tensor:
        """See `Kernels.head_norm`. In place."""
        for heads in (slice(n_queries), slice(n_queries, None)):
            self._flashinfer.rmsnorm(qk[:, heads], weight[heads][0], eps, out=qk[:, heads])
        return qk

    def gated(self, gate_up: Tensor) -> Tensor:
        """See `Kernels.gated`."""
        return self._flashinfer.silu_and_mul(gate_up)


def make_kernels(attention: str, device: torch.device) -> Kernels:
    """What goes with an attention of that name: FlashInfer's where it can be used, on CUDA."""
    if attention == "flashinfer" and device.type == "cuda":
        return FlashInferKernels()
    return TorchKernels()
