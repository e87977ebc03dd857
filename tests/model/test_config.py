"""What is read from a config.json, and what is refused."""

import re
from typing import Any

import pytest

from hogdsl.errors import ModelError
from runtime.model import KNOWN_ARCHITECTURES, ModelConfig, RopeSettings, model_config

YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}


def data(architecture: str = "LlamaForCausalLM", **settings: object) -> dict[str, Any]:
    return {
        "architectures": [architecture],
        "vocab_size": 100,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "sliding_window": None,
    } | settings


def test_a_config_is_read_whole() -> None:
    found = model_config(
        data("Qwen3ForCausalLM", head_dim=32, rms_norm_eps=1e-5, tie_word_embeddings=True)
        | {"rope_theta": 1e6, "torch_dtype": "bfloat16"}
    )
    assert found == ModelConfig(
        architecture="Qwen3ForCausalLM",
        n_layers=2,
        width=64,
        n_heads=4,
        n_kv_heads=2,
        head_dim=32,
        mlp_width=128,
        n_vocab=100,
        context_length=256,
        norm_eps=1e-5,
        tie_embeddings=True,
        qk_norm=True,
        rope=RopeSettings(theta=1e6),
        stored_dtype="bfloat16",
    )


def test_what_tells_the_families_apart_is_data() -> None:
    flags = {
        name: (config.qk_norm, config.qkv_bias, config.out_bias, config.mlp_bias)
        for name in KNOWN_ARCHITECTURES
        for config in [model_config(data(name, attention_bias=True, mlp_bias=True))]
    }
    assert flags == {
        "Qwen3ForCausalLM": (True, True, True, False),
        "Qwen2ForCausalLM": (False, True, False, False),
        "LlamaForCausalLM": (False, True, True, True),
        "MistralForCausalLM": (False, False, False, False),
    }


def test_what_the_format_leaves_out_has_the_formats_defaults() -> None:
    plain = data()
    for name in ("num_key_value_heads", "sliding_window"):
        del plain[name]
    found = model_config(plain)
    assert (found.n_kv_heads, found.head_dim) == (4, 16)
    assert found.rope == RopeSettings(theta=10_000.0)
    assert model_config(data("Qwen3ForCausalLM")).head_dim == 128
    assert model_config(data(head_dim=None)).head_dim == 16


def test_both_spellings_of_rope_give_the_same_settings() -> None:
    scaling = {key: value for key, value in YARN.items() if key != "rope_type"}
    new = model_config(data(rope_parameters=YARN | {"rope_theta": 5e5}))
    old = model_config(data(rope_theta=5e5, rope_scaling=scaling | {"rope_type": "yarn"}))
    oldest = model_config(data(rope_theta=5e5, rope_scaling=scaling | {"type": "yarn"}))
    assert new.rope == old.rope == oldest.rope
    assert new.rope.kind == "yarn"
    assert new.rope.theta == 5e5


def test_a_yarn_config_that_kept_the_old_length_gets_the_stretched_one() -> None:
    kept = data(max_position_embeddings=64, rope_parameters=YARN)
    assert model_config(kept).context_length == 256
    stretched = data(max_position_embeddings=256, rope_parameters=YARN)
    assert model_config(stretched).context_length == 256


def test_the_old_length_of_llama3_is_the_context_if_it_is_not_given() -> None:
    found = model_config(data(rope_parameters=LLAMA3)).rope
    assert found.original_context == 256


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("dynamic", "dynamic NTK"),
        ("longrope", "LongRoPE"),
        ("su", "LongRoPE"),
        ("mrope", "not known to be"),
        ("proportional", "not known to be"),
    ],
)
def test_a_rope_that_cannot_be_shifted_is_refused_by_name(kind: str, why: str) -> None:
    for spelling in ("rope_parameters", "rope_scaling"):
        rope = {"rope_type": kind, "factor": 2.0}
        with pytest.raises(ModelError, match=f"{spelling}: the RoPE type '{kind}'.*{why}"):
            model_config(data() | {spelling: rope})


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown architecture": (
        data("GPT2LMHeadModel"),
        "'GPT2LMHeadModel' is not known. Known are Qwen3ForCausalLM, Qwen2ForCausalLM",
    ),
    "no architecture": (data() | {"architectures": None}, "'architectures' must name the one"),
    "missing width": (data(hidden_size=None), "'hidden_size' is missing"),
    "width of text": (data(hidden_size="64"), "'hidden_size' must be a whole number"),
    "no layers": (data(num_hidden_layers=0), "'num_hidden_layers' must be a whole number"),
    "layers true": (data(num_hidden_layers=True), "'num_hidden_layers' must be a whole number"),
    "negative eps": (data(rms_norm_eps=-1), "'rms_norm_eps' must be a number greater than 0"),
    "tied maybe": (data(tie_word_embeddings="yes"), "'tie_word_embeddings' must be true or false"),
    "dtype of number": (data(torch_dtype=16), "'torch_dtype' must be a string, found 16"),
    "heads do not divide": (
        data(num_key_value_heads=3),
        "'num_attention_heads' must be a multiple of 'num_key_value_heads', found 4 and 3",
    ),
    "odd head": (data(head_dim=15), "'head_dim' must be even to be rotated, found 15"),
    "activation": (data(hidden_act="gelu"), "'hidden_act' is 'gelu'"),
    "quantised": (data(quantization_config={"quant_method": "awq"}), "is quantised"),
    "mistral window": (
        data("MistralForCausalLM", sliding_window=4096),
        "'sliding_window' is 4096 tokens and on.*set it to null",
    ),
    "qwen window": (
        data("Qwen2ForCausalLM", sliding_window=4096, use_sliding_window=True),
        "'sliding_window' is 4096 tokens and on.*set 'use_sliding_window' to false",
    ),
    "windowed layers": (
        data(layer_types=["full_attention", "sliding_attention"]),
        "'layer_types' has layers of kind sliding_attention",
    ),
    "rope per layer type": (
        data(rope_parameters={"full_attention": {"rope_type": "default"}}),
        r"different RoPE settings per layer type \(full_attention\)",
    ),
    "rope of text": (data(rope_scaling="yarn"), "'rope_scaling' must be an object"),
    "partial rotation": (
        data(partial_rotary_factor=0.5),
        "'partial_rotary_factor' is 0.5; only a rotation of the whole head",
    ),
    "partial rotation inside": (
        data(rope_parameters={"rope_type": "default", "partial_rotary_factor": 0.5}),
        "rope_parameters: 'partial_rotary_factor' is 0.5",
    ),
    "linear without factor": (
        data(rope_parameters={"rope_type": "linear"}),
        "rope_parameters: 'factor' is missing",
    ),
    "llama3 ramp": (
        data(rope_parameters=LLAMA3 | {"high_freq_factor": 1.0}),
        "'low_freq_factor' must be less than 'high_freq_factor', found 1.0 and 1.0",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_run_faithfully_is_refused(case: str) -> None:
    settings, message = REFUSED[case]
    with pytest.raises(ModelError, match=message) as caught:
        model_config(settings, source="there/config.json")
    assert str(caught.value).startswith("there/config.json: ")


def test_a_missing_window_of_mistral_is_a_window() -> None:
    settings = data("MistralForCausalLM")
    del settings["sliding_window"]
    with pytest.raises(ModelError, match=re.escape("'sliding_window' is 4096 tokens and on")):
        model_config(settings)


def test_a_window_that_is_switched_off_is_no_window() -> None:
    settings = data("Qwen2ForCausalLM", sliding_window=4096, use_sliding_window=False)
    assert model_config(settings).architecture == "Qwen2ForCausalLM"
