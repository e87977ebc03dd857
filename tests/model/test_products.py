"""Matrices that oneDNN packs, where there is no compiler, and products with them."""

import pytest
import torch
from torch import Tensor

from runtime.checkpoint import random_transformer
from runtime.model import products
from runtime.model.config import ModelConfig
from runtime.model.matrices import Matrix, TiledMatrix
from runtime.model.products import product
from runtime.model.weights import Weights, empty_weights, pack

CONFIG = ModelConfig(
    architecture="Qwen2ForCausalLM",
    n_layers=2,
    width=32,
    n_heads=4,
    n_kv_heads=2,
    head_dim=8,
    mlp_width=48,
    n_vocab=50,
    context_length=128,
    qkv_bias=True,
)

needs_onednn = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN"
)


@pytest.fixture(autouse=True)
def _no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TiledMatrix, "needs", lambda: "a compiler")


@pytest.fixture
def packs_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "PACKED_ENTRIES_LEAST", 0)


def weights_of(dtype: torch.dtype = torch.float32) -> Weights:
    """Weights that are not packed yet."""
    generator = torch.Generator().manual_seed(3)
    weights = empty_weights(CONFIG, device=torch.device("cpu"), dtype=dtype)
    for layer in weights.layers:
        for matrix in (layer.qkv, layer.out, layer.gate_up, layer.down):
            draw(matrix, generator)
    draw(weights.head, generator)
    return weights


def draw(matrix: Matrix, generator: torch.Generator) -> None:
    assert isinstance(matrix, torch.Tensor)
    matrix.copy_(torch.randn(matrix.shape, generator=generator))


def matrices_of(weights: Weights) -> list[Matrix]:
    by_layer = [[w.qkv, w.out, w.gate_up, w.down] for w in weights.layers]
    return [weights.head, *(matrix for layer in by_layer for matrix in layer)]


def tensors_of(weights: Weights) -> list[torch.Tensor]:
    """The matrices, of which none is in float16."""
    found = [m for m in matrices_of(weights) if isinstance(m, torch.Tensor)]
    assert len(found) == len(matrices_of(weights))
    return found


@needs_onednn
@pytest.mark.usefixtures("packs_all")
@torch.inference_mode()
def test_a_packed_matrix_gives_what_a_plain_one_gives() -> None:
    generator = torch.Generator().manual_seed(4)
    plain, others = tensors_of(weights_of()), weights_of()
    pack(others)
    for matrix, other in zip(plain, tensors_of(others), strict=True):
        assert other.is_mkldnn
        bias = torch.randn(len(matrix), generator=generator)
        for n in (0, 1, 2, 4, 7, 33):
            x = torch.randn(n, matrix.shape[1], generator=generator)
            torch.testing.assert_close(product(x, other, bias), product(x, matrix, bias))
            torch.testing.assert_close(product(x, other), product(x, matrix))


@needs_onednn
@torch.inference_mode()
def test_a_model_with_packed_matrices_gives_the_same_logits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokens = torch.tensor([7, 3, 11])
    logits: list[torch.Tensor] = []
    for least in (1 << 60, 0):
        monkeypatch.setattr(products, "PACKED_ENTRIES_LEAST", least)
        model = random_transformer(CONFIG, seed=2)
        assert tensors_of(model.weights)[0].is_mkldnn == (least == 0)
        logits.append(model.logits(model.hidden(tokens, lambda layer, q, k, v: q)))
    torch.testing.assert_close(*logits)


@needs_onednn
@pytest.mark.usefixtures("packs_all")
def test_packed_matrices_can_be_unpacked() -> None:
    plain, others = weights_of(), weights_of()
    pack(others)
    pack(others)  # twice changes nothing
    for matrix, other in zip(tensors_of(plain), tensors_of(others), strict=True):
        torch.testing.assert_close(other.to_dense(), matrix, rtol=0, atol=0)


@pytest.mark.usefixtures("packs_all")
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_dtypes_stay_plain(dtype: torch.dtype) -> None:
    weights = weights_of(dtype)
    pack(weights)
    assert not any(matrix.is_mkldnn for matrix in tensors_of(weights))


def test_small_matrices_stay_plain() -> None:
    weights = weights_of()
    pack(weights)
    assert not any(matrix.is_mkldnn for matrix in tensors_of(weights))


@pytest.mark.usefixtures("packs_all")
def test_an_embedding_that_is_the_head_stays_plain() -> None:
    weights = weights_of()
    weights.head = weights.embedding
    pack(weights)
    assert weights.head is weights.embedding
    assert isinstance(weights.embedding, Tensor)
    assert not weights.embedding.is_mkldnn
