"""The fused kernels stand where torch's do. No GPU here: a stand-in computes what is documented."""

import sys
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from runtime.checkpoint import random_transformer
from runtime.model.kernels import FlashInferKernels, TorchKernels
from tests.model.test_transformer import CONFIG
from tests.model.tiny_checkpoints import causal_attend

TOKENS = torch.arange(9)


def rmsnorm(input: Tensor, weight: Tensor, eps: float = 1e-6, out: Tensor | None = None) -> Tensor:
    assert input.stride(-1) == 1
    assert input.dim() == 3 or input.is_contiguous()
    assert weight.shape == input.shape[-1:]
    exact = input.double()
    normed = (exact / (exact.square().mean(-1, keepdim=True) + eps).sqrt() * weight).to(input.dtype)
    return normed if out is None else out.copy_(normed)


def fused_add_rmsnorm(input: Tensor, residual: Tensor, weight: Tensor, eps: float = 1e-6) -> None:
    assert input.is_contiguous()
    assert residual.is_contiguous()
    residual += input
    input.copy_(rmsnorm(residual, weight, eps))


def silu_and_mul(input: Tensor) -> Tensor:
    assert input.is_contiguous()
    gate, up = input.double().tensor_split(2, dim=-1)
    return (gate / (1 + (-gate).exp()) * up).to(input.dtype)


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> FlashInferKernels:
    stand_in = SimpleNamespace(
        rmsnorm=rmsnorm, fused_add_rmsnorm=fused_add_rmsnorm, silu_and_mul=silu_and_mul
    )
    monkeypatch.setitem(sys.modules, "flashinfer", stand_in)
    return FlashInferKernels()


def test_a_model_gives_the_same_logits_with_fused_kernels(kernels: FlashInferKernels) -> None:
    model = random_transformer(CONFIG, seed=1)
    attend = causal_attend(model.rope)
    expected = model.logits(model.hidden(TOKENS, attend))
    model.kernels = kernels
    torch.testing.assert_close(model.logits(model.hidden(TOKENS, attend)), expected)


def test_the_sum_with_the_residual_stream_is_left_in_it() -> None:
    x, added = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(1))
    expected = x + added
    TorchKernels().add_norm(x, added, torch.ones(8), 1e-6)
    assert torch.equal(x, expected)


def test_a_forward_pass_leaves_the_embedding_as_it_is() -> None:
    model = random_transformer(CONFIG, seed=1)
    before = model.weights.embedding[TOKENS].clone()
    model.hidden(TOKENS, causal_attend(model.rope))
    assert torch.equal(model.weights.embedding[TOKENS], before)


def assert_close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=2e-2, atol=2e-2)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_on_a_gpu_fused_kernels_agree_with_torch(dtype: torch.dtype) -> None:
    pytest.importorskip("flashinfer")
    generator = torch.Generator("cuda").manual_seed(1)
    x, added = torch.randn(2, 5, 4096, generator=generator, device="cuda").to(dtype)
    weight = torch.randn(4096, generator=generator, device="cuda").to(dtype)
    plain, fused = TorchKernels(), FlashInferKernels()
    assert_close(fused.norm(x, weight, 1e-6), plain.norm(x, weight, 1e-6))
    assert_close(fused.gated(x), plain.gated(x))
    heads = x.view(5, 32, 128)[:, :24]
    per_head = weight[:256].view(2, 128).repeat_interleave(torch.tensor([16, 8]).cuda(), dim=0)
    expected = plain.head_norm(heads, per_head, 16, 1e-6)
    assert_close(fused.head_norm(heads.clone(), per_head, 16, 1e-6), expected)
    sums = x.clone(), x.clone()
    normed = [
        kernels.add_norm(total, added.clone(), weight, 1e-6)
        for kernels, total in zip((plain, fused), sums, strict=True)
    ]
    assert_close(normed[1], normed[0])
    assert_close(sums[1], sums[0])
