"""Numbers that change the logits of some tokens of some rows: penalties and biases.

They come as sparse numbers per token. All rows of a step that have some are changed by one gather
and one scatter of as many elements as there are numbers, so a vocabulary costs nothing here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from runtime.scheduler.work import Numbers, Sample
from runtime.transfer import send


@dataclass(frozen=True, slots=True)
class _Scattered:
    """Sparse numbers of several rows as one list, int64[n], int64[n] and float32[n]."""

    rows: Tensor
    tokens: Tensor
    values: Tensor


def penalise(logits: Tensor, wants: Sequence[Sample]) -> None:
    """Change the logits of tokens that were chosen before, in place.

    First `presence_penalty` and `frequency_penalty` times the count are subtracted. Then a positive
    logit is divided by `repetition_penalty` (Keskar et al., arXiv 1909.05858, section 4.1) and a
    negative one multiplied by it. What counts, and the order, is as in SGLang
    (`srt/sampling/penaltylib`): tokens that were generated, not those of the prompt.

    Args:
        logits: float32[n_rows, n_vocab].
        wants: one per row.
    """
    at = _scattered([want.counts for want in wants], logits)
    if at is None:
        return
    settings = [
        (s.frequency_penalty, s.presence_penalty, s.repetition_penalty)
        for s in (want.sampling for want in wants)
    ]
    columns = send(torch.tensor(settings, dtype=logits.dtype), logits.device)
    frequency, presence, repetition = columns[at.rows].unbind(1)
    was_chosen = at.values > 0
    before = logits[at.rows, at.tokens]
    after = before - frequency * at.values - presence * was_chosen
    after = torch.where(after < 0, after * repetition, after / repetition)
    logits[at.rows, at.tokens] = torch.where(was_chosen, after, before)


def bias(logits: Tensor, wants: Sequence[Sample]) -> None:
    """Add the biases of `logit_bias`, in place.

    Args:
        logits: float32[n_rows, n_vocab].
        wants: one per row.
    """
    at = _scattered([want.bias for want in wants], logits)
    if at is not None:
        logits[at.rows, at.tokens] += at.values


def _scattered(numbers: Sequence[Numbers | None], logits: Tensor) -> _Scattered | None:
    """The numbers of all rows as one list; None if there are none."""
    given = [(row, n) for row, n in enumerate(numbers) if n is not None and len(n)]
    if not given:
        return None
    lengths = torch.tensor([len(n) for _, n in given])
    rows = torch.tensor([row for row, _ in given]).repeat_interleave(lengths)
    # `cat` copies: the arrays grow with the next token
    tokens = torch.cat([torch.frombuffer(n.tokens, dtype=torch.int64) for _, n in given])
    values = torch.cat([torch.frombuffer(n.values, dtype=torch.float64) for _, n in given])
    known = tokens < logits.shape[-1]
    return _Scattered(
        send(rows[known], logits.device),
        send(tokens[known], logits.device),
        send(values[known].to(logits.dtype), logits.device),
    )
