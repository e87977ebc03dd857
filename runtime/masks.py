"""What the rows of a step may not choose: grammars and forbidden tokens as one mask."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hogdsl.errors import InternalError
from runtime.scheduler.work import Sample


@dataclass(frozen=True, slots=True)
class Barred:
    """What some rows of a step may not choose.

    Attributes:
        rows: those that may not choose everything.
        tokens: for each of them, bool[n_rows, n_vocab].
    """

    rows: list[int]
    tokens: Tensor


def bar(wants: Sequence[Sample], n_vocab: int) -> Barred | None:
    """The masks of the rows that have some; it needs no logits, so it can be made before them.

    Raises:
        InternalError: a row may choose no token at all.
    """
    rows = [i for i, want in enumerate(wants) if want.forbidden or want.allowed is not None]
    if not rows:
        return None
    closed = _closed([wants[i] for i in rows], n_vocab)
    for row, nothing in zip(rows, closed.all(dim=-1).tolist(), strict=True):
        if nothing:
            raise InternalError(
                f"a row may choose none of the {n_vocab} tokens: its constraint and its forbidden "
                f"tokens leave nothing. Please report it. The row is for {wants[row].origin}."
            )
    return Barred(rows, closed)


def _closed(wants: Sequence[Sample], n_vocab: int) -> Tensor:
    """Which tokens may not be chosen, bool[n_rows, n_vocab]."""
    n_bytes = -(-n_vocab // 8)
    masks = bytearray()
    for want in wants:
        mask = b"\xff" * n_bytes if want.allowed is None else want.allowed[:n_bytes]
        masks += mask.ljust(n_bytes, b"\0")
    packed = torch.frombuffer(masks, dtype=torch.uint8).view(len(wants), n_bytes, 1)
    bits = (packed >> torch.arange(8, dtype=torch.uint8)) & 1
    closed = bits.view(len(wants), n_bytes * 8)[:, :n_vocab] == 0
    pairs = [(i, token) for i, want in enumerate(wants) for token in want.forbidden]
    known = [pair for pair in pairs if pair[1] < n_vocab]
    if known:
        closed[tuple(torch.tensor(known).T)] = True
    return closed
