"""Choosing tokens from logits, all rows of a step at once.

A row's choice depends on its own logits, its settings and its own uniform number, so the batch has
no part in it. Top-k keeps the k most likely tokens; of these top-p keeps the smallest set whose
probabilities, summed from the most likely down, reach p (Holtzman et al., arXiv 1904.09751,
section 3.1); the uniform number then picks by inverse transform.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from runtime.scheduler.work import Sample


def sample(logits: Tensor, wants: Sequence[Sample]) -> list[int]:
    """Choose one token per row.

    Args:
        logits: float32[n_rows, n_vocab].
        wants: one per row.
    """
    chosen = logits.argmax(dim=-1)
    drawn = [i for i, want in enumerate(wants) if want.sampling.temperature > 0]
    if drawn:
        chosen[drawn] = _draw(logits[drawn], [wants[i] for i in drawn])
    return chosen.tolist()


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
    ordered = (ordered / temperature).masked_fill(rank >= top_k, float("-inf"))
    probs = ordered.softmax(dim=-1)
    before = probs.cumsum(dim=-1) - probs
    probs = probs.masked_fill(before >= top_p, 0.0)
    total = probs.cumsum(dim=-1)
    place = (total <= uniform * total[:, -1:]).sum(dim=-1, keepdim=True)
    last = (probs > 0).sum(dim=-1, keepdim=True) - 1
    return tokens.gather(-1, place.minimum(last)).squeeze(-1)
