"""Choosing tokens from logits, all rows of a step at once.

A row's choice depends on its own logits, its settings and its own uniform number, so the batch has
no part in it. In this order:

1. tokens that may not come lose their logits (`masks.py`): what the grammar does not allow, and
   what is forbidden;
2. penalties for tokens that were written before, then biases (`penalties.py`); the order is
   SGLang's, so a bias is what is added to the logit in the end;
3. greedy rows take the largest logit, the first of equals. For the others:
4. logits are divided by the temperature;
5. top-k keeps the k most likely tokens;
6. of these top-p keeps the smallest set whose probabilities, summed from the most likely down,
   reach p (Holtzman et al., arXiv 1904.09751, section 3.1);
7. of these min-p keeps those at least p times as likely as the most likely one (Nguyen et al.,
   arXiv 2407.01082, section 3);
8. the uniform number picks by inverse transform, in the order of token ids. The order of
   likelihood would not do: another batch changes logits by their last digits, and where many
   tokens are about as likely as each other they change places.

Log-probabilities that are asked for are those of the logits as the model gave them.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from runtime.masks import Barred
from runtime.penalties import bias, penalise
from runtime.scheduler.work import Chosen, Sample

_NEVER = float("-inf")


def sample(logits: Tensor, wants: Sequence[Sample], barred: Barred | None = None) -> list[Chosen]:
    """Choose one token per row.

    Args:
        logits: float32[n_rows, n_vocab].
        wants: one per row.
        barred: what `runtime.masks.bar` makes of them.
    """
    changed = _changed(logits, wants, barred)
    chosen = changed.argmax(dim=-1)
    drawn = [i for i, want in enumerate(wants) if want.sampling.temperature > 0]
    if drawn:
        chosen[drawn] = _draw(changed[drawn], [wants[i] for i in drawn])
    told = [i for i, want in enumerate(wants) if want.n_top is not None]
    results = [Chosen(token) for token in chosen.tolist()]
    if told:
        likely = _likely(logits[told], chosen[told], [wants[i] for i in told])
        for i, result in zip(told, likely, strict=True):
            results[i] = result
    return results


def _changed(logits: Tensor, wants: Sequence[Sample], barred: Barred | None) -> Tensor:
    """The logits behind masks, penalties and biases; the given ones stay as they are."""
    if barred is None and all(want.counts is None and want.bias is None for want in wants):
        return logits
    logits = logits.clone()
    if barred is not None:
        masks = barred.tokens.to(logits.device)
        logits[barred.rows] = logits[barred.rows].masked_fill(masks, _NEVER)
    penalise(logits, wants)
    bias(logits, wants)
    return logits


def _draw(logits: Tensor, wants: Sequence[Sample]) -> Tensor:
    """Token ids int64[n_rows] drawn at random; all temperatures are above zero."""
    n_vocab = logits.shape[-1]
    column = {"dtype": torch.float32, "device": logits.device}
    temperature = torch.tensor([[want.sampling.temperature] for want in wants], **column)
    top_p = torch.tensor([[want.sampling.top_p] for want in wants], **column)
    min_p = torch.tensor([[want.sampling.min_p] for want in wants], **column)
    top_k = torch.tensor([[want.sampling.top_k or n_vocab] for want in wants], device=logits.device)
    uniform = torch.tensor([[want.uniform] for want in wants], **column)
    ordered, tokens = logits.sort(dim=-1, descending=True, stable=True)
    rank = torch.arange(n_vocab, device=logits.device)
    ordered = (ordered / temperature).masked_fill(rank >= top_k, _NEVER)
    probs = ordered.softmax(dim=-1)
    before = probs.cumsum(dim=-1) - probs
    dropped = (before >= top_p) | (probs < min_p * probs[:, :1])
    probs = probs.masked_fill(dropped, 0.0)
    by_id = torch.zeros_like(probs).scatter_(-1, tokens, probs)
    total = by_id.cumsum(dim=-1)
    place = (total <= uniform * total[:, -1:]).sum(dim=-1, keepdim=True)
    last = torch.where(by_id > 0, rank, 0).amax(dim=-1, keepdim=True)
    return place.minimum(last).squeeze(-1)


def _likely(logits: Tensor, chosen: Tensor, wants: Sequence[Sample]) -> list[Chosen]:
    """The choices with their log-probabilities, and those of the likeliest tokens.

    Args:
        logits: the model's own, float32[n_rows, n_vocab].
        chosen: int64[n_rows].
        wants: all ask for log-probabilities.
    """
    logprobs = logits.float().log_softmax(dim=-1)
    own = logprobs.gather(-1, chosen[:, None]).squeeze(-1).tolist()
    n_top = [want.n_top or 0 for want in wants]
    values, tokens = logprobs.topk(min(max(n_top), logits.shape[-1]), dim=-1)
    rows = zip(chosen.tolist(), own, tokens.tolist(), values.tolist(), n_top, strict=True)
    return [
        Chosen(token, logprob, tuple(zip(likely[:n], of_likely[:n], strict=True)))
        for token, logprob, likely, of_likely, n in rows
    ]
