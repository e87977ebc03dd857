"""FlashInfer itself, where it is installed: is it what the stand-in says? Nothing needs a GPU."""

import inspect
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from runtime.attention.base import Span, SpanRow
from runtime.attention.flashinfer import Bucket, FlashInferAttention
from runtime.attention.flashinfer.kernels import Kernels
from runtime.attention.flashinfer.variant import JIT_KWARGS, NAME, TENSORS, jit_args
from runtime.model.rope import Rope
from tests.engine.stand_ins import FlashInferOnCpu, triton_
from tests.engine.stand_ins import flashinfer_ as stand_in
from tests.engine.tiny import CONFIG

flashinfer = pytest.importorskip("flashinfer")


@pytest.mark.parametrize("name", ["__init__", "plan", "run"])
def test_the_stand_in_takes_what_flashinfer_takes(name: str) -> None:
    """All arguments of the stand-in, with the same defaults; positional ones in the same order."""
    wrapper = flashinfer.BatchPrefillWithPagedKVCacheWrapper
    real = inspect.signature(inspect.unwrap(getattr(wrapper, name))).parameters
    ours = inspect.signature(getattr(stand_in.BatchPrefillWithPagedKVCacheWrapper, name)).parameters
    for parameter in ours.values():
        assert parameter.kind == real[parameter.name].kind
        assert parameter.default == real[parameter.name].default
    in_order = [p.name for p in ours.values() if p.kind == p.POSITIONAL_OR_KEYWORD]
    assert in_order == list(real)[: len(in_order)]


def test_our_variant_becomes_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flashinfer.jit import env  # pyright: ignore[reportMissingImports]
    from flashinfer.jit.attention.modules import (  # pyright: ignore[reportMissingImports]
        gen_customize_batch_prefill_module,
    )

    monkeypatch.setenv("FLASHINFER_CUDA_ARCH_LIST", "9.0a")
    monkeypatch.setattr(env, "FLASHINFER_GEN_SRC_DIR", tmp_path)
    args = jit_args(torch.bfloat16, 128)
    gen_customize_batch_prefill_module("fa2", *args, **JIT_KWARGS)
    config = (tmp_path / str(args[0]) / "batch_prefill_config.inc").read_text()
    assert f"using AttentionVariant = {NAME}" in config
    for tensor in TENSORS:
        assert f"int32_t* {tensor};" in config


class CompiledModule:
    """What FlashInfer compiles for us, as far as its Python calls it: planned and run by hand."""

    CUSTOM_MASK, NHD, NO_WINDOW = 2, 0, -1

    def plan(self, *args: Any) -> list[int]:
        float_room, int_room, _, line_starts, page_starts, n_keys, n_lines, n_requests = args[:8]
        assert float_room.dtype == int_room.dtype == torch.uint8
        for host in (line_starts, page_starts, n_keys):
            assert (host.device.type, host.dtype) == ("cpu", torch.int32)
        assert len(line_starts) == len(page_starts) == n_requests + 1
        assert int(line_starts[-1]) == n_lines
        self.uniform = args[19]
        return [0]

    def paged_run(self, *args: Any) -> None:
        q, keys, values, line_starts, page_starts, pages, in_last, out, lse = args[3:12]
        assert args[12:15] == (self.CUSTOM_MASK, self.NHD, self.NO_WINDOW)
        by_all, ends, scale = args[16:]
        assert scale == CONFIG.head_dim**-0.5
        wrapper = stand_in.BatchPrefillWithPagedKVCacheWrapper(
            torch.empty(0, dtype=torch.uint8),
            backend="fa2",
            jit_args=jit_args(q.dtype, q.shape[2]),
            jit_kwargs=JIT_KWARGS,
            variant_owns_mask=True,
        )
        shape = q.shape[1], keys.shape[2], q.shape[2], keys.shape[1]
        dtypes = {f"{name}_data_type": q.dtype for name in ("q", "kv", "o")}
        n_pages = int(page_starts[-1])
        wrapper.plan(line_starts, page_starts, pages[:n_pages], in_last, *shape, **dtypes)
        wrapper.run(q, (keys, values), by_all, ends, out=out, lse=lse, return_lse=True)


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> Kernels:
    """FlashInfer's own Python above a module that was not compiled."""
    empty = torch.empty
    monkeypatch.setattr(torch, "empty", lambda *a, pin_memory=False, **k: empty(*a, **k))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (9, 0))
    module = CompiledModule()
    monkeypatch.setattr(
        "flashinfer.prefill.get_batch_prefill_jit_module", lambda name, module: module
    )
    monkeypatch.setattr(
        "flashinfer.prefill.get_customize_batch_prefill_module",
        lambda backend, *args, **settings: SimpleNamespace(
            plan=module.plan, paged_run=module.paged_run
        ),
    )
    place: dict[str, Any] = {"device": torch.device("cpu"), "dtype": torch.float16}
    return Kernels(CONFIG, Rope(CONFIG.rope, 8), flashinfer=flashinfer, small=triton_, **place)


@pytest.mark.parametrize("in_bucket", [False, True])
def test_flashinfers_own_python_passes_on_what_we_give_it(
    kernels: Kernels, in_bucket: bool
) -> None:
    place: dict[str, Any] = {"device": torch.device("cpu"), "dtype": torch.float16}
    ours = FlashInferAttention(CONFIG, Rope(CONFIG.rope, 8), 320, kernels=kernels, **place)
    other = FlashInferOnCpu(CONFIG, Rope(CONFIG.rope, 8), 320, **place)
    if in_bucket:
        ours.use_buckets([Bucket(n_tokens=2, n_requests=5, n_lines_each=2)])
    for length in (1, 5, 40):
        a, b, shared = Span(160, length, 0), Span(200, length, 9), Span(3, 60, 0)
        rows = [SpanRow([shared, b, a], 60 + 2 * length, 1), SpanRow([a, b], 2 * length, 1)]
        q, k, v = (_draw(n, seed) for seed, n in enumerate((4, 2, 2)))
        step = ours.prepare(rows)
        assert (step.bucket is not None) == in_bucket
        found = ours.attend(step, 0, q, k, v)
        torch.testing.assert_close(found, other.attend(other.prepare(rows), 0, q, k, v))


def _draw(n_heads: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, n_heads, CONFIG.head_dim, generator=generator).half()
