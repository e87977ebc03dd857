"""Cutting views into pieces that are read once for all rows that see them. No tensors.

A long span is one piece, to be read in place, and so is a short one that very many rows see. Other
short ones are cut into tiles, to be fetched together with other tiles. Rows may see beginnings of
different length of one span; they read the same pieces. Pieces that make one batched product are a
batch: a long piece by itself, tiles with tiles that have about as many queries.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from runtime.attention.base import SpanRow

LONG_SPAN_TOKENS = 256
"""From here on a product of its own costs less than fetching the keys."""
BUSY_SPAN_SCORES = 1 << 14
"""A shorter one that is met by many queries is long too, from so many scores per head on."""
MANY_ROWS = 128
"""It is worth looking for such spans."""
TILE_TOKENS = 64
"""Every tile has queries of its own to be picked and rotated: small ones cost more than padding."""
SCORES_MOST = 1 << 25
"""Scores of one product; a long span is cut further to stay below."""
PADDED_FREELY = 4096
"""Padding with so many queries costs less than a second product."""
PADDED_FREELY_ON_CPU = 64


class Reading(NamedTuple):
    """A row that sees a piece."""

    token: int
    """The row's first new token, counted over all rows."""
    n_queries: int
    """New tokens of the row."""
    turn: int
    """Position at which its first new token meets the keys of the piece as they are rotated."""
    n_causal: int
    """Keys from the start of the piece up to that token's place; 0 or less if it comes before."""
    n_keys: int
    """Keys of the piece that the row's view has."""


class Piece(NamedTuple):
    """Neighbouring slots that are read together, and who reads them."""

    slot: int
    in_place: bool
    n_keys: int
    n_queries: int
    readings: list[Reading]


def cut_pieces(rows: Sequence[SpanRow], n_heads: int) -> list[Piece]:
    """All pieces that the rows see, each once. The scores of each are at most `SCORES_MOST`."""
    readings: dict[tuple[int, bool], list[Reading]] = {}
    busy = _busy_slots(rows) if len(rows) >= MANY_ROWS else frozenset[int]()
    token = 0
    for row in rows:
        to_place, n_new = row.first_position, row.n_new
        for slot, n_tokens, rotated_for in row.spans:
            turn = to_place + rotated_for
            in_place = n_tokens >= LONG_SPAN_TOKENS or slot in busy
            size = n_tokens if in_place else TILE_TOKENS
            for cut in range(0, n_tokens, size):
                n_keys = min(size, n_tokens - cut)
                reading = Reading(token, n_new, turn, to_place - cut + 1, n_keys)
                readings.setdefault((slot + cut, in_place), []).append(reading)
            to_place -= n_tokens
        token += n_new
    return [
        piece
        for (slot, in_place), readers in readings.items()
        for piece in _bounded(_piece(slot, in_place, readers), n_heads)
    ]


def batches_of(pieces: Sequence[Piece], *, on_cpu: bool) -> list[list[Piece]]:
    """Which pieces go into one product."""
    free = PADDED_FREELY_ON_CPU if on_cpu else PADDED_FREELY
    long = [[piece] for piece in pieces if piece.in_place]
    tiles = [piece for piece in pieces if not piece.in_place]
    if not tiles:
        return long
    n_padded = _n_padded(tiles)
    if n_padded - sum([tile.n_queries for tile in tiles]) <= free:
        return [*long, tiles]
    ordered = sorted(tiles, key=_size_class)
    alike = [list(batch) for _, batch in groupby(ordered, key=_size_class)]
    if n_padded - sum(map(_n_padded, alike)) <= free * (len(alike) - 1):
        return [*long, tiles]
    return [*long, *alike]


def _busy_slots(rows: Sequence[SpanRow]) -> frozenset[int]:
    """Where spans begin that so many queries meet that a product of its own costs less."""
    n_scores: Counter[int] = Counter()
    for row in rows:
        for slot, n_tokens, _ in row.spans:
            n_scores[slot] += row.n_new * n_tokens
    return frozenset(slot for slot, n in n_scores.items() if n >= BUSY_SPAN_SCORES)


def _piece(slot: int, in_place: bool, readings: list[Reading]) -> Piece:
    n_keys = n_queries = 0
    for reading in readings:
        n_queries += reading.n_queries
        n_keys = max(n_keys, reading.n_keys)
    return Piece(slot, in_place, n_keys, n_queries, readings)


def _bounded(piece: Piece, n_heads: int) -> Iterator[Piece]:
    size = max(TILE_TOKENS, SCORES_MOST // (n_heads * piece.n_queries))
    if piece.n_keys <= size:
        yield piece
        return
    for cut in range(0, piece.n_keys, size):
        readings = [
            r._replace(n_causal=r.n_causal - cut, n_keys=min(size, r.n_keys - cut))
            for r in piece.readings
            if r.n_keys > cut
        ]
        yield _piece(piece.slot + cut, piece.in_place, readings)


def _n_padded(batch: Sequence[Piece]) -> int:
    """Queries of a product, padding included."""
    return len(batch) * max([piece.n_queries for piece in batch])


def _size_class(piece: Piece) -> int:
    """1, 2 to 4, 5 to 16, … queries: padding is at most fourfold."""
    return ((piece.n_queries - 1).bit_length() + 1) // 2
