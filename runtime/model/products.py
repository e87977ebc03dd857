"""Products of tokens with matrices, and how the matrices lie in memory for them.

On a CPU a step of a few streams is a product of a few rows with every matrix of the model, bound by
how fast the matrices are read. torch's own product (MKL's) takes the longer the more rows there
are: for 4 rows in float32 more than twice the time of one (measured on an AMD EPYC with AVX-512).
So matrices are *packed*: laid out in the order in which they are read. Code of ours that is
compiled on the machine reads them as fast as the memory gives them (`matrices.TiledMatrix`).
Without a compiler oneDNN does, which torch brings along, at about half that speed; what it has
packed is a tensor whose entries only it can read. `to_dense()` unpacks any.
"""

from typing import cast

import torch
from torch import Tensor
from torch.nn.functional import linear

from hogdsl.errors import ModelError
from runtime.model.matrices import KINDS, Kept, Matrix, TiledMatrix

PACKED_ENTRIES_LEAST = 1 << 18
"""For smaller ones, which stay in the processor's caches, oneDNN has too much to set up."""


def product(x: Tensor, matrix: Matrix, bias: Tensor | None = None) -> Tensor:
    """`linear` for any matrix: x [n, in], matrix [out, in] -> [n, out]"""
    if not isinstance(matrix, Tensor):
        y = matrix.product(x)
        return y if bias is None else y + bias
    if not matrix.is_mkldnn:
        return linear(x, matrix, bias)
    if not len(x):
        return x.new_empty(0, matrix.shape[0])
    return torch.ops.mkldnn._linear_pointwise(x, matrix, bias, "none", [], "")


def packed(matrix: Matrix, kept: Kept | None = None) -> Matrix:
    """A float32 matrix on a CPU as it is read fastest; any other as it is.

    Args:
        matrix: on any device.
        kept: in fewer bits, if it is large; if these cannot hold the matrix it stays as exact as
            it is.
    """
    if not isinstance(matrix, Tensor) or matrix.is_mkldnn:
        return matrix
    if matrix.device.type != "cpu" or matrix.dtype != torch.float32:
        return matrix
    is_large = matrix.numel() >= PACKED_ENTRIES_LEAST
    smaller = KINDS[kept].of(matrix) if kept is not None and is_large else None
    if smaller is not None:
        return smaller
    if TiledMatrix.needs() is None:
        return TiledMatrix.of(matrix)
    if is_large and torch.backends.mkldnn.is_available():
        return torch.ops.mkldnn._reorder_linear_weight(matrix, None)
    return matrix


def check_kept(name: str | None, device: torch.device, dtype: torch.dtype) -> Kept | None:
    """See that matrices can be kept as is asked for; None is as the dtype says.

    Raises:
        ModelError: there is no such way, or not for this device, dtype or machine.
    """
    if name is None:
        return None
    if name not in KINDS:
        raise ModelError(
            f"weights= must be one of {', '.join(KINDS)}, or left out, found {name!r}."
        )
    if device.type != "cpu" or dtype != torch.float32:
        raise ModelError(
            f"weights={name!r} is for models that compute in float32 on a CPU, found "
            f"{str(dtype).removeprefix('torch.')} on {device.type}. Leave it out."
        )
    needed = KINDS[name].needs()
    if needed is not None:
        raise ModelError(f"weights={name!r} needs {needed}: not found here. Leave it out.")
    return cast(Kept, name)
