"""Every kernel that we use compiles for Hopper, without a GPU: `make gpu-compile`, half an hour.

FlashInfer's are compiled by `nvcc` as at their first use on a GPU. Triton's are compiled ahead of
their time, for the types that our launches really have.
"""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from os import environ
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks.gpu import kernels
from runtime.attention.flashinfer.upload import DeviceNumbers
from runtime.model.rope import Rope, RopeSettings

pytestmark = pytest.mark.compiles

TRITON_TYPES = {
    torch.int32: "i32",
    torch.int64: "i64",
    torch.float16: "fp16",
    torch.bfloat16: "bf16",
    torch.float32: "fp32",
    torch.float64: "fp64",
}
LINES, HEADS, KV_HEADS, TOKENS, PAGES = 6, 8, 2, 3, 4


def assert_builds(spec: Any) -> None:
    spec.build()
    assert spec.get_library_path().exists()


@pytest.fixture
def toolkit() -> None:
    """The environment that `benchmarks.gpu.toolkit` makes."""
    assert "FLASHINFER_WORKSPACE_BASE" in environ, "Run this with `make gpu-compile`."


@pytest.mark.usefixtures("toolkit")
@pytest.mark.parametrize("make", [kernels.norms, kernels.gate, kernels.private_decode])
def test_flashinfers_own_kernels_compile(make: Callable[[], Any]) -> None:
    assert_builds(make())


@pytest.mark.usefixtures("toolkit")
@pytest.mark.parametrize("dtype", kernels.DTYPES, ids=str)
@pytest.mark.parametrize("head_dim", kernels.HEAD_DIMS)
def test_attention_with_our_variant_compiles(head_dim: int, dtype: torch.dtype) -> None:
    assert_builds(kernels.attention(head_dim, dtype))


# ---------------------------------------------------------------- Triton


class Launches:
    """Stands where a kernel of Triton does, and compiles what it is asked to launch."""

    def __init__(self, kernel: Any, *, target: Any) -> None:
        self.kernel, self.target = kernel, target
        self.compiled: list[Any] = []

    def __getitem__(self, grid: tuple[int, ...]) -> Callable[..., None]:
        return self._compile

    def _compile(self, *given: Any, **constants: int) -> None:
        compiler = import_module("triton.compiler")
        names = self.kernel.arg_names[: len(given)]
        types = dict(zip(names, map(type_of, given), strict=True))
        source = compiler.ASTSource(
            fn=self.kernel,
            signature=types | dict.fromkeys(constants, "constexpr"),
            constexprs=constants,
        )
        self.compiled.append(compiler.compile(source, target=self.target))


def type_of(given: Any) -> str:
    """The type of an argument, as Triton names it."""
    match given:
        case Tensor():
            return "*" + TRITON_TYPES[given.dtype]
        case int():
            return "i32"
        case float():
            return "fp32"
        case _:
            raise TypeError(given)


def zeros(*shape: int, dtype: torch.dtype = torch.int32) -> Tensor:
    return torch.zeros(shape, dtype=dtype)


def step_numbers() -> DeviceNumbers:
    """Of a step; the types are those of a real one."""
    return DeviceNumbers(*(zeros(LINES) for _ in DeviceNumbers._fields))


def rotate_and_append(triton_: Any, head_dim: int, dtype: torch.dtype) -> None:
    rope = Rope(RopeSettings(), head_dim)
    new = partial(zeros, dtype=dtype)
    qkv = new(TOKENS, HEADS + 2 * KV_HEADS, head_dim).split([HEADS, KV_HEADS, KV_HEADS], dim=1)
    pools = [new(PAGES, 16, KV_HEADS, head_dim) for _ in range(2)]
    turns = triton_.Turns(rope, torch.device("cpu"))
    queries = new(LINES, HEADS, head_dim)
    triton_.rotate_and_append(turns, step_numbers(), *qkv, queries, *pools)


def merge(triton_: Any, head_dim: int, dtype: torch.dtype) -> None:
    found, out = (zeros(n, HEADS, head_dim, dtype=dtype) for n in (LINES, TOKENS))
    triton_.merge(step_numbers(), found, zeros(LINES, HEADS, dtype=torch.float32), out)


@pytest.mark.parametrize("dtype", kernels.DTYPES, ids=str)
@pytest.mark.parametrize("head_dim", kernels.HEAD_DIMS)
@pytest.mark.parametrize("launch", [rotate_and_append, merge])
def test_our_triton_kernels_compile(
    launch: Callable[[Any, int, torch.dtype], None],
    head_dim: int,
    dtype: torch.dtype,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hopper = import_module("triton.backends.compiler").GPUTarget("cuda", 90, 32)
    triton_ = import_module("runtime.attention.flashinfer.triton_")
    launches = Launches(getattr(triton_, f"_{launch.__name__}"), target=hopper)
    monkeypatch.setattr(triton_, f"_{launch.__name__}", launches)
    launch(triton_, head_dim, dtype)
    [kernel] = launches.compiled
    assert len(kernel.asm["cubin"]) > 1000
    assert ".target sm_90" in kernel.asm["ptx"]
