"""What a model is made of, as data.

The families that we run (Qwen3, Qwen2 and 2.5, Llama 3.x, dense Mistral) are one transformer. What
tells them apart stands in `ModelConfig` as plain fields, so the forward pass has no names of models
in it. `model_config` reads the dictionary of a Hugging Face `config.json`; it reads no files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hogdsl.errors import ModelError
from runtime.json_fields import Fields
from runtime.model.rope import RopeSettings
from runtime.model.rope_config import rope_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """A decoder-only transformer with RoPE, RMS norm, grouped-query attention and a SwiGLU MLP."""

    architecture: str
    n_layers: int
    width: int
    """Size of the residual stream."""
    n_heads: int
    n_kv_heads: int
    head_dim: int
    mlp_width: int
    n_vocab: int
    context_length: int
    """Tokens that the model was made for."""
    norm_eps: float = 1e-6
    tie_embeddings: bool = False
    """The output matrix is the embedding matrix."""
    qk_norm: bool = False
    """Queries and keys are RMS-normed per head before they are rotated."""
    qkv_bias: bool = False
    out_bias: bool = False
    """Bias on the projection after attention."""
    mlp_bias: bool = False
    rope: RopeSettings = field(default_factory=RopeSettings)
    stored_dtype: str | None = None
    """Type that the config says the weights are stored in, such as `bfloat16`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    """How one architecture reads its config.json, where it differs from the others."""

    qk_norm: bool = False
    qkv_bias: bool | None = False
    """None: the setting `attention_bias` decides, for the output projection too."""
    mlp_bias: bool | None = False
    """None: the setting `mlp_bias` decides."""
    head_dim: int | None = None
    """When the config names none; None means width / heads."""
    window_switch: str | None = None
    """A setting that must be on for `sliding_window` to count."""
    window: int | None = None
    """The sliding window when the config names none."""


_QWEN_WINDOW = "use_sliding_window"
_FAMILIES = {
    "Qwen3ForCausalLM": _Family(
        qk_norm=True, qkv_bias=None, head_dim=128, window_switch=_QWEN_WINDOW, window=4096
    ),
    "Qwen2ForCausalLM": _Family(qkv_bias=True, window_switch=_QWEN_WINDOW, window=4096),
    "LlamaForCausalLM": _Family(qkv_bias=None, mlp_bias=None),
    "MistralForCausalLM": _Family(window=4096),
}
KNOWN_ARCHITECTURES = tuple(_FAMILIES)


def model_config(data: Mapping[str, Any], *, source: str = "config.json") -> ModelConfig:
    """Read the contents of a Hugging Face `config.json`, in either spelling of RoPE settings.

    Args:
        data: the parsed JSON.
        source: where it came from, for messages.

    Raises:
        ModelError: a setting is missing or senseless, or asks for what cannot be run faithfully.
    """
    fields = Fields(data, source)
    architecture = _architecture(fields)
    family = _FAMILIES[architecture]
    _refuse_what_we_cannot_run(fields, family)
    n_heads, width = fields.count("num_attention_heads"), fields.count("hidden_size")
    head_dim = fields.count("head_dim", default=family.head_dim or width // n_heads)
    n_kv_heads = fields.count("num_key_value_heads", default=n_heads)
    _check_heads(fields, n_heads, n_kv_heads, head_dim)
    attention_bias = fields.flag("attention_bias", default=False)
    rope, context_length = rope_settings(fields)
    return ModelConfig(
        architecture=architecture,
        n_layers=fields.count("num_hidden_layers"),
        width=width,
        n_heads=n_heads,
        n_kv_heads=n_kv_heads,
        head_dim=head_dim,
        mlp_width=fields.count("intermediate_size"),
        n_vocab=fields.count("vocab_size"),
        context_length=context_length,
        norm_eps=fields.number("rms_norm_eps", default=1e-6),
        tie_embeddings=fields.flag("tie_word_embeddings", default=False),
        qk_norm=family.qk_norm,
        qkv_bias=attention_bias if family.qkv_bias is None else family.qkv_bias,
        out_bias=attention_bias if family.qkv_bias is None else False,
        mlp_bias=fields.flag("mlp_bias", default=False) if family.mlp_bias is None else False,
        rope=rope,
        stored_dtype=fields.text("dtype", default=fields.text("torch_dtype", default=None)),
    )


def _architecture(fields: Fields) -> str:
    found = fields.data.get("architectures")
    known = ", ".join(KNOWN_ARCHITECTURES)
    if not isinstance(found, list) or len(found) != 1:
        raise ModelError(
            f"{fields.source}: 'architectures' must name the one architecture of the model, found "
            f"{found!r}. Known are {known}."
        )
    if found[0] not in _FAMILIES:
        raise ModelError(
            f"{fields.source}: the architecture {found[0]!r} is not known. Known are {known}. "
            "Use a checkpoint of one of these."
        )
    return found[0]


def _refuse_what_we_cannot_run(fields: Fields, family: _Family) -> None:
    """Settings that would be ignored, and the model run wrongly, if nobody looked at them."""
    activation = fields.text("hidden_act", default="silu")
    if activation != "silu":
        raise ModelError(
            f"{fields.source}: 'hidden_act' is {activation!r}; only 'silu' is implemented."
        )
    if fields.data.get("quantization_config") is not None:
        raise ModelError(
            f"{fields.source}: the checkpoint is quantised ('quantization_config' is set), which "
            "is not implemented. Use the unquantised checkpoint of this model."
        )
    _refuse_sliding_window(fields, family)


def _refuse_sliding_window(fields: Fields, family: _Family) -> None:
    switch = family.window_switch
    counts = switch is None or fields.flag(switch, default=False)
    # A missing setting is not the same as null: the format's own default is then a window.
    window = fields.data.get("sliding_window", family.window) if family.window else None
    if counts and window is not None:
        how = f"set {switch!r} to false" if switch else "set it to null"
        raise ModelError(
            f"{fields.source}: 'sliding_window' is {window} tokens and on, but sliding-window "
            f"attention is not implemented. If the checkpoint works without a window, {how}."
        )
    kinds = fields.data.get("layer_types") or []
    if other := sorted({str(kind) for kind in kinds} - {"full_attention"}):
        raise ModelError(
            f"{fields.source}: 'layer_types' has layers of kind {', '.join(other)}; only "
            "'full_attention' is implemented."
        )


def _check_heads(fields: Fields, n_heads: int, n_kv_heads: int, head_dim: int) -> None:
    if n_heads % n_kv_heads:
        raise ModelError(
            f"{fields.source}: 'num_attention_heads' must be a multiple of 'num_key_value_heads', "
            f"found {n_heads} and {n_kv_heads}."
        )
    if head_dim % 2:
        raise ModelError(
            f"{fields.source}: 'head_dim' must be even to be rotated, found {head_dim}."
        )
