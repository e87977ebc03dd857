"""Matrices that are kept in fewer bits, and models with them."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import linear

from hogdsl.errors import ModelError
from runtime.checkpoint import random_transformer
from runtime.model import matrices, products
from runtime.model.config import ModelConfig
from runtime.model.matrices import ByteMatrix, HalfMatrix, Kept
from runtime.model.products import check_kept, packed, product
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
needs_half = pytest.mark.skipif(
    HalfMatrix.needs() is not None, reason=f"needs {HalfMatrix.needs()}"
)
needs_byte = pytest.mark.skipif(
    ByteMatrix.needs() is not None, reason=f"needs {ByteMatrix.needs()}"
)
each_kind = pytest.mark.parametrize(
    "kept", [pytest.param("float16", marks=needs_half), pytest.param("int8", marks=needs_byte)]
)


@pytest.fixture(autouse=True)
def _packs_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "PACKED_ENTRIES_LEAST", 0)


def drawn(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def logits(model: Transformer, *tokens: int) -> Tensor:
    """Of a model whose streams see nothing: attention gives each query back."""
    return model.logits(model.hidden(torch.tensor(tokens), lambda layer, q, k, v: q))


def rounded(matrix: Tensor) -> Tensor:
    """To 255 steps between the largest entry of each row and its negative."""
    scales = matrix.abs().amax(1, keepdim=True) / 127
    return (matrix / scales).round() * scales


# ---------------------------------------------------------------- products


@needs_half
@pytest.mark.parametrize("n", [0, 1, 2, 4, 7, 33])
def test_in_float16_a_product_is_that_with_the_rounded_matrix(n: int) -> None:
    matrix, bias, x = drawn(50, 32), drawn(50, seed=2), drawn(n, 32, seed=3)
    half = packed(matrix, "float16")
    assert isinstance(half, HalfMatrix)
    torch.testing.assert_close(half.to_dense(), matrix.half().float(), rtol=0, atol=0)
    torch.testing.assert_close(product(x, half), linear(x, half.to_dense()))
    torch.testing.assert_close(product(x, half, bias), linear(x, half.to_dense(), bias))


@needs_byte
@pytest.mark.parametrize("n", [0, 1, 2, 4, 7, 33])
def test_in_int8_a_product_is_that_with_rounded_matrix_and_rows(n: int) -> None:
    matrix, bias, x = drawn(50, 32), drawn(50, seed=2), drawn(n, 32, seed=3)
    x[:1] *= 1000  # a row is rounded by its own largest entry
    byte = packed(matrix, "int8")
    assert isinstance(byte, ByteMatrix)
    expected = linear(rounded(x), rounded(matrix))
    torch.testing.assert_close(product(x, byte), expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(product(x, byte, bias), expected + bias, rtol=1e-4, atol=1e-4)


@each_kind
def test_a_row_gives_the_same_alone_and_among_others(kept: Kept) -> None:
    matrix, x = packed(drawn(50, 32), kept), drawn(9, 32, seed=2)
    alone = [product(row, matrix) for row in x.split(1)]
    torch.testing.assert_close(torch.cat(alone), product(x, matrix), rtol=0, atol=0)


@each_kind
def test_a_row_of_zeros_gives_zeros(kept: Kept) -> None:
    matrix = drawn(50, 32)
    matrix[3] = 0
    assert not product(torch.zeros(2, 32), packed(matrix, kept)).any()
    assert not product(drawn(2, 32), packed(matrix, kept))[:, 3].any()


@needs_half
def test_what_was_in_bfloat16_loses_nothing_in_float16() -> None:
    matrix = drawn(50, 32).bfloat16().float()
    assert matrix.abs().min() > torch.finfo(torch.float16).tiny
    half = packed(matrix, "float16")
    assert isinstance(half, HalfMatrix)
    torch.testing.assert_close(half.to_dense(), matrix, rtol=0, atol=0)


@needs_half
def test_a_matrix_beyond_the_range_of_float16_stays_in_float32() -> None:
    matrix = drawn(50, 32)
    matrix[3, 4] = 70_000.0
    x = torch.eye(32)[4:5]
    assert product(x, packed(matrix, "float16"))[0, 3] == 70_000.0


# ---------------------------------------------------------------- models


@each_kind
@torch.inference_mode()
def test_a_model_gives_nearly_the_same_logits(kept: Kept) -> None:
    plain, smaller = (random_transformer(CONFIG, seed=2, kept=k) for k in (None, kept))
    kind, most = (HalfMatrix, 5e-3) if kept == "float16" else (ByteMatrix, 0.2)
    assert all(isinstance(layer.down, kind) for layer in smaller.weights.layers)
    expected = logits(plain, 7, 3, 11)
    error = (logits(smaller, 7, 3, 11) - expected).abs().max()
    assert 0 < error < most * expected.std()


@each_kind
@torch.inference_mode()
def test_an_embedding_that_is_the_head_is_kept_for_looking_up(kept: Kept) -> None:
    config = replace(CONFIG, tie_embeddings=True)
    plain, smaller = (random_transformer(config, seed=2, kept=k) for k in (None, kept))
    assert isinstance(smaller.weights.head, HalfMatrix)
    rows = torch.arange(config.n_vocab)
    assert torch.equal(smaller.weights.embedding[rows], plain.weights.embedding[rows])


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("weights", "device", "dtype", "says"),
    [
        ("int3", "cpu", torch.float32, "must be one of float16, int8, or left out, found 'int3'"),
        ("float16", "cuda", torch.float32, "on a CPU, found float32 on cuda. Leave it out"),
        ("int8", "cpu", torch.bfloat16, "weights='int8' is for .* found bfloat16 on cpu"),
    ],
)
def test_what_cannot_be_is_refused(
    weights: str, device: str, dtype: torch.dtype, says: str
) -> None:
    with pytest.raises(ModelError, match=says):
        check_kept(weights, torch.device(device), dtype)


@pytest.mark.parametrize(
    ("weights", "needed"), [("float16", "needs FBGEMM"), ("int8", "needs oneDNN and a processor")]
)
def test_a_machine_that_lacks_something_is_told_so(
    weights: str, needed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrices, "HALF_ENGINES", ())
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: False)
    assert check_kept(None, CPU, torch.float32) is None
    with pytest.raises(ModelError, match=needed):
        check_kept(weights, CPU, torch.float32)
