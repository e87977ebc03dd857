"""What the rows of a step may not choose: grammars and forbidden tokens as one mask."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hogdsl.errors import InternalError
from runtime.scheduler.work import Sample
from runtime.transfer import send


@dataclass(frozen=True, slots=True)
class Barred:
    """What some rows of a step may choose, when they may not choose everything.

    Attributes:
        rows: those rows.
        allowed: for each of them a bit per token, from the lowest of the first byte on,
            uint8[n_rows, n_vocab / 8 rounded up], on the host. Bits past the vocabulary are 0.
    """

    rows: list[int]
    allowed: Tensor

    def closed(self, n_vocab: int, device: torch.device) -> Tensor:
        """Which tokens may not be chosen, bool[n_rows, n_vocab], on the device.

        The bits travel, and are spread there.
        """
        packed = send(self.allowed, device).unsqueeze(-1)
        bits = (packed >> torch.arange(8, dtype=torch.uint8, device=device)) & 1
        return bits.flatten(1)[:, :n_vocab] == 0


def bar(wants: Sequence[Sample], n_vocab: int) -> Barred | None:
    """The masks of the rows that have some; it needs no logits, so it can be made before them.

    Raises:
        InternalError: a row may choose no token at all.
    """
    rows = [i for i, want in enumerate(wants) if want.forbidden or want.allowed is not None]
    if not rows:
        return None
    masks = [_allowed(wants[i], n_vocab) for i in rows]
    for row, mask in zip(rows, masks, strict=True):
        if not any(mask):
            raise InternalError(
                f"a row may choose none of the {n_vocab} tokens: its constraint and its forbidden "
                f"tokens leave nothing. Please report it. The row is for {wants[row].origin}."
            )
    packed = torch.frombuffer(bytearray().join(masks), dtype=torch.uint8)
    return Barred(rows, packed.view(len(rows), -1))


def _allowed(want: Sample, n_vocab: int) -> bytearray:
    """A bit per token that may be chosen."""
    n_bytes = -(-n_vocab // 8)
    given = b"\xff" * n_bytes if want.allowed is None else want.allowed[:n_bytes]
    mask = bytearray(given.ljust(n_bytes, b"\0"))
    mask[-1] &= 0xFF >> -n_vocab % 8
    for token in want.forbidden:
        if token < n_vocab:
            mask[token // 8] &= ~(1 << token % 8)
    return mask
