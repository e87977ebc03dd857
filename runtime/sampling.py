"""Choosing tokens from logits, all rows of a step at once.

A row's choice depends on its own logits, its settings and its own uniform number, so the batch has
no part in it. First the tokens that may not come lose their logits. Top-k keeps the k most likely
of the others; of these top-p keeps the smallest set whose probabilities, summed from the most
likely down, reach p (Holtzman et al., arXiv 1904.09751, section 3.1); the uniform number then picks
by inverse transform.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hogdsl.errors import InternalError
from runtime.scheduler.work import Sample

_NEVER = float("-inf")


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


def sample(logits: Tensor, wants: Sequence[Sample], barred: Barred | None = None) -> list[int]:
    """Choose one token per row.

    Args:
        logits: float32[n_rows, n_vocab].
        wants: one per row.
        barred: what `bar` makes of them.
    """
    if barred is not None:
        logits = logits.clone()
        masks = barred.tokens.to(logits.device)
        logits[barred.rows] = logits[barred.rows].masked_fill(masks, _NEVER)
    chosen = logits.argmax(dim=-1)
    drawn = [i for i, want in enumerate(wants) if want.sampling.temperature > 0]
    if drawn:
        chosen[drawn] = _draw(logits[drawn], [wants[i] for i in drawn])
    return chosen.tolist()


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


def _draw(logits: Tensor, wants: Sequence[Sample]) -> Tensor:
    """Token ids int64[n_rows] drawn at random; all temperatures are above zero."""
    n_vocab = logits.shape[-1]
    column = {"dtype": torch.float32, "device": logits.device}
    temperature = torch.tensor([[want.sampling.temperature] for want in wants], **column)
    top_p = torch.tensor([[want.sampling.top_p] for want in wants], **column)
    top_k = torch.tensor([[want.sampling.top_k or n_vocab] for want in wants], device=logits.device)
    uniform = torch.tensor([[want.uniform] for want in wants], **column)
    ordered, tokens = logits.sort(dim=-1, descending=True, stable=True)
    rank = torch.arange(n_vocab, device=logits.device)
    ordered = (ordered / temperature).masked_fill(rank >= top_k, _NEVER)
    probs = ordered.softmax(dim=-1)
    before = probs.cumsum(dim=-1) - probs
    probs = probs.masked_fill(before >= top_p, 0.0)
    total = probs.cumsum(dim=-1)
    place = (total <= uniform * total[:, -1:]).sum(dim=-1, keepdim=True)
    last = (probs > 0).sum(dim=-1, keepdim=True) - 1
    return tokens.gather(-1, place.minimum(last)).squeeze(-1)
