"""Cosines and sines for lists of positions, in which few positions occur many times."""

import numpy as np
import torch
from torch import Tensor

from runtime.attention.cache import Ints
from runtime.model.rope import Rope

Rotation = tuple[Tensor, Tensor]
"""Cosine and sine, as `Rope.rotate` takes them."""


def rotation(rope: Rope, positions: Ints, *, device: torch.device, dtype: torch.dtype) -> Rotation:
    """What turns keys and queries for `positions`, int64[n], each [n, head_dim]."""
    # Angles in float64 are dear, so each position is computed once.
    distinct, which = np.unique(positions, return_inverse=True)
    cos, sin = rope.cos_sin(torch.from_numpy(distinct).to(device), dtype)
    index = torch.from_numpy(which).to(device)
    return cos.index_select(0, index), sin.index_select(0, index)


def further_rotation(
    rope: Rope, distances: Ints, *, device: torch.device, dtype: torch.dtype
) -> Rotation:
    """What turns keys that are rotated already by `distances` more, int64[n], each [n, head_dim].

    The keys carry the attention scaling (yarn) once, and are not to get it again.
    """
    cos, sin = rotation(rope, distances, device=device, dtype=dtype)
    scaling = rope.settings.attention_scaling
    return cos / scaling, sin / scaling
