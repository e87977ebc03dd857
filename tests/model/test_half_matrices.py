"""Matrices that are kept in float16 and multiplied in float32."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import linear

from hogdsl.errors import ModelError
from runtime.checkpoint import random_transformer
from runtime.model import products
from runtime.model.config import ModelConfig
from runtime.model.products import HALF_ENGINES, HalfMatrix, check_weights, packed, product
from runtime.model.transformer import Transformer

CONFIG = ModelConfig(
    architecture="LlamaForCausalLM",
    n_layers=2,
    width=32,
    n_heads=4,
    n_kv_heads=2,
    head_dim=8,
    mlp_width=48,
    n_vocab=50,
    context_length=128,
)
CPU = torch.device("cpu")

needs_fbgemm = pytest.mark.skipif(
    torch.backends.quantized.engine not in HALF_ENGINES, reason="this torch has no FBGEMM"
)


@pytest.fixture(autouse=True)
def _packs_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "PACKED_ENTRIES_LEAST", 0)


def drawn(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def logits(model: Transformer, *tokens: int) -> Tensor:
    """Of a model whose streams see nothing: attention gives each query back."""
    return model.logits(model.hidden(torch.tensor(tokens), lambda layer, q, k, v: q))


@needs_fbgemm
@pytest.mark.parametrize("n", [0, 1, 2, 4, 7, 33])
def test_a_product_is_that_with_the_matrix_rounded_to_float16(n: int) -> None:
    matrix, bias, x = drawn(50, 32), drawn(50, seed=2), drawn(n, 32, seed=3)
    half, rounded = packed(matrix, half=True), matrix.half().float()
    assert isinstance(half, HalfMatrix)
    torch.testing.assert_close(half.to_dense(), rounded, rtol=0, atol=0)
    torch.testing.assert_close(product(x, half), linear(x, rounded))
    torch.testing.assert_close(product(x, half, bias), linear(x, rounded, bias))


@needs_fbgemm
def test_a_row_gives_the_same_alone_and_among_others() -> None:
    half, x = packed(drawn(50, 32), half=True), drawn(9, 32, seed=2)
    together = product(x, half)
    alone = [product(row, half) for row in x.split(1)]
    torch.testing.assert_close(torch.cat(alone), together, rtol=0, atol=0)


@needs_fbgemm
def test_what_was_in_bfloat16_is_not_changed() -> None:
    matrix = drawn(50, 32).bfloat16().float()
    assert matrix.abs().min() > torch.finfo(torch.float16).tiny
    half = packed(matrix, half=True)
    assert isinstance(half, HalfMatrix)
    torch.testing.assert_close(half.to_dense(), matrix, rtol=0, atol=0)


@needs_fbgemm
def test_a_matrix_beyond_the_range_of_float16_stays_in_float32() -> None:
    matrix = drawn(50, 32)
    matrix[3, 4] = 70_000.0
    x = torch.eye(32)[4:5]
    assert product(x, packed(matrix, half=True))[0, 3] == 70_000.0


@needs_fbgemm
@torch.inference_mode()
def test_a_model_with_half_matrices_gives_nearly_the_same_logits() -> None:
    plain, half = (random_transformer(CONFIG, seed=2, half=half) for half in (False, True))
    assert isinstance(half.weights.head, HalfMatrix)
    assert all(isinstance(layer.down, HalfMatrix) for layer in half.weights.layers)
    expected = logits(plain, 7, 3, 11)
    error = (logits(half, 7, 3, 11) - expected).abs().max()
    assert 0 < error < 5e-3 * expected.std()


@needs_fbgemm
@torch.inference_mode()
def test_an_embedding_that_is_the_head_is_kept_for_looking_up() -> None:
    config = replace(CONFIG, tie_embeddings=True)
    plain, half = (random_transformer(config, seed=2, half=half) for half in (False, True))
    assert isinstance(half.weights.head, HalfMatrix)
    torch.testing.assert_close(half.weights.embedding, plain.weights.embedding, rtol=0, atol=0)
    torch.testing.assert_close(logits(half, 7, 3), logits(plain, 7, 3), rtol=0, atol=1e-2)


@pytest.mark.parametrize(
    ("weights", "device", "dtype", "says"),
    [
        ("int3", "cpu", torch.float32, "must be 'float16', or left out, found 'int3'"),
        ("float16", "cuda", torch.float32, "on a CPU, found float32 on cuda"),
        ("float16", "cpu", torch.bfloat16, "found bfloat16 on cpu. Leave it out"),
    ],
)
def test_what_cannot_be_is_refused(
    weights: str, device: str, dtype: torch.dtype, says: str
) -> None:
    with pytest.raises(ModelError, match=says):
        check_weights(weights, torch.device(device), dtype)


def test_a_machine_without_the_library_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "HALF_ENGINES", ())
    check_weights(None, CPU, torch.float32)
    with pytest.raises(ModelError, match="needs FBGEMM"):
        check_weights("float16", CPU, torch.float32)
