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

On CUDA all this joins the queue behind the forward pass: what the host knows is sent without
waiting, and `Choice.read` is the one place that waits. FlashInfer's kernels for sampling draw
numbers of their own, by the index of the row in the batch; a uniform number of ours cannot be given
to them, so the operations are torch's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hogdsl.plan import Sampling
from runtime.masks import Barred
from runtime.penalties import bias, penalise
from runtime.scheduler.work import Chosen, Sample
from runtime.transfer import send

TOP_K_FEW = 128
"""Up to here the likeliest tokens are looked for. Beyond, all are sorted, which for 150,000 tokens
takes a CPU 15 times as long."""
_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen, still on the device.

    Attributes:
        tokens: int64[n_rows].
        told: rows whose log-probabilities are asked for, with how many of the likeliest.
        own: float32[n_told], log-probabilities of their tokens; None if nobody asks.
        likely: values and tokens of the likeliest, each [n_told, largest number asked for].
    """

    tokens: Tensor
    told: list[tuple[int, int]]
    own: Tensor | None = None
    likely: tuple[Tensor, Tensor] | None = None

    def read(self) -> list[Chosen]:
        """The choices of all rows; waits for the device."""
        results = [Chosen(token) for token in self.tokens.tolist()]
        if self.own is None or self.likely is None:
            return results
        values, tokens = (part.tolist() for part in self.likely)
        rows = zip(self.told, self.own.tolist(), tokens, values, strict=True)
        for (row, n), own, likely, of_likely in rows:
            top = tuple(zip(likely[:n], of_likely[:n], strict=True))
            results[row] = Chosen(results[row].token, own, top)
        return results


def choose(logits: Tensor, wants: Sequence[Sample], barred: Barred | None = None) -> Choice:
    """Choose one token per row; on CUDA this returns before it is done.

    Args:
        logits: float32[n_rows, n_vocab].
        wants: one per row.
        barred: what `runtime.masks.bar` makes of them.
    """
    changed = _changed(logits, wants, barred)
    tokens = changed.argmax(dim=-1)
    for n_ordered, rows in _drawn_alike(wants, logits).items():
        at = send(torch.tensor(rows), logits.device)
        tokens[at] = _draw(changed[at], [wants[i] for i in rows], n_ordered)
    told = [(i, want.n_top) for i, want in enumerate(wants) if want.n_top is not None]
    if not told:
        return Choice(tokens, told)
    at = send(torch.tensor([row for row, _ in told]), logits.device)
    logprobs = logits[at].float().log_softmax(dim=-1)
    most = min(max(n for _, n in told), logits.shape[-1])
    values, likely = logprobs.topk(most, dim=-1)
    own = logprobs.gather(-1, tokens[at][:, None]).squeeze(-1)
    return Choice(tokens, told, own, (values, likely))


def _changed(logits: Tensor, wants: Sequence[Sample], barred: Barred | None) -> Tensor:
    """The logits behind masks, penalties and biases; the given ones stay as they are."""
    if barred is None and all(want.counts is None and want.bias is None for want in wants):
        return logits
    logits = logits.clone()
    if barred is not None:
        at = send(torch.tensor(barred.rows), logits.device)
        closed = barred.closed(logits.shape[-1], logits.device)
        logits[at] = logits[at].masked_fill(closed, _NEVER)
    penalise(logits, wants)
    bias(logits, wants)
    return logits


def _drawn_alike(wants: Sequence[Sample], logits: Tensor) -> dict[int, list[int]]:
    """Rows that are drawn at random, by how many of their likeliest tokens are put in order.

    A row's own settings decide it: the batch has no part in how a row is computed.
    """
    rows: dict[int, list[int]] = {}
    for row, want in enumerate(wants):
        if want.sampling.temperature > 0:
            rows.setdefault(_n_ordered(want.sampling, logits), []).append(row)
    return rows


def _n_ordered(sampling: Sampling, logits: Tensor) -> int:
    n_vocab = logits.shape[-1]
    if sampling.top_k is None:
        return n_vocab if sampling.top_p < 1 else 0
    few = sampling.top_k <= TOP_K_FEW < n_vocab and logits.dtype == torch.float32
    return TOP_K_FEW if few else n_vocab


def _draw(logits: Tensor, wants: Sequence[Sample], n_ordered: int) -> Tensor:
    """Token ids int64[n_rows] drawn at random; all temperatures are above zero.

    Args:
        logits: [n_rows, n_vocab].
        wants: one per row.
        n_ordered: how many tokens top-k and top-p look at; 0 if no row has either.
    """
    n_vocab = logits.shape[-1]
    settings = [
        (s.temperature, s.top_k or n_vocab, s.top_p, s.min_p, want.uniform)
        for want in wants
        for s in [want.sampling]
    ]
    columns = send(torch.tensor(settings), logits.device).unsqueeze(-1)
    temperature, top_k, top_p, min_p, uniform = columns.unbind(1)  # each [n_rows, 1]
    if not n_ordered:
        probs = (logits / temperature).softmax(dim=-1)
        return _pick(probs.masked_fill(probs < min_p * probs.amax(-1, keepdim=True), 0.0), uniform)
    ordered, tokens = _in_order(logits, n_ordered)
    rank = torch.arange(n_ordered, device=logits.device)
    probs = (ordered / temperature).masked_fill(rank >= top_k, _NEVER).softmax(dim=-1)
    before = probs.cumsum(dim=-1) - probs
    probs = probs.masked_fill((before >= top_p) | (probs < min_p * probs[:, :1]), 0.0)
    return _pick(probs.new_zeros(logits.shape).scatter_(-1, tokens, probs), uniform)


def _pick(weights: Tensor, uniform: Tensor) -> Tensor:
    """Inverse transform in the order of ids: weights [n_rows, n_vocab], uniform [n_rows, 1]."""
    total = weights.cumsum(dim=-1)
    place = (total <= uniform * total[:, -1:]).sum(dim=-1, keepdim=True)
    ids = torch.arange(weights.shape[-1], device=weights.device)
    last = torch.where(weights > 0, ids, 0).amax(dim=-1, keepdim=True)
    return place.minimum(last).squeeze(-1)


def _in_order(logits: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """The `n` largest logits and their tokens, from the largest down, of equals the first first."""
    n_vocab = logits.shape[-1]
    if n == n_vocab:
        return logits.sort(dim=-1, descending=True, stable=True)
    # `topk` takes any of equals, so they are made different: a key is the float as an integer of
    # the same order (IEEE 754; adding 0 turns -0 into 0), then the token, counted backwards.
    bits = (logits + 0.0).view(torch.int32)
    keys = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).long() << 32
    tokens = (keys - torch.arange(n_vocab, device=logits.device)).topk(n, dim=-1).indices
    return logits.gather(-1, tokens), tokens
