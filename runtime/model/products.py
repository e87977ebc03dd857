"""Products of tokens with weight matrices, and how the matrices lie in memory for them.

On a CPU a step of a few streams is a product of a few rows with every matrix of the model, bound by
how fast the matrices are read. torch's own product (MKL's) takes the longer the more rows there
are: for 4 rows in float32 more than twice the time of one (measured on an AMD EPYC with AVX-512).
oneDNN, which torch brings along, keeps to the time of one, if the matrix was *packed* before: laid
out in the order in which its kernels read it. A packed matrix is a torch tensor whose entries only
oneDNN can read; `to_dense()` unpacks it.
"""

import torch
from torch import Tensor
from torch.nn.functional import linear

from runtime.model.weights import Weights

PACKED_ENTRIES_LEAST = 1 << 18
"""Smaller matrices stay in the processor's caches, where a plain product has less to set up."""


def pack(weights: Weights) -> None:
    """Pack all large float32 matrices of a model on a CPU, in place, one after the other.

    An embedding that is the head, too, stays as it is, since rows of it are looked up. Elsewhere,
    and where torch has no oneDNN, this does nothing.
    """
    if not torch.backends.mkldnn.is_available():
        return
    for layer in weights.layers:
        layer.qkv, layer.out = _packed(layer.qkv), _packed(layer.out)
        layer.gate_up, layer.down = _packed(layer.gate_up), _packed(layer.down)
    if weights.head is not weights.embedding:
        weights.head = _packed(weights.head)


def product(x: Tensor, matrix: Tensor, bias: Tensor | None = None) -> Tensor:
    """`linear` for a matrix that may be packed: x [n, in], matrix [out, in] -> [n, out]"""
    if not matrix.is_mkldnn:
        return linear(x, matrix, bias)
    if not len(x):
        return x.new_empty(0, matrix.shape[0])
    return torch.ops.mkldnn._linear_pointwise(x, matrix, bias, "none", [], "")


def _packed(matrix: Tensor) -> Tensor:
    plain = matrix.device.type == "cpu" and matrix.dtype == torch.float32 and not matrix.is_mkldnn
    if not plain or matrix.numel() < PACKED_ENTRIES_LEAST:
        return matrix
    return torch.ops.mkldnn._reorder_linear_weight(matrix, None)
