"""Tiny checkpoints with random weights, made by transformers itself: the truth for law 1."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

SHAPE: dict[str, Any] = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 56,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "initializer_range": 0.3,
    "rms_norm_eps": 1e-5,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
YARN = {
    "rope_type": "yarn",
    "rope_theta": 300.0,
    "factor": 4.0,
    "original_max_position_embeddings": 64,
}
FAMILIES: dict[str, tuple[Any, Any]] = {
    "qwen3": (Qwen3Config, Qwen3ForCausalLM),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM),
    "llama": (LlamaConfig, LlamaForCausalLM),
    "mistral": (MistralConfig, MistralForCausalLM),
}


@dataclass(frozen=True, kw_only=True)
class Tiny:
    """A checkpoint to make: a family, and what differs from `SHAPE`."""

    family: str
    settings: dict[str, Any] = field(default_factory=dict)
    rope: dict[str, Any] = field(default_factory=lambda: {"rope_type": "default"})
    old_spelling: bool = False
    """Write `rope_theta` and `rope_scaling` instead of `rope_parameters`."""
    sharded: bool = False


TINY = {
    "qwen3": Tiny(family="qwen3", settings={"head_dim": 16}),
    "qwen3-tied": Tiny(family="qwen3", settings={"head_dim": 8, "tie_word_embeddings": True}),
    "qwen3-bias": Tiny(family="qwen3", settings={"head_dim": 16, "attention_bias": True}),
    "qwen3-yarn": Tiny(family="qwen3", settings={"head_dim": 16}, rope=YARN),
    "qwen3-yarn-old": Tiny(family="qwen3", settings={"head_dim": 32}, rope=YARN, old_spelling=True),
    "qwen2": Tiny(family="qwen2"),
    "qwen2-tied-sharded": Tiny(
        family="qwen2", settings={"tie_word_embeddings": True}, sharded=True
    ),
    "qwen2-yarn-mscale": Tiny(
        family="qwen2",
        rope={**YARN, "mscale": 0.7, "mscale_all_dim": 1.2, "beta_fast": 16, "truncate": False},
        old_spelling=True,
    ),
    "qwen2-yarn-factor": Tiny(family="qwen2", rope={**YARN, "attention_factor": 1.7}),
    "llama": Tiny(family="llama"),
    "llama-old": Tiny(
        family="llama", rope={"rope_type": "default", "rope_theta": 77.0}, old_spelling=True
    ),
    "llama-llama3": Tiny(family="llama", settings={"head_dim": 24}, rope=LLAMA3),
    "llama-llama3-old-tied": Tiny(
        family="llama",
        settings={"head_dim": 24, "tie_word_embeddings": True},
        rope=LLAMA3,
        old_spelling=True,
    ),
    "llama-biases": Tiny(family="llama", settings={"attention_bias": True, "mlp_bias": True}),
    "llama-linear": Tiny(
        family="llama", rope={"rope_type": "linear", "factor": 2.5, "rope_theta": 1e4}
    ),
    "llama-linear-old": Tiny(
        family="llama",
        rope={"rope_type": "linear", "factor": 2.5, "rope_theta": 1e4},
        old_spelling=True,
    ),
    "mistral": Tiny(family="mistral", settings={"sliding_window": None}),
    "mistral-wide-sharded": Tiny(
        family="mistral", settings={"sliding_window": None, "head_dim": 16}, sharded=True
    ),
}


def make(tiny: Tiny, folder: Path) -> PreTrainedModel:
    """Save a checkpoint and give back transformers' own model of it (float32, eval)."""
    config_class, model_class = FAMILIES[tiny.family]
    torch.manual_seed(7)
    rope = {"rope_theta": 1000.0, **tiny.rope}
    config = config_class(**{**SHAPE, "rope_parameters": rope, **tiny.settings})
    model = model_class(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:  # norms would be all ones and biases all zero
                parameter.add_(torch.randn_like(parameter) * 0.3)
            assert torch.isfinite(parameter).all(), name
    model.save_pretrained(folder, max_shard_size="20KB" if tiny.sharded else "5GB")
    if tiny.old_spelling:
        edit_config(folder, **_old_spelling(rope), rope_parameters=None)
    return model


def _old_spelling(rope: dict[str, Any]) -> dict[str, Any]:
    scaling = {key: value for key, value in rope.items() if key not in ("rope_theta", "rope_type")}
    if rope["rope_type"] == "default":
        return {"rope_theta": rope["rope_theta"], "rope_scaling": None}
    # The oldest spelling of the kind, `type`, is in the wild with yarn.
    key = "type" if rope["rope_type"] == "yarn" else "rope_type"
    return {"rope_theta": rope["rope_theta"], "rope_scaling": {key: rope["rope_type"], **scaling}}


def edit_config(folder: Path, *, drop: tuple[str, ...] = (), **settings: object) -> None:
    """Change settings of a saved config.json."""
    path = folder / "config.json"
    data = json.loads(path.read_text()) | settings
    for name in drop:
        data.pop(name, None)
    path.write_text(json.dumps({key: value for key, value in data.items() if key not in drop}))


def causal_attend(rope: Any, dtype: torch.dtype = torch.float32) -> Any:
    """Dense causal attention over one sequence from position 0, for `Transformer.hidden`."""

    def attend(layer: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        n, n_heads, head_dim = q.shape
        cos, sin = rope.cos_sin(torch.arange(n)[:, None], dtype)
        q, k = rope.rotate(q, cos, sin), rope.rotate(k, cos, sin)
        k, v = (x.repeat_interleave(n_heads // k.shape[1], dim=1) for x in (k, v))
        scores = torch.einsum("qhd,khd->hqk", q, k) * head_dim**-0.5
        mask = torch.ones(n, n, dtype=torch.bool).triu(1)
        weights = scores.masked_fill(mask, float("-inf")).softmax(-1)
        return torch.einsum("hqk,khd->qhd", weights, v)

    return attend
