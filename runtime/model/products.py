"""Products of tokens with matrices, and how the matrices lie in memory for them.

On a CPU a step of a few streams is a product of a few rows with every matrix of the model, bound by
how fast the matrices are read. torch's own product (MKL's) takes the longer the more rows there
are: for 4 rows in float32 more than twice the time of one (measured on an AMD EPYC with AVX-512).
So large matrices are *packed*: laid out in the order in which the kernels of a library that torch
brings along read them.

- oneDNN keeps to the time of one row. A packed matrix is a torch tensor whose entries only oneDNN
  can read; `to_dense()` unpacks it.
- FBGEMM reads matrices in float16 and computes in float32 with them (`HalfMatrix`), so half as much
  is read. Of what a checkpoint has in bfloat16, float16 loses nothing, down to entries of 6e-5.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import linear

from hogdsl.errors import ModelError

PACKED_ENTRIES_LEAST = 1 << 18
"""Smaller matrices stay in the processor's caches, where a plain product has less to set up."""
HALF = "float16"
HALF_MOST = torch.finfo(torch.float16).max
HALF_ENGINES = ("x86", "fbgemm")
"""What torch calls FBGEMM in `torch.backends.quantized.engine`."""


@dataclass(frozen=True, slots=True)
class HalfMatrix:
    """A matrix [out, in] in float16, as FBGEMM packs it."""

    packed: torch.ScriptObject

    def to_dense(self) -> Tensor:
        """The matrix, unpacked: float32[out, in]"""
        return torch.ops.quantized.linear_unpack_fp16(self.packed)[0]


Matrix = Tensor | HalfMatrix
"""[out, in]: plain, packed by oneDNN, or in float16"""


def product(x: Tensor, matrix: Matrix, bias: Tensor | None = None) -> Tensor:
    """`linear` for any matrix: x [n, in], matrix [out, in] -> [n, out]"""
    if isinstance(matrix, HalfMatrix):
        y = torch.ops.quantized.linear_dynamic_fp16(x, matrix.packed)
        return y if bias is None else y + bias
    if not matrix.is_mkldnn:
        return linear(x, matrix, bias)
    if not len(x):
        return x.new_empty(0, matrix.shape[0])
    return torch.ops.mkldnn._linear_pointwise(x, matrix, bias, "none", [], "")


def packed(matrix: Matrix, *, half: bool = False) -> Matrix:
    """A large float32 matrix on a CPU as it is read fastest; any other as it is.

    Args:
        matrix: on any device.
        half: in float16, if its entries are within the range of that.
    """
    if isinstance(matrix, HalfMatrix) or matrix.is_mkldnn or matrix.numel() < PACKED_ENTRIES_LEAST:
        return matrix
    if matrix.device.type != "cpu" or matrix.dtype != torch.float32:
        return matrix
    if half and matrix.abs().max() <= HALF_MOST:
        return HalfMatrix(torch.ops.quantized.linear_prepack_fp16(matrix, None))
    if torch.backends.mkldnn.is_available():
        return torch.ops.mkldnn._reorder_linear_weight(matrix, None)
    return matrix


def check_weights(weights: str | None, device: torch.device, dtype: torch.dtype) -> None:
    """See that matrices can be kept as is asked for; None is as the dtype says.

    Raises:
        ModelError: there is no such way, or not for this device, dtype or machine.
    """
    if weights is None:
        return
    if weights != HALF:
        raise ModelError(f"weights= must be {HALF!r}, or left out, found {weights!r}.")
    if device.type != "cpu" or dtype != torch.float32:
        name = str(dtype).removeprefix("torch.")
        raise ModelError(
            f"weights={HALF!r} is for models that compute in float32 on a CPU, found {name} on "
            f"{device.type}. Leave it out; dtype={HALF!r} has all of a model in float16."
        )
    if torch.backends.quantized.engine not in HALF_ENGINES:
        raise ModelError(
            f"weights={HALF!r} needs FBGEMM, which torch has on x86 processors with AVX2 and not "
            "here. Leave it out."
        )
