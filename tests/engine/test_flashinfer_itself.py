"""FlashInfer itself, where it is installed: is it what the stand-in says? Nothing needs a GPU."""

import inspect
from pathlib import Path

import pytest
import torch

from runtime.attention.flashinfer.variant import JIT_KWARGS, NAME, TENSORS, jit_args
from tests.engine.stand_ins import flashinfer_ as stand_in

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
