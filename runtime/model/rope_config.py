"""RoPE settings from a config.json, in both of its spellings.

Older checkpoints say `rope_theta` and, if the context was stretched, `rope_scaling` with a `type`
or `rope_type`; transformers 5 says `rope_parameters` with all in one. A kind that is not known to
keep scores a function of the distance only is refused by name.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from hogdsl.errors import ModelError
from runtime.json_fields import Fields
from runtime.model.rope import RopeSettings

_WHY_REFUSED = {
    "dynamic": "its frequencies depend on the length of the sequence (dynamic NTK)",
    "longrope": "its frequencies depend on the length of the sequence (LongRoPE)",
    "su": "its frequencies depend on the length of the sequence (LongRoPE)",
}
_DEFAULT_THETA = 10_000.0


def rope_settings(fields: Fields) -> tuple[RopeSettings, int]:
    """The rotation of a model and its context length in tokens.

    A yarn config that kept `max_position_embeddings` at the length before stretching gets the
    stretched length.

    Raises:
        ModelError: the kind of RoPE cannot be shifted, or a setting is missing or senseless.
    """
    rope = _rope_fields(fields)
    context = fields.count("max_position_embeddings")
    theta = rope.number("rope_theta", default=fields.number("rope_theta", default=_DEFAULT_THETA))
    kind = rope.text("rope_type") or rope.text("type") or "default"
    if kind not in _READERS:
        why = _WHY_REFUSED.get(kind, "it is not known to be")
        raise ModelError(
            f"{rope.source}: the RoPE type {kind!r} is refused: a block of cached keys must be "
            f"readable at any position, and {why}. Known types are {', '.join(_READERS)}."
        )
    _refuse_partial(fields, rope)
    settings = _READERS[kind](rope, theta, context)
    if kind == "yarn":
        context = max(context, int(settings.original_context * settings.factor))
    return settings, context


def _rope_fields(fields: Fields) -> Fields:
    """The settings of RoPE, wherever the config keeps them."""
    name = "rope_parameters" if fields.data.get("rope_parameters") else "rope_scaling"
    found = fields.data.get(name) or {}
    if not isinstance(found, Mapping):
        raise fields.wrong(name, "an object")
    source = f"{fields.source}: {name}" if found else fields.source
    if nested := [key for key, value in found.items() if isinstance(value, Mapping)]:
        raise ModelError(
            f"{source}: different RoPE settings per layer type ({', '.join(nested)}) are not "
            "implemented; all layers must share one."
        )
    return Fields(found, source)


def _refuse_partial(fields: Fields, rope: Fields) -> None:
    for place in (fields, rope):
        share = place.number("partial_rotary_factor", default=1.0)
        if share != 1.0:
            raise ModelError(
                f"{place.source}: 'partial_rotary_factor' is {share}; only a rotation of the whole "
                "head is implemented."
            )


def _default(rope: Fields, theta: float, context: int) -> RopeSettings:
    return RopeSettings(theta=theta)


def _linear(rope: Fields, theta: float, context: int) -> RopeSettings:
    return RopeSettings(kind="linear", theta=theta, factor=rope.number("factor"))


def _llama3(rope: Fields, theta: float, context: int) -> RopeSettings:
    low, high = rope.number("low_freq_factor"), rope.number("high_freq_factor")
    if not low < high:
        raise ModelError(
            f"{rope.source}: 'low_freq_factor' must be less than 'high_freq_factor', found {low} "
            f"and {high}."
        )
    return RopeSettings(
        kind="llama3",
        theta=theta,
        factor=rope.number("factor"),
        original_context=rope.count("original_max_position_embeddings", default=context),
        low_freq_factor=low,
        high_freq_factor=high,
    )


def _yarn(rope: Fields, theta: float, context: int) -> RopeSettings:
    original = rope.count("original_max_position_embeddings", default=context)
    factor = rope.number("factor", default=context / original)
    return RopeSettings(
        kind="yarn",
        theta=theta,
        factor=factor,
        original_context=original,
        beta_fast=rope.number("beta_fast", default=32.0),
        beta_slow=rope.number("beta_slow", default=1.0),
        truncate=rope.flag("truncate", default=True),
        attention_scaling=_yarn_scaling(rope.data, rope, factor),
    )


def _yarn_scaling(data: Mapping[str, Any], rope: Fields, factor: float) -> float:
    """Cosines and sines grow with the stretch (YaRN, section 3.3), unless the config says how."""
    if data.get("attention_factor") is not None:
        return rope.number("attention_factor")

    def grown(strength: float) -> float:
        return 0.1 * strength * math.log(factor) + 1.0 if factor > 1 else 1.0

    # Both or neither: a lone or zero value is passed over wherever this format is read.
    if data.get("mscale") and data.get("mscale_all_dim"):
        return grown(rope.number("mscale")) / grown(rope.number("mscale_all_dim"))
    return grown(1.0)


_READERS: dict[str, Callable[[Fields, float, int], RopeSettings]] = {
    "default": _default,
    "linear": _linear,
    "llama3": _llama3,
    "yarn": _yarn,
}
