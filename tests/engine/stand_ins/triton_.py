"""Our Triton kernels in torch: the same functions, the same arguments, the same results."""

from itertools import pairwise

import torch
from torch import Tensor

from runtime.attention.flashinfer.upload import DeviceNumbers
from runtime.model.rope import Rope


class Turns:
    """What rotates."""

    def __init__(self, rope: Rope, device: torch.device) -> None:
        self.rope, self.device = rope, device

    def turn(self, x: Tensor, positions: Tensor) -> Tensor:
        """x [m, heads, d], in float32 or better"""
        exactly = torch.promote_types(x.dtype, torch.float32)
        cos, sin = self.rope.cos_sin(positions.long(), exactly)
        return self.rope.rotate(x.to(exactly), cos[:, None], sin[:, None])


def rotate_and_append(
    turns: Turns,
    numbers: DeviceNumbers,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
) -> None:
    """See `Kernels.rotate_and_append`."""
    queries.copy_(turns.turn(q[numbers.tokens.long()], numbers.turns))
    real = numbers.new_slots >= 0
    slots = numbers.new_slots[real].long()
    new_keys = turns.turn(k[real], numbers.new_positions[real])
    keys.flatten(0, 1)[slots] = new_keys.to(keys.dtype)
    values.flatten(0, 1)[slots] = v[real]


def merge(numbers: DeviceNumbers, found: Tensor, weights: Tensor, out: Tensor) -> None:
    """See `Kernels.merge`."""
    starts = numbers.part_starts.tolist()
    for token, (start, end) in enumerate(pairwise(starts)):
        parts = numbers.parts[start:end].long()
        if not len(parts):
            out[token] = 0
            continue
        weight = weights[parts]  # [parts, heads]
        shares = torch.exp2(weight - weight.amax(dim=0))
        shares = shares / shares.sum(dim=0)
        out[token] = (shares[:, :, None] * found[parts]).sum(dim=0)
