"""Rotary position embedding that can be shifted.

A pair of components `(x[i], x[i + head_dim / 2])` of a query or key at position `p` is turned by
the angle `p * f[i]` (RoFormer, arXiv 2104.09864, section 3.4.2; halves split as in Hugging Face
checkpoints). The score of a query and a key depends on the difference of their positions only, as
long as the frequencies `f` do not depend on the length of the sequence. All four kinds here are of
that sort: `default`, `linear`, `llama3` and `yarn`.

Angles are computed in float64, for positions of either sign, so that turning a query by the
difference of two large positions loses nothing against turning query and key by themselves.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

RopeKind = Literal["default", "linear", "llama3", "yarn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RopeSettings:
    """What the frequencies are made of. Fields below `theta` matter to some kinds only."""

    kind: RopeKind = "default"
    theta: float = 10_000.0
    factor: float = 1.0
    """How far the context was stretched: linear, llama3, yarn."""
    original_context: int = 0
    """Tokens of context before stretching: llama3, yarn."""
    low_freq_factor: float = 1.0
    """llama3: wavelengths over `original_context / low_freq_factor` are stretched in full."""
    high_freq_factor: float = 4.0
    """llama3: wavelengths under `original_context / high_freq_factor` are left alone."""
    beta_fast: float = 32.0
    """yarn: pairs that turn more often than this in `original_context` are left alone."""
    beta_slow: float = 1.0
    """yarn: pairs that turn less often than this in `original_context` are stretched in full."""
    truncate: bool = True
    """yarn: the borders between those two ranges are rounded outward to whole pairs."""
    attention_scaling: float = 1.0
    """yarn: cosine and sine are multiplied by this, so a score carries its square."""


def inverse_frequencies(settings: RopeSettings, head_dim: int) -> Tensor:
    """Angle per position of each pair of components, float64[head_dim / 2], in radians."""
    exponents = torch.arange(0, head_dim, 2, dtype=torch.float64) / head_dim
    plain = settings.theta**-exponents
    match settings.kind:
        case "default":
            return plain
        case "linear":
            return plain / settings.factor
        case "llama3":
            stretched = _llama3_share(settings, plain)
        case "yarn":
            stretched = _yarn_share(settings, head_dim)
    return plain / settings.factor * stretched + plain * (1 - stretched)


def _llama3_share(settings: RopeSettings, plain: Tensor) -> Tensor:
    """Share of stretching per pair, 0 to 1, float64[head_dim / 2].

    Source: Llama 3.1 reference code. Between two wavelengths the share falls linearly in the
    number of turns that a pair makes within the original context.
    """
    turns = settings.original_context * plain / (2 * math.pi)
    low, high = settings.low_freq_factor, settings.high_freq_factor
    return 1 - ((turns - low) / (high - low)).clamp(0, 1)


def _yarn_share(settings: RopeSettings, head_dim: int) -> Tensor:
    """Share of stretching per pair, 0 to 1, float64[head_dim / 2].

    Source: YaRN, arXiv 2309.00071, section 3.2. There the ramp is over turns per context; the
    published code and all checkpoints ramp over the index of the pair, and so does this.
    """

    def pair_with(turns: float) -> float:
        per_turn = settings.original_context / (turns * 2 * math.pi)
        return head_dim * math.log(per_turn) / (2 * math.log(settings.theta))

    first, last = pair_with(settings.beta_fast), pair_with(settings.beta_slow)
    if settings.truncate:
        first, last = math.floor(first), math.ceil(last)
    first, last = max(first, 0), min(last, head_dim - 1)
    if first == last:
        last += 0.001  # a ramp needs some width; this is what the published code takes
    pairs = torch.arange(head_dim // 2, dtype=torch.float64)
    return ((pairs - first) / (last - first)).clamp(0, 1)


class Rope:
    """The rotation of one model, on one device.

    Attributes:
        settings: what the frequencies are made of.
        head_dim: components of a query or key.
        frequencies: float64[head_dim / 2] on the CPU, radians per position of each pair.
    """

    def __init__(
        self, settings: RopeSettings, head_dim: int, *, device: torch.device | str = "cpu"
    ) -> None:
        self.settings = settings
        self.head_dim = head_dim
        self.frequencies = inverse_frequencies(settings, head_dim)
        self._frequencies = torch.cat((self.frequencies, self.frequencies)).to(device)

    def __repr__(self) -> str:
        kind, theta = self.settings.kind, self.settings.theta
        return f"<Rope {kind}, theta {theta:g}, head_dim {self.head_dim}>"

    def cos_sin(self, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """What `rotate` needs for these positions.

        Args:
            positions: int64[...], of either sign, on the rope's device.
            dtype: type of the result; angles are float64 whatever it is.

        Returns:
            Cosine and sine, each [..., head_dim], times the attention scaling.
        """
        angles = positions.unsqueeze(-1) * self._frequencies
        cos, sin = angles.cos(), angles.sin()
        if self.settings.attention_scaling != 1.0:
            cos, sin = cos * self.settings.attention_scaling, sin * self.settings.attention_scaling
        return cos.to(dtype), sin.to(dtype)

    def rotate(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Turn every pair of `x` [..., head_dim]; `cos` and `sin` broadcast against it."""
        first, second = x.chunk(2, dim=-1)
        sin = sin.chunk(2, dim=-1)[0]  # both halves are the same
        turned = x * cos
        turned_first, turned_second = turned.chunk(2, dim=-1)
        turned_first.addcmul_(second, sin, value=-1)
        turned_second.addcmul_(first, sin)
        return turned
