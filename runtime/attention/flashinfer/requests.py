"""From rows to requests: which slots are read, and by whom. numpy, once per step.

    run       slots that rows see from the first on; a row may see only a beginning
    request   a run, or a piece of a long one. Its keys are read once for all rows that see it

Slots are read in pages of `PAGE_TOKENS`, whatever the pages of the engine are: neighbouring slots
lie in neighbouring pages, so only the first slot of a run may lie within a page. Keys are counted
from the start of that page.

Long runs are cut, so that the few requests of a step keep all of the device at work. FlashInfer
would split keys too, but evenly, all requests or none, and in a launch more; a prompt of 16,000
tokens beside forty short blocks it would leave whole.
"""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from runtime.attention.base import SpanRow
from runtime.attention.cache import Ints

PAGE_TOKENS = 16
SHORT_RUN_QUERIES = 256
"""Query heads per KV head, over all lines of a run. Above, as in chunks of prompts, queries alone
are enough work; such runs are launched apart, because FlashInfer sizes its tiles by the mean."""
REQUEST_TOKENS_LEAST = 256
"""Runs are not cut further: two tiles of keys, so that one is fetched while one is computed."""


class Requests(NamedTuple):
    """Runs or requests, and who reads them.

    Attributes:
        slots: int64[n_requests], the first of each.
        n_readings: int64[n_requests], how many rows read each.
        readings: int64[n_readings, 5], request after request: the row's first new token; how many
            it has; the position at which that one meets the keys as they are rotated; keys up to
            that one's place, 0 or less if it comes before; keys that the row's view has of the
            request.
    """

    slots: Ints
    n_readings: Ints
    readings: Ints

    def n_lines(self) -> Ints:
        """int64[n_requests]"""
        return np.add.reduceat(self.readings[:, 1], starts_of(self.n_readings)[:-1])

    def ends(self) -> Ints:
        """int64[n_requests], the last key that is seen and one, counted from the first page."""
        n_keys = np.maximum.reduceat(self.readings[:, 4], starts_of(self.n_readings)[:-1])
        return self.slots % PAGE_TOKENS + n_keys


def runs_of(rows: Sequence[SpanRow]) -> Requests:
    """Every run of slots that rows see from its first slot on."""
    found: dict[int, list[int]] = {}
    token = 0
    for row in rows:
        to_place, n_new = row.first_position, row.n_new
        for slot, n_tokens, rotated_for in row.spans:
            reading = token, n_new, to_place + rotated_for, to_place + 1, n_tokens
            found.setdefault(slot, []).extend(reading)
            to_place -= n_tokens
        token += n_new
    flat = np.array(list(chain.from_iterable(found.values())), dtype=np.int64)
    lengths = np.array([len(readings) // 5 for readings in found.values()], dtype=np.int64)
    return Requests(np.array(list(found), dtype=np.int64), lengths, flat.reshape(-1, 5))


def long_last(runs: Requests, n_per_kv_head: int) -> tuple[Requests, int]:
    """Runs with many lines behind the others, and how many they are."""
    is_long = runs.n_lines() * n_per_kv_head > SHORT_RUN_QUERIES
    n_long = int(is_long.sum())
    if not n_long:
        return runs, 0
    order = is_long.argsort(kind="stable")
    readings = runs.readings[is_long.repeat(runs.n_readings).argsort(kind="stable")]
    return Requests(runs.slots[order], runs.n_readings[order], readings), n_long


def cut(runs: Requests, n_long: int, n_cuts_most: int) -> Requests:
    """Pieces of equal length, a power of two, of all runs but the last `n_long`.

    Args:
        runs: of a step.
        n_long: how many of the last are left whole.
        n_cuts_most: how many requests more than runs there may be.
    """
    slots, n_readings, readings = runs
    ends = runs.ends()
    n_keys = int(ends[: len(ends) - n_long].sum())
    size = max(REQUEST_TOKENS_LEAST, 1 << (-(-n_keys // n_cuts_most) - 1).bit_length())
    n_pieces = (ends + size - 1) // size
    n_pieces[len(ends) - n_long :] = 1
    if n_pieces.max() == 1:
        return runs
    run = np.arange(len(ends)).repeat(n_pieces)
    piece = np.arange(len(run)) - (n_pieces.cumsum() - n_pieces)[run]
    skipped = np.maximum(piece * size - slots[run] % PAGE_TOKENS, 0)
    # Behind a long run's only piece nothing is cut off.
    kept = np.where(run < len(ends) - n_long, (piece + 1) * size, ends[run])
    kept -= slots[run] % PAGE_TOKENS + skipped
    n_read = n_readings[run]
    behind = starts_of(n_readings)[run] - (n_read.cumsum() - n_read)
    which = np.arange(n_read.sum()) + behind.repeat(n_read)
    pieces = readings[which]
    pieces[:, 3] -= skipped.repeat(n_read)
    pieces[:, 4] = np.minimum(pieces[:, 4] - skipped.repeat(n_read), kept.repeat(n_read))
    is_seen = pieces[:, 4] > 0
    n_read = np.add.reduceat(is_seen, starts_of(n_read)[:-1], dtype=np.int64)
    return Requests(slots[run] + skipped, n_read, pieces[is_seen])


def starts_of(lengths: NDArray[np.integer]) -> Ints:
    """0 and the running sums, int64[n + 1]"""
    starts = np.zeros(len(lengths) + 1, dtype=np.int64)
    lengths.cumsum(out=starts[1:])
    return starts
