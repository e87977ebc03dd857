"""Our Triton kernels against their stand-ins: on a GPU, or by Triton's interpreter."""

import os
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

import pytest
import torch
from torch import Tensor

from runtime.attention.flashinfer.layout import NO_SLOT
from runtime.attention.flashinfer.upload import DeviceNumbers
from runtime.model.rope import Rope, RopeSettings
from tests.engine.stand_ins import triton_ as stand_in

pytest.importorskip("triton")
CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if CUDA else "cpu")
SETTINGS = RopeSettings(theta=10_000.0, attention_scaling=1.25)
N, N_LINES, HEAD_DIM = 5, 9, 64


@pytest.fixture(scope="module")
def kernels() -> Iterator[ModuleType]:
    """The module with the kernels; without a GPU, made for Triton's interpreter."""
    with pytest.MonkeyPatch.context() as patch:
        if not CUDA:
            patch.setitem(os.environ, "TRITON_INTERPRET", "1")
        yield import_module("runtime.attention.flashinfer.triton_")


def draw(*shape: int, seed: int, dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator).to(DEVICE, dtype)


def numbers() -> DeviceNumbers:
    """Lines in no order; a token that has no parts and no slot, as padding has."""
    ints = {
        "tokens": [0, 3, 1, 1, 2, 0, 3, 0, 2],
        "turns": [0, 7, -5, 131_071, 12, 3, -131_072, 40_000, 1],
        "seen_ends": [4] * N_LINES,
        "seen_by_all": [[0, 4]] * 3,
        "part_starts": [0, 3, 5, 7, 9, 9],
        "parts": [0, 5, 7, 2, 3, 4, 8, 1, 6],
        "new_slots": [33, 2, 47, 0, NO_SLOT],
        "new_positions": [131_071, 0, -9, 100, 0],
        "pages": [0, 1, 2],
    }
    tensors = {k: torch.tensor(v, dtype=torch.int32, device=DEVICE) for k, v in ints.items()}
    return DeviceNumbers(**tensors)


@pytest.mark.parametrize("heads", [(4, 2), (20, 5), (12, 12)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_queries_and_keys_are_rotated_as_by_the_stand_in(
    kernels: ModuleType, heads: tuple[int, int], dtype: torch.dtype
) -> None:
    n_heads, n_kv_heads = heads
    product = draw(N, n_heads + 2 * n_kv_heads, HEAD_DIM, seed=1, dtype=dtype)
    parts = product.split([n_heads, n_kv_heads, n_kv_heads], dim=1)
    rope = Rope(SETTINGS, HEAD_DIM, device=DEVICE)
    results = []
    for module in (kernels, stand_in):
        queries = torch.full((N_LINES, n_heads, HEAD_DIM), 9.0, dtype=dtype, device=DEVICE)
        keys, values = torch.zeros(2, 3, 16, n_kv_heads, HEAD_DIM, dtype=dtype, device=DEVICE)
        turns = module.Turns(rope, DEVICE)
        module.rotate_and_append(turns, numbers(), *parts, queries, keys, values)
        results.append((queries, keys, values))
    apart = {torch.float32: 2e-5, torch.float16: 4e-3}[dtype]
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=apart)


@pytest.mark.parametrize("n_heads", [1, 8, 20])
def test_parts_are_merged_as_by_the_stand_in(kernels: ModuleType, n_heads: int) -> None:
    found = draw(N_LINES, n_heads, HEAD_DIM, seed=2)
    weights = 30 * draw(N_LINES, n_heads, seed=3)
    outs = []
    for module in (kernels, stand_in):
        out = torch.full((N, n_heads, HEAD_DIM), 9.0, device=DEVICE)
        module.merge(numbers(), found, weights, out)
        outs.append(out)
    torch.testing.assert_close(*outs, rtol=0, atol=1e-5)
    assert not outs[0][4].any()


def test_a_part_that_saw_nothing_weighs_nothing(kernels: ModuleType) -> None:
    found = draw(N_LINES, 2, HEAD_DIM, seed=4)
    weights = draw(N_LINES, 2, seed=5)
    weights[[0, 5, 2, 8]] = -torch.inf
    out = torch.empty(N, 2, HEAD_DIM, device=DEVICE)
    kernels.merge(numbers(), found, weights, out)
    torch.testing.assert_close(out[0], found[7])
    torch.testing.assert_close(out[1], found[3])
    torch.testing.assert_close(out[2], found[4])


def test_results_are_rounded_once_to_the_type_of_the_model(kernels: ModuleType) -> None:
    found = draw(N_LINES, 2, HEAD_DIM, seed=6, dtype=torch.float16)
    weights = draw(N_LINES, 2, seed=7)
    out = torch.empty(N, 2, HEAD_DIM, dtype=torch.float16, device=DEVICE)
    exact = torch.empty(N, 2, HEAD_DIM, dtype=torch.float64, device=DEVICE)
    kernels.merge(numbers(), found, weights, out)
    stand_in.merge(numbers(), found.double(), weights.double(), exact)
    torch.testing.assert_close(out.double(), exact, rtol=2**-11, atol=1e-7)


def test_a_step_of_one_line_and_one_token_is_no_special_case(kernels: ModuleType) -> None:
    names = "tokens", "turns", "new_slots", "new_positions"
    one = numbers()._replace(**{name: getattr(numbers(), name)[:1] for name in names})
    q, k, v = (draw(1, h, HEAD_DIM, seed=8 + h) for h in (4, 2, 2))
    rope = Rope(SETTINGS, HEAD_DIM, device=DEVICE)
    results = []
    for module in (kernels, stand_in):
        queries = torch.zeros(1, 4, HEAD_DIM, device=DEVICE)
        keys, values = torch.zeros(2, 3, 16, 2, HEAD_DIM, device=DEVICE)
        module.rotate_and_append(module.Turns(rope, DEVICE), one, q, k, v, queries, keys, values)
        results.append(torch.cat((queries.flatten(), keys.flatten(), values.flatten())))
    torch.testing.assert_close(*results, rtol=0, atol=2e-5)
