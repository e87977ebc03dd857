"""FlashInfer's kernels that we use, compiled all at once: `python -m benchmarks.gpu.kernels`.

FlashInfer compiles each at its first use, one after the other, which takes minutes each. Here they
are compiled side by side, and found at their first use.
"""

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from time import perf_counter
from typing import Any

import torch

from runtime.attention.flashinfer.variant import JIT_KWARGS, jit_args

HEAD_DIMS = (64, 128, 256)
DTYPES = (torch.bfloat16, torch.float16)


def norms() -> Any:
    """RMS norms; like all here, something that has `build`, `name` and `get_library_path`."""
    return import_module("flashinfer.jit.norm").gen_norm_module()


def gate() -> Any:
    """SwiGLU."""
    return import_module("flashinfer.jit").gen_act_and_mul_module("silu")


def attention(head_dim: int, dtype: torch.dtype) -> Any:
    """FA2 over pages, with our rule of what is seen."""
    make = import_module("flashinfer.jit").gen_customize_batch_prefill_module
    return make("fa2", *jit_args(dtype, head_dim), **JIT_KWARGS)


def private_decode() -> Any:
    """The decode over private sequences that the benchmark compares with."""
    dtype, head_dim = torch.bfloat16, 128
    no_rope, no_window, no_cap, no_half = 0, False, False, False
    # What the wrapper compiles first has no public name; `gen_batch_prefill_module` is another.
    make = import_module("flashinfer.jit.attention.modules")._gen_batch_prefill_primary_module
    return make(
        "fa2",
        *(dtype, dtype, dtype, torch.int32),
        *(head_dim, head_dim),
        *(no_rope, no_window, no_cap, no_half),
    )


def build(make: Callable[[], Any]) -> str:
    """Compile one; says which, and how long it took."""
    begin, spec = perf_counter(), make()
    spec.build()
    return f"{spec.name}: {perf_counter() - begin:.0f} s"


def main() -> None:
    """Compile all, for the GPU at hand."""
    if not torch.cuda.is_available():
        sys.exit("torch finds no CUDA device. Without one there is `make gpu-compile`.")
    variants = [
        lambda head_dim=head_dim, dtype=dtype: attention(head_dim, dtype)
        for head_dim in HEAD_DIMS
        for dtype in DTYPES
    ]
    everything = [norms, gate, private_decode, *variants]
    n_cores = os.cpu_count() or 1
    os.environ.setdefault("MAX_JOBS", str(max(1, 2 * n_cores // len(everything))))
    with ThreadPoolExecutor(len(everything)) as pool:
        for line in pool.map(build, everything):
            print(line, flush=True)


if __name__ == "__main__":
    main()
