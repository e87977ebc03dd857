"""Numbering the picked rows: which query head of which token goes where. numpy, once per step.

A **line** is one new token of one row against one piece. It has one picked row per query head.
Picked rows are ordered as the products want them: by batch, KV head, piece, line within the piece,
and query head within the KV head. A piece with fewer lines than its batch has most is padded with
picked rows that see no key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from runtime.attention.cache import Ints
from runtime.attention.pieces import Piece, Reading

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picking:
    """All lines of a step.

    Attributes:
        token: int64[n_lines], the new token.
        turn: int64[n_lines], the position that its query is rotated for.
        n_seen: int64[n_lines], keys of the piece that it sees, from the first.
        rows: int64[n_lines, n_kv_heads, query heads per KV head], its picked rows.
        row_starts: first picked row of each batch, and the number of all.
        line_starts: first line of each batch, and the number of all.
    """

    token: Ints
    turn: Ints
    n_seen: Ints
    rows: Ints
    row_starts: list[int]
    line_starts: list[int]

    def spread(self, values: Ints) -> Ints:
        """A value per line, or per line and head, as a value per picked row; padding gets 0."""
        picked = np.zeros(self.row_starts[-1], dtype=np.int64)
        picked[self.rows] = values if values.ndim == 3 else values[:, None, None]
        return picked

    def parts(self) -> tuple[Ints, Bools | None]:
        """The picked rows from which each result is merged.

        Returns:
            int64[n_tokens * n_heads, n_parts] and, unless all results have as many parts, bool of
            the same shape: true where there is a part. The rest repeats the first part.
        """
        order = self.token.argsort(kind="stable")
        token, rows = self.token[order], self.rows[order]
        n_parts = np.bincount(token)
        firsts = n_parts.cumsum() - n_parts
        most = int(n_parts.max())
        parts = rows[firsts][..., None].repeat(most, axis=-1)
        parts[token, :, :, np.arange(len(token)) - firsts[token]] = rows
        n_heads = rows.shape[1] * rows.shape[2]
        parts = parts.reshape(-1, most)
        if int(n_parts.min()) == most:
            return parts, None
        return parts, (np.arange(most) < n_parts[:, None]).repeat(n_heads, axis=0)


def pick(batches: Sequence[Sequence[Piece]], n_kv_heads: int, n_per_kv_head: int) -> Picking:
    """Number the picked rows of a step with at least one piece.

    Args:
        batches: pieces that make one product each.
        n_kv_heads: of the model.
        n_per_kv_head: query heads per KV head.
    """
    flat = chain.from_iterable(r for batch in batches for piece in batch for r in piece.readings)
    readings = np.fromiter(flat, dtype=np.int64).reshape(-1, len(Reading._fields))
    n_queries = readings[:, 1]
    token, _, turn, n_causal, n_keys = readings.repeat(n_queries, axis=0).T
    later = np.arange(len(token)) - (n_queries.cumsum() - n_queries).repeat(n_queries)
    first, per_kv_head, row_starts, line_starts = _layout(batches, n_kv_heads, n_per_kv_head)
    rows = first[:, None, None] + np.arange(n_per_kv_head)
    return Picking(
        token=token + later,
        turn=turn + later,
        n_seen=np.minimum(np.maximum(n_causal + later, 0), n_keys),
        rows=rows + per_kv_head[:, None, None] * np.arange(n_kv_heads)[:, None],
        row_starts=row_starts,
        line_starts=line_starts,
    )


def _layout(
    batches: Sequence[Sequence[Piece]], n_kv_heads: int, n_per_kv_head: int
) -> tuple[Ints, Ints, list[int], list[int]]:
    """First picked row per line, its distance to the next KV head's, and where batches start."""
    row_starts, line_starts = [0], [0]
    pieces: list[tuple[int, int, int]] = []
    for batch in batches:
        n_rows = n_per_kv_head * max(piece.n_queries for piece in batch)
        start, n_lines = row_starts[-1], 0
        for piece in batch:
            pieces.append((start, n_rows * len(batch), piece.n_queries))
            start += n_rows
            n_lines += piece.n_queries
        row_starts.append(row_starts[-1] + n_kv_heads * n_rows * len(batch))
        line_starts.append(line_starts[-1] + n_lines)
    by_piece = np.array(pieces, dtype=np.int64)
    n_lines = by_piece[:, 2]
    start, per_kv_head, _ = by_piece.repeat(n_lines, axis=0).T
    rank = np.arange(len(start)) - (n_lines.cumsum() - n_lines).repeat(n_lines)
    return start + rank * n_per_kv_head, per_kv_head, row_starts, line_starts
