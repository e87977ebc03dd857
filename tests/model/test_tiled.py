"""Matrices in tiles: exact, whatever their shape, and the same for a row alone and among others."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import linear

from hogdsl.errors import EngineError
from runtime.checkpoint import random_transformer
from runtime.model import matrices, products
from runtime.model.matrices import TiledMatrix
from runtime.model.products import packed, product
from tests.engine.tiny import CONFIG


def drawn(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def tiled(matrix: Tensor) -> TiledMatrix:
    found = packed(matrix)
    assert isinstance(found, TiledMatrix)
    return found


SHAPES = [(16, 16), (96, 40), (50, 24), (7, 3), (1, 5), (130, 64)]


@pytest.mark.parametrize(("n_out", "n_in"), SHAPES)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 33, 70])
def test_a_product_is_that_with_the_matrix(n_out: int, n_in: int, n: int) -> None:
    matrix, bias, x = drawn(n_out, n_in), drawn(n_out, seed=2), drawn(n, n_in, seed=3)
    for exact in (matrix, matrix.bfloat16().float()):
        torch.testing.assert_close(product(x, tiled(exact)), linear(x, exact))
        torch.testing.assert_close(product(x, tiled(exact), bias), linear(x, exact, bias))


@pytest.mark.parametrize(("n_out", "n_in"), SHAPES)
def test_nothing_of_a_matrix_is_lost(n_out: int, n_in: int) -> None:
    for matrix in (drawn(n_out, n_in), drawn(n_out, n_in).bfloat16().float()):
        torch.testing.assert_close(tiled(matrix).to_dense(), matrix, rtol=0, atol=0)


@pytest.mark.parametrize(("n_out", "n_in"), SHAPES)
def test_rows_can_be_looked_up(n_out: int, n_in: int) -> None:
    matrix, rows = drawn(n_out, n_in), torch.tensor([n_out - 1, 0, n_out // 2, 0])
    for exact in (matrix, matrix.bfloat16().float()):
        assert torch.equal(tiled(exact)[rows], exact[rows])


def test_an_embedding_that_is_the_head_is_one_matrix_in_tiles() -> None:
    weights = random_transformer(replace(CONFIG, tie_embeddings=True), seed=1).weights
    assert isinstance(weights.embedding, TiledMatrix)
    assert weights.head is weights.embedding


def test_bfloat16_is_kept_only_if_all_entries_are_its_own() -> None:
    matrix = drawn(32, 16).bfloat16().float()
    assert tiled(matrix).tiles.dtype == torch.bfloat16
    matrix[3, 4] = 1.001
    assert tiled(matrix).tiles.dtype == torch.float32


def test_a_row_gives_the_same_to_the_last_bit_alone_and_among_others() -> None:
    """Law 6, also where many rows have the entries made wide for them."""
    x = drawn(70, 64)
    for matrix in (drawn(130, 64), drawn(130, 64).bfloat16().float()):
        among, by_itself = (
            product(x, tiled(matrix)),
            [product(row[None], tiled(matrix)) for row in x],
        )
        assert torch.equal(among, torch.cat(by_itself))


def test_rows_may_lie_anywhere() -> None:
    x, matrix = drawn(24, 9).T, drawn(20, 24)
    torch.testing.assert_close(product(x, tiled(matrix)), linear(x, matrix))


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("n", [1, 5, 200])
def test_threads_change_nothing(n: int) -> None:
    matrix, x = drawn(1000, 200), drawn(n, 200)
    shared = product(x, tiled(matrix))
    torch.set_num_threads(1)
    assert torch.equal(shared, product(x, tiled(matrix)))


def test_a_model_is_packed_whatever_the_size_of_its_matrices() -> None:
    layer = random_transformer(CONFIG, seed=2).weights.layers[0]
    assert all(
        isinstance(matrix, TiledMatrix)
        for matrix in (layer.qkv, layer.out, layer.gate_up, layer.down)
    )


def test_without_a_compiler_matrices_are_as_torch_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise EngineError("no C compiler here")

    monkeypatch.setattr(matrices, "load_library", fails)
    assert TiledMatrix.needs() == "no C compiler here"
    assert isinstance(packed(drawn(8, 8)), Tensor)
    monkeypatch.setattr(products, "PACKED_ENTRIES_LEAST", 0)
    assert isinstance(packed(drawn(8, 8)), Tensor)
