"""Rows with few new tokens: each piece of the cache is read once for all rows that see it.

    q [n, heads, d] ─pick, rotate─▶ [n_picked, d] ─group by group─▶ found [n_picked, d], weight
                                                  ─merge─▶ [n, heads, d]

A picked row is one query head of one new token against one piece, so it is rotated for that piece
(Hogwild! Inference, arXiv 2504.06261, section 3.3). A group is a batch of pieces: all queries of
all rows that see a piece, times the query heads per KV head, against its keys are one product. What
a query head finds in one piece is merged with what it finds in the others by the logarithms of the
sums of exponentials, in float32 or better (FlashAttention-2, arXiv 2307.08691, section 3.1).

A layer runs a fixed number of tensor operations per group. Groups are as many as there are long
spans, and few more, whatever the number of rows and pages.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from runtime.attention.base import SpanRow
from runtime.attention.cache import Ints
from runtime.attention.picking import Picking, pick
from runtime.attention.pieces import Piece, batches_of, cut_pieces
from runtime.model.config import ModelConfig

MASKED = -1e30
"""Added to a score. Finite: a query that sees nothing of a piece gets weight 0 and not NaN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Pieces that are one batched product.

    Attributes:
        rows: its part of the picked rows, [n_kv_heads, n_pieces, lines, heads per KV head].
        n_pieces: of the group.
        slots: of the one piece that is read in place; or int64[n_pieces * n_keys] to fetch.
        mask: what is added to the scores, [n_kv_heads * n_pieces, rows per piece, n_keys].
    """

    rows: slice
    n_pieces: int
    slots: slice | Tensor
    mask: Tensor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedStep:
    """How the rows with few new tokens are computed, the same in all layers.

    Attributes:
        token: int64[n_picked], the token of each picked row.
        head: int64[n_picked], its query head.
        turn: int64[n_picked], the position that it is rotated for.
        groups: the products.
        parts: int64[n * n_heads, n_parts], the picked rows that each result is merged from.
        absent: [n * n_heads, n_parts] or None, what to add to weights so that padding has none.
    """

    token: Ints
    head: Ints
    turn: Ints
    groups: list[Group]
    parts: Tensor
    absent: Tensor | None


def prepare_shared(
    rows: Sequence[SpanRow], config: ModelConfig, *, device: torch.device, dtype: torch.dtype
) -> SharedStep:
    """Plan the rows of a step that have few new tokens.

    Args:
        rows: those rows, at least one; their new tokens are counted from 0, row after row.
        config: number of heads.
        device: where the tensors go.
        dtype: of scores and weights.
    """
    batches = batches_of(cut_pieces(rows, config.n_heads), on_cpu=device.type == "cpu")
    n_kv_heads, n_heads = config.n_kv_heads, config.n_heads
    picking = pick(batches, n_kv_heads, n_heads // n_kv_heads)
    seen = torch.from_numpy(picking.spread(picking.n_seen)).to(device)
    parts, present = picking.parts()
    absent = None if present is None else _mask(torch.from_numpy(present).to(device), dtype)
    return SharedStep(
        token=picking.spread(picking.token),
        head=picking.spread(np.arange(n_heads).reshape(1, n_kv_heads, -1)),
        turn=picking.spread(picking.turn),
        groups=[
            _group(picking, index, batch, seen, n_kv_heads, dtype)
            for index, batch in enumerate(batches)
        ],
        parts=torch.from_numpy(parts).to(device),
        absent=absent,
    )


def run_shared(step: SharedStep, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Attend with rotated queries.

    Args:
        step: what `prepare_shared` made.
        queries: [n_picked, head_dim], rotated, and multiplied by the scale of scores.
        keys: [n_kv_heads, n_slots, head_dim], the cache of one layer.
        values: the same.

    Returns:
        [n * n_heads, head_dim] in the dtype of scores.
    """
    found: list[Tensor] = []
    weights: list[Tensor] = []
    for group in step.groups:
        k, v = _fetch(group, keys), _fetch(group, values)
        q = queries[group.rows].view(len(k), -1, k.shape[-1])
        group_found, group_weights = _attend(q, k, v, group.mask)
        found.append(group_found.flatten(0, 1))
        weights.append(group_weights.flatten())
    if len(found) == 1:
        return _merge(step, found[0], weights[0])
    return _merge(step, torch.cat(found), torch.cat(weights))


def _fetch(group: Group, cached: Tensor) -> Tensor:
    """[n_kv_heads, n_slots, d] -> [n_kv_heads * n_pieces, n_keys, d]"""
    if isinstance(group.slots, slice):
        return cached[:, group.slots]
    fetched = cached.index_select(1, group.slots)
    return fetched.view(len(cached) * group.n_pieces, -1, cached.shape[-1])


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Softmax within each piece: what is found [b, m, d] and its logarithmic weight [b, m].

    With `p` the softmax of scores `s`: log sum exp s = max s - log max p, and max p is never small.
    So the weight costs two plain reductions beside one fused softmax.
    """
    scores = _scores(q, k, mask)
    p = scores.softmax(dim=-1)
    weights = scores.amax(dim=-1) - p.amax(dim=-1).log()
    if v.is_cuda:
        return torch.bmm(p.to(v.dtype), v).to(p.dtype), weights
    return torch.bmm(p, v.to(p.dtype)), weights


def _scores(q: Tensor, k: Tensor, mask: Tensor | None) -> Tensor:
    """q [b, m, d], k [b, l, d] -> [b, m, l], in float32 or better"""
    k = k.transpose(1, 2)
    if k.dtype in (torch.float32, torch.float64):
        return torch.bmm(q, k) if mask is None else torch.baddbmm(mask, q, k)
    if k.is_cuda:
        scores = torch.bmm(q, k, out_dtype=torch.float32)
    else:
        scores = torch.bmm(q.float(), k.float())
    return scores if mask is None else scores + mask


def _merge(step: SharedStep, found: Tensor, weights: Tensor) -> Tensor:
    """found [n_picked, d], weights [n_picked] -> [n * n_heads, d]"""
    n_results, n_parts = step.parts.shape
    parts = step.parts.view(-1)
    found = found.index_select(0, parts)
    if n_parts == 1:
        return found
    weights = weights.index_select(0, parts).view(n_results, n_parts)
    if step.absent is not None:
        weights = weights + step.absent
    shares = weights.softmax(dim=-1)
    return torch.bmm(shares.unsqueeze(1), found.view(n_results, n_parts, -1)).squeeze(1)


def _group(
    picking: Picking,
    index: int,
    batch: Sequence[Piece],
    seen: Tensor,
    n_kv_heads: int,
    dtype: torch.dtype,
) -> Group:
    """`seen`: int64[n_picked], how many keys of its piece each picked row sees."""
    rows = slice(picking.row_starts[index], picking.row_starts[index + 1])
    n_keys = max(piece.n_keys for piece in batch)
    if batch[0].in_place:
        slots = slice(batch[0].slot, batch[0].slot + n_keys)
        lines = slice(picking.line_starts[index], picking.line_starts[index + 1])
        needs_mask = int(picking.n_seen[lines].min()) < n_keys
    else:
        slots = torch.from_numpy(_slots(batch, n_keys)).to(seen.device)
        needs_mask = True
    mask = None
    if needs_mask:
        visible = torch.arange(n_keys, device=seen.device) < seen[rows, None]
        mask = _mask(visible, dtype).view(n_kv_heads * len(batch), -1, n_keys)
    return Group(rows=rows, n_pieces=len(batch), slots=slots, mask=mask)


def _slots(batch: Sequence[Piece], n_keys: int) -> Ints:
    """Slots to fetch, int64[n_pieces * n_keys]; a shorter piece repeats its last."""
    pieces = np.array([(piece.slot, piece.n_keys) for piece in batch], dtype=np.int64)
    return (pieces[:, :1] + np.minimum(np.arange(n_keys), pieces[:, 1:] - 1)).reshape(-1)


def _mask(visible: Tensor, dtype: torch.dtype) -> Tensor:
    """What to add to scores: 0 where `visible`, else `MASKED`."""
    return torch.where(visible, 0.0, MASKED).to(dtype)
