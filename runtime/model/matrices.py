"""Matrices that lie in memory as they are read fastest, for products in float32 on a CPU.

`TiledMatrix` is read by compiled code of ours (`runtime.native`), and exact: it has bfloat16 if all
entries are bfloat16's own, as those of most checkpoints are, and float32 otherwise. The others have
fewer bits.

`HalfMatrix` has float16 and reads half as much. Of what a checkpoint has in bfloat16 it loses
nothing, down to entries of 6e-5.

`ByteMatrix` has int8 with a scale for each row, and rounds each row of what it is multiplied by to
int8, too, by the largest of its entries. Errors of both come to about one percent of a product.

What a row of tokens gives does not depend on the rows beside it (law 6).
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from hogdsl.errors import EngineError
from runtime.native import load_library, threads

TILE_ROWS = 16
"""`LANES` of `runtime/native/common.h`."""
Kept = Literal["float16", "int8"]
HALF_MOST = torch.finfo(torch.float16).max
HALF_ENGINES = ("x86", "fbgemm")
"""What torch calls FBGEMM in `torch.backends.quantized.engine`."""
BYTE_MOST = 127
BYTE_ZERO = 128
"""What stands for zero in unsigned bytes, which is what oneDNN multiplies by signed ones."""


@dataclass(frozen=True, slots=True)
class TiledMatrix:
    """A matrix [out, in] in tiles of 16 of its rows, each component by component."""

    tiles: Tensor
    """float32 or bfloat16, [out / 16, in, 16]; rows behind the last are 0"""
    n_out: int

    @staticmethod
    def of(matrix: Tensor) -> "TiledMatrix":
        """The matrix, float32[out, in]."""
        short = matrix.to(torch.bfloat16)
        if not torch.equal(short.to(matrix.dtype), matrix):
            short = matrix
        n_out, n_in = matrix.shape
        whole = torch.nn.functional.pad(short, (0, 0, 0, -n_out % TILE_ROWS))
        return TiledMatrix(whole.view(-1, TILE_ROWS, n_in).transpose(1, 2).contiguous(), n_out)

    @staticmethod
    def needs() -> str | None:
        """What is missing here to have such matrices."""
        try:
            load_library()
        except EngineError as error:
            return str(error)
        return None

    def to_dense(self) -> Tensor:
        """float32[out, in]"""
        return self.tiles.transpose(1, 2).flatten(0, 1)[: self.n_out].float()

    def __getitem__(self, rows: Tensor) -> Tensor:
        """Rows int64[n] of it, float32[n, in]"""
        return self.tiles[rows // TILE_ROWS, :, rows % TILE_ROWS].float()

    def product(self, x: Tensor) -> Tensor:
        """x float32[n, in] -> float32[n, out]"""
        x = x.contiguous()
        n, n_in = x.shape
        columns, out = x.new_empty(n * n_in), x.new_empty(n, self.n_out)
        load_library().product(
            x.data_ptr(),
            self.tiles.data_ptr(),
            self.tiles.dtype == torch.bfloat16,
            columns.data_ptr(),
            out.data_ptr(),
            n,
            n_in,
            self.n_out,
            *threads(),
        )
        return out


@dataclass(frozen=True, slots=True)
class HalfMatrix:
    """A matrix [out, in] in float16, as FBGEMM packs it."""

    packed: torch.ScriptObject

    @staticmethod
    def of(matrix: Tensor) -> "HalfMatrix | None":
        """The matrix, float32[out, in]; None if an entry is beyond float16."""
        if matrix.abs().max() > HALF_MOST:
            return None
        return HalfMatrix(torch.ops.quantized.linear_prepack_fp16(matrix, None))

    @staticmethod
    def needs() -> str | None:
        """What is missing here to have such matrices."""
        if torch.backends.quantized.engine in HALF_ENGINES:
            return None
        return "FBGEMM, which torch has on x86 processors with AVX2"

    def to_dense(self) -> Tensor:
        """float32[out, in]"""
        return torch.ops.quantized.linear_unpack_fp16(self.packed)[0]

    def product(self, x: Tensor) -> Tensor:
        """x float32[n, in] -> float32[n, out]"""
        return torch.ops.quantized.linear_dynamic_fp16(x, self.packed)


@dataclass(frozen=True, slots=True)
class ByteMatrix:
    """A matrix [out, in] in int8, as oneDNN packs it, times the scale of each of its rows."""

    packed: Tensor
    scales: Tensor
    """float32[out]"""
    zeros: Tensor
    """int64[out]: all 0"""

    @staticmethod
    def of(matrix: Tensor) -> "ByteMatrix":
        """The matrix, float32[out, in], rounded."""
        scales = _scales(matrix)
        rounded = (matrix / scales).round_().to(torch.int8)
        zeros = torch.zeros(len(matrix), dtype=torch.int64)
        return ByteMatrix(torch.ops.onednn.qlinear_prepack(rounded, None), scales[:, 0], zeros)

    @staticmethod
    def needs() -> str | None:
        """What is missing here to have such matrices."""
        if not (torch.backends.mkldnn.is_available() and torch.cpu._is_vnni_supported()):
            return "oneDNN and a processor with AVX-512 VNNI, without which its sums can overflow"
        return HalfMatrix.needs()  # of the head

    def product(self, x: Tensor) -> Tensor:
        """x float32[n, in] -> float32[n, out]"""
        if not len(x):
            return x.new_empty(0, len(self.scales))
        scales = _scales(x)
        rounded = (x / scales).round_().add_(BYTE_ZERO).to(torch.uint8)
        products = torch.ops.onednn.qlinear_pointwise(
            rounded, 1.0, BYTE_ZERO, self.packed, self.scales, self.zeros, None,
            1.0, 0, torch.float32, "none", [], "",
        )  # fmt: skip
        return products.mul_(scales)


def _scales(matrix: Tensor) -> Tensor:
    """Of each row what one step of int8 stands for, so that its largest entry is 127; [n, 1]"""
    return matrix.abs().amax(dim=-1, keepdim=True).clamp_min_(1e-30).mul_(1 / BYTE_MOST)


Matrix = Tensor | TiledMatrix | HalfMatrix | ByteMatrix
"""[out, in]: plain or packed by oneDNN, in tiles, or kept in fewer bits"""
KINDS: dict[Kept, type[HalfMatrix] | type[ByteMatrix]] = {"float16": HalfMatrix, "int8": ByteMatrix}
