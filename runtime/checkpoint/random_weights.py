"""Models with random weights: for tests and benchmarks, where only shapes and speed matter."""

import torch
from torch import Tensor

from runtime.model.config import ModelConfig
from runtime.model.matrices import Kept
from runtime.model.transformer import Transformer
from runtime.model.weights import empty_weights, places


def random_transformer(
    config: ModelConfig,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    kept: Kept | None = None,
) -> Transformer:
    """A model whose activations have about the size of a trained one's.

    Drawn in float32 on `device` and then rounded, so models of several dtypes agree up to rounding.
    The same seed gives the same weights on the same kind of device. `kept` as in `Transformer`.
    """
    device = torch.device(device)
    generator = torch.Generator(device).manual_seed(seed)
    weights = empty_weights(config, device=device, dtype=dtype)
    for place in places(config, weights):
        drawn = torch.randn(place.shape, generator=generator, device=device)
        place.target.copy_(_scaled(place.name, drawn))
    return Transformer(config, weights, kept=kept)


def _scaled(name: str, drawn: Tensor) -> Tensor:
    """Matrices keep the size of what goes through them; norms are near 1 and biases near 0."""
    if name.endswith(".bias"):
        return drawn * 0.1
    if "norm" in name:
        return 1 + drawn * 0.1
    return drawn * drawn.shape[-1] ** -0.5
