"""Rows with many new tokens: each against the keys of its whole view.

Here arithmetic costs more than reading, so nothing is shared between rows. The keys of the view are
fetched and turned by the shifts of their spans, in a copy; then it is causal attention as in any
engine, by torch's fused kernels. A view that lies in one run of slots with shift 0, such as a
prompt, is read in place.

Rows are cut into chunks of queries to bound memory, and chunks of like size go into one call.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from runtime.attention.base import Span, SpanRow
from runtime.attention.cache import Ints, slots_of
from runtime.attention.rotation import Rotation, further_rotation
from runtime.model.rope import Rope

CHUNK_QUERIES = 512
SCORES_MOST = 1 << 24
"""Scores per head that one call may need if the kernel holds them all."""


class Chunk(NamedTuple):
    """Some new tokens of a row."""

    row: SpanRow
    token: int
    """The first of them, counted over the whole step."""
    n_queries: int
    n_keys: int
    """Places up to the last of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseCall:
    """Chunks that are one call of the kernel.

    Attributes:
        tokens: int64[n_chunks, n_queries], the new tokens; a shorter chunk repeats its last.
        results: bool[n_chunks, n_queries] or None: which are no repetition, if any is.
        rotation: cosine and sine [n_chunks, n_queries, 1, head_dim] of the queries.
        slots: of the keys, if one chunk reads them in place; or int64[n_chunks * n_keys].
        turns: cosine and sine [n_chunks * n_keys, head_dim] by which fetched keys are turned.
        mask: bool[n_chunks, 1, n_queries, n_keys], or None if the chunk is causal from place 0.
    """

    tokens: Tensor
    results: Tensor | None
    rotation: Rotation
    slots: slice | Tensor
    turns: Rotation | None
    mask: Tensor | None


def prepare_dense(
    rows: Sequence[tuple[int, SpanRow]], rope: Rope, *, device: torch.device, dtype: torch.dtype
) -> list[DenseCall]:
    """Plan the rows of a step that have many new tokens.

    Args:
        rows: those rows, each with the index of its first new token in the step.
        rope: the model's.
        device: where the tensors go.
        dtype: in which queries and keys are rotated.
    """
    chunks = sorted(_chunks(rows), key=lambda chunk: (chunk.n_queries, chunk.n_keys))
    return [_call(batch, rope, device, dtype) for batch in _batches(chunks)]


def run_dense(
    calls: Sequence[DenseCall], q: Tensor, keys: Tensor, values: Tensor, rope: Rope, out: Tensor
) -> None:
    """Attend, and write the results of these rows to `out`.

    Args:
        calls: what `prepare_dense` made.
        q: [n, n_heads, head_dim], all new tokens of the step, not rotated.
        keys: [n_kv_heads, n_slots, head_dim], the cache of one layer.
        values: the same.
        rope: the model's.
        out: [n, n_heads, head_dim].
    """
    for call in calls:
        n_chunks = len(call.tokens)
        k, v = _fetch(call.slots, keys), _fetch(call.slots, values)
        if call.turns is not None:
            k = rope.rotate(k, *call.turns).to(v.dtype)
        rotated = rope.rotate(q[call.tokens], *call.rotation).to(v.dtype)
        found = scaled_dot_product_attention(
            rotated.transpose(1, 2),  # [n_chunks, n_heads, n_queries, d]
            k.unflatten(1, (n_chunks, -1)).transpose(0, 1),  # [n_chunks, n_kv_heads, n_keys, d]
            v.unflatten(1, (n_chunks, -1)).transpose(0, 1),
            attn_mask=call.mask,
            is_causal=call.mask is None,
            enable_gqa=q.shape[1] != len(keys),
        ).transpose(1, 2)
        if call.results is None:
            out[call.tokens] = found
        else:
            out[call.tokens[call.results]] = found[call.results]


def _fetch(slots: slice | Tensor, cached: Tensor) -> Tensor:
    """[n_kv_heads, n_slots, d] -> [n_kv_heads, n, d]"""
    return cached[:, slots] if isinstance(slots, slice) else cached.index_select(1, slots)


def _chunks(rows: Sequence[tuple[int, SpanRow]]) -> Iterator[Chunk]:
    for token, row in rows:
        size = max(16, min(CHUNK_QUERIES, SCORES_MOST // row.n_tokens))
        for start in range(0, row.n_new, size):
            n_queries = min(size, row.n_new - start)
            yield Chunk(row, token + start, n_queries, row.first_position + start + n_queries)


def _batches(chunks: Sequence[Chunk]) -> Iterator[list[Chunk]]:
    """Neighbours, as long as padding at most doubles the work and it stays bounded."""
    batch: list[Chunk] = []
    n_scores = n_keys = 0
    for chunk in chunks:
        grown = max(n_keys, chunk.n_keys)
        n_padded = (len(batch) + 1) * chunk.n_queries * grown
        n_needed = n_scores + chunk.n_queries * chunk.n_keys
        if batch and (n_padded > 2 * n_needed or n_padded > SCORES_MOST):
            yield batch
            batch, grown, n_needed = [], chunk.n_keys, chunk.n_queries * chunk.n_keys
        batch.append(chunk)
        n_keys, n_scores = grown, n_needed
    if batch:
        yield batch


def _call(
    batch: Sequence[Chunk], rope: Rope, device: torch.device, dtype: torch.dtype
) -> DenseCall:
    n_queries = max(chunk.n_queries for chunk in batch)
    n_keys = max(chunk.n_keys for chunk in batch)
    lengths = torch.tensor([(c.token, c.n_queries, c.n_keys) for c in batch], device=device)
    token, own_queries, own_keys = lengths[:, :, None].unbind(1)  # each [n_chunks, 1]
    index = torch.arange(n_queries, device=device)
    tokens = token + torch.minimum(index, own_queries - 1)
    position = own_keys - own_queries + torch.minimum(index, own_queries - 1)
    slots, turns = _keys(batch, n_keys, rope, device, dtype)
    causal_from_0 = len(batch) == 1 and n_queries == n_keys
    places = torch.arange(n_keys, device=device)
    return DenseCall(
        tokens=tokens,
        results=index < own_queries if any(c.n_queries < n_queries for c in batch) else None,
        rotation=rope.cos_sin(position[:, :, None], dtype),
        slots=slots,
        turns=turns,
        mask=None if causal_from_0 else (places <= position[:, :, None])[:, None],
    )


def _keys(
    batch: Sequence[Chunk], n_keys: int, rope: Rope, device: torch.device, dtype: torch.dtype
) -> tuple[slice | Tensor, Rotation | None]:
    """Slots of the keys of a call, and by what they are turned."""
    placed = [_placed(chunk) for chunk in batch]
    first = placed[0][0][0].slot
    shifted = any(shift for spans in placed for _, shift in spans)
    if len(batch) == 1 and not shifted and _is_one_run([span for span, _ in placed[0]]):
        return slice(first, first + n_keys), None
    slots = [_padded(slots_of([span for span, _ in spans]), n_keys) for spans in placed]
    turns = None
    if shifted:
        shifts = [
            _padded(
                np.repeat([shift for _, shift in spans], [s.n_tokens for s, _ in spans]), n_keys
            )
            for spans in placed
        ]
        turns = further_rotation(rope, np.concatenate(shifts), device=device, dtype=dtype)
    return torch.from_numpy(np.concatenate(slots)).to(device), turns


def _padded(values: Ints, n: int) -> Ints:
    """Keys behind the last place are masked, so any slot that was written will do for them."""
    return np.concatenate((values, np.full(n - len(values), values[0])))


def _placed(chunk: Chunk) -> list[tuple[Span, int]]:
    """The spans up to the last place of a chunk, with their shifts."""
    placed: list[tuple[Span, int]] = []
    place = 0
    for span in chunk.row.spans:
        n_tokens = min(span.n_tokens, chunk.n_keys - place)
        if n_tokens <= 0:
            break
        placed.append((span._replace(n_tokens=n_tokens), place - span.rotated_for))
        place += n_tokens
    return placed


def _is_one_run(spans: Sequence[Span]) -> bool:
    return all(one.slot + one.n_tokens == two.slot for one, two in pairwise(spans))
