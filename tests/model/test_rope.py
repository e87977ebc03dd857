"""Rotary positions: frequencies as transformers has them, and what shifting relies on."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from runtime.model import Rope, RopeSettings
from runtime.model.config import model_config
from runtime.model.rope import inverse_frequencies

PUBLISHED: dict[str, dict[str, Any]] = {
    "Llama 3.1": {
        "rope_type": "llama3",
        "rope_theta": 500000.0,
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    },
    "Llama 3.2": {
        "rope_type": "llama3",
        "rope_theta": 500000.0,
        "factor": 32.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    },
    "Qwen 2.5, stretched": {
        "rope_type": "yarn",
        "rope_theta": 1e6,
        "factor": 4.0,
        "original_max_position_embeddings": 32768,
    },
    "yarn with every setting": {
        "rope_type": "yarn",
        "rope_theta": 1e4,
        "factor": 40.0,
        "original_max_position_embeddings": 4096,
        "beta_fast": 24.0,
        "beta_slow": 2.0,
        "mscale": 0.707,
        "mscale_all_dim": 1.0,
        "truncate": False,
    },
    "a ramp of no width": {
        "rope_type": "yarn",
        "rope_theta": 1e4,
        "factor": 2.0,
        "original_max_position_embeddings": 6,
    },
    "linear": {"rope_type": "linear", "rope_theta": 1e4, "factor": 3.0},
}
positions = st.integers(-200_000, 200_000)


def read(rope: dict[str, Any], head_dim: int = 128) -> RopeSettings:
    settings = {
        "architectures": ["LlamaForCausalLM"],
        "vocab_size": 8,
        "hidden_size": head_dim,
        "intermediate_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "max_position_embeddings": 131072,
    }
    return model_config(settings | {"rope_parameters": rope}).rope


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("head_dim", [64, 128])
def test_frequencies_and_scaling_are_those_of_transformers(name: str, head_dim: int) -> None:
    rope = PUBLISHED[name]
    theirs = LlamaConfig(
        hidden_size=head_dim,
        num_attention_heads=1,
        max_position_embeddings=131072,
        rope_parameters=dict(rope),
    )
    make: Any = ROPE_INIT_FUNCTIONS[rope["rope_type"]]
    expected, scaling = make(theirs, torch.device("cpu"))
    ours = read(rope, head_dim)
    found = inverse_frequencies(ours, head_dim)
    torch.testing.assert_close(found, expected.double(), rtol=5e-6, atol=0)
    assert ours.attention_scaling == pytest.approx(scaling, rel=1e-12)


@given(p=positions, j=positions, base=positions)
def test_a_score_depends_on_the_distance_only(p: int, j: int, base: int) -> None:
    rope = Rope(RopeSettings(theta=1e4), 64)
    q, k = torch.randn(2, 64, generator=torch.manual_seed(0))

    def score(q_position: int, k_position: int) -> float:
        at = torch.tensor([q_position, k_position])
        cos, sin = rope.cos_sin(at, torch.float32)
        return float(rope.rotate(q, cos[0], sin[0]) @ rope.rotate(k, cos[1], sin[1]))

    assert score(p, j) == pytest.approx(score(p - j + base, base), abs=1e-4)


@given(position=st.integers(-(2**40), 2**40))
def test_angles_are_exact_at_any_position(position: int) -> None:
    rope = Rope(RopeSettings(theta=1e4), 4)
    cos, sin = rope.cos_sin(torch.tensor(position), torch.float64)
    for pair, frequency in enumerate((1.0, 0.01)):
        assert cos[pair] == pytest.approx(math.cos(position * frequency), abs=1e-5)
        assert sin[pair] == pytest.approx(math.sin(position * frequency), abs=1e-5)


def test_turning_back_by_a_negative_position_gives_the_vector_again() -> None:
    rope = Rope(RopeSettings(), 32)
    x = torch.randn(5, 3, 32, generator=torch.manual_seed(0))
    there = rope.cos_sin(torch.arange(5)[:, None] * 1000, torch.float32)
    back = rope.cos_sin(torch.arange(5)[:, None] * -1000, torch.float32)
    torch.testing.assert_close(rope.rotate(rope.rotate(x, *there), *back), x, rtol=0, atol=1e-5)


def test_halves_of_a_head_are_pairs() -> None:
    rope = Rope(RopeSettings(theta=1e4), 4)
    cos, sin = rope.cos_sin(torch.tensor(1), torch.float64)
    turned = rope.rotate(torch.tensor([1.0, 0, 0, 0], dtype=torch.float64), cos, sin)
    expected = torch.tensor([math.cos(1), 0, math.sin(1), 0], dtype=torch.float64)
    torch.testing.assert_close(turned, expected)


def test_the_scaling_of_yarn_is_in_queries_and_keys() -> None:
    settings = read(PUBLISHED["Qwen 2.5, stretched"], 64)
    assert settings.attention_scaling == pytest.approx(0.1 * math.log(4) + 1)
    rope, x = Rope(settings, 64), torch.ones(64)
    cos, sin = rope.cos_sin(torch.tensor(17), torch.float32)
    turned = rope.rotate(x, cos, sin)
    assert float(turned @ turned) == pytest.approx(64 * settings.attention_scaling**2, rel=1e-5)


def test_cosines_have_the_shape_of_the_positions() -> None:
    cos, sin = Rope(RopeSettings(), 8).cos_sin(torch.zeros(2, 3, dtype=torch.int64), torch.bfloat16)
    assert cos.shape == sin.shape == (2, 3, 8)
    assert cos.dtype == sin.dtype == torch.bfloat16


def test_a_rope_says_what_it_is() -> None:
    assert repr(Rope(RopeSettings(), 8)) == "<Rope default, theta 10000, head_dim 8>"
