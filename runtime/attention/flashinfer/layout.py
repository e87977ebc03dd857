"""From rows to requests, lines and parts: all numbers of a step. numpy, no tensors.

    request   a run of slots that rows see from its first on. Its keys are read once for all of
              them; a row may see only a beginning
    line      one new token of one row against one request: a query, rotated for that request.
              The lines of a request are neighbours
    part      a line as what a token's result is merged from

Slots are read in pages of `PAGE_TOKENS`, whatever the pages of the engine are: neighbouring slots
lie in neighbouring pages, so only the first slot of a request may lie within a page. Keys are
counted from the start of that page; all lines of a request see from the same key on, and each up to
a key of its own. Pages are read whole, so what FlashInfer plans is good until a block grows into a
new page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from runtime.attention.base import SpanRow
from runtime.attention.cache import Ints, rotations_of, slots_of

PAGE_TOKENS = 16
SHORT_REQUEST_QUERIES = 64
"""Query heads per KV head, over all lines of a request. FlashInfer sizes its tiles by the mean over
a launch, up to 64 and more than 64: requests above that, which are long appends, are apart."""
NO_SLOT = -1


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Bucket:
    """A shape that steps are padded to, so that a CUDA graph fits all of them.

    Attributes:
        n_tokens: new tokens.
        n_requests: requests.
        n_lines_each: lines of every request. All have as many: then FlashInfer sizes its tile by
            them, and as long as they fit into the tile (16 queries) padding costs nothing.
    """

    n_tokens: int
    n_requests: int
    n_lines_each: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Requests of one launch.

    Attributes:
        requests: which requests of the step.
        lines: which lines of the step.
        pages: which pages of the step.
        line_starts: int64[n_requests + 1], counted from the first line of the group.
        page_starts: int64[n_requests + 1], counted from the first page of the group.
    """

    requests: slice
    lines: slice
    pages: slice
    line_starts: Ints
    page_starts: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A step as the kernels are told it.

    Attributes:
        groups: the launches.
        pages: int64[n_pages], pages of all requests one after another.
        tokens: int64[n_lines], the new token of each line.
        turns: int64[n_lines], the position that its query is rotated for.
        seen_ends: int64[n_lines], the key after the last that it sees.
        seen_by_all: int64[n_requests, 2], from which key on a request is seen by its lines, and
            from which on not by all of them.
        part_starts: int64[n + 1], where the parts of each token begin.
        parts: int64[n_lines], lines ordered by token.
        new_slots: int64[n], where the keys of new tokens go; `NO_SLOT` for padding.
        new_positions: int64[n], what they are rotated for.
        bucket: the shape that it is padded to, if any.
    """

    groups: list[Group]
    pages: Ints
    tokens: Ints
    turns: Ints
    seen_ends: Ints
    seen_by_all: Ints
    part_starts: Ints
    parts: Ints
    new_slots: Ints
    new_positions: Ints
    bucket: Bucket | None = None

    @property
    def n_lines(self) -> int:
        return len(self.tokens)

    @property
    def n_tokens(self) -> int:
        return len(self.new_slots)


def lay_out(rows: Sequence[SpanRow], n_per_kv_head: int) -> Layout:
    """Number the requests, lines and parts of a step.

    Args:
        rows: the step, at least one row.
        n_per_kv_head: query heads per KV head.
    """
    slots, n_readings, readings = _readings(rows)
    n_lines = np.add.reduceat(readings[:, 1], _starts(n_readings)[:-1])
    n_short = len(slots)
    is_long = n_lines * n_per_kv_head > SHORT_REQUEST_QUERIES
    if is_long.any():
        n_short -= int(is_long.sum())
        order = is_long.argsort(kind="stable")
        readings = readings[is_long.repeat(n_readings).argsort(kind="stable")]
        slots, n_readings, n_lines = slots[order], n_readings[order], n_lines[order]
    line_starts = _starts(n_lines)
    n_keys = np.maximum.reduceat(readings[:, 4], _starts(n_readings)[:-1])
    groups, pages = _groups(slots, n_keys, line_starts, n_short)

    n_queries = readings[:, 1]
    token, _, turn, n_causal, n_seen = readings.repeat(n_queries, axis=0).T
    later = np.arange(len(token)) - (n_queries.cumsum() - n_queries).repeat(n_queries)
    token = token + later
    first = slots % PAGE_TOKENS
    ends = first.repeat(n_lines) + np.minimum(np.maximum(n_causal + later, 0), n_seen)
    seen_by_all = np.empty((len(slots), 2), dtype=np.int64)
    seen_by_all[:, 0], seen_by_all[:, 1] = first, np.minimum.reduceat(ends, line_starts[:-1])
    new_spans = [span for row in rows for span in row.new_spans()]
    return Layout(
        groups=groups,
        pages=pages,
        tokens=token,
        turns=turn + later,
        seen_ends=ends,
        seen_by_all=seen_by_all,
        part_starts=_starts(np.bincount(token)),
        parts=token.argsort(kind="stable"),
        new_slots=slots_of(new_spans),
        new_positions=rotations_of(new_spans),
    )


def fits(layout: Layout, bucket: Bucket) -> bool:
    """Whether a step can be padded to the shape of `bucket`."""
    if len(layout.groups) > 1 or layout.n_tokens > bucket.n_tokens:
        return False
    n_lines = np.diff(layout.groups[0].line_starts)
    return len(n_lines) <= bucket.n_requests and int(n_lines.max()) <= bucket.n_lines_each


def padded(layout: Layout, bucket: Bucket) -> Layout:
    """The same step in the shape of `bucket`, which it `fits`.

    Lines that are added are merged into no token, requests that are added have no pages, and tokens
    that are added have no parts and no slot.
    """
    [group] = layout.groups
    n_tokens, n_requests, n_each = bucket.n_tokens, bucket.n_requests, bucket.n_lines_each
    n_lines, n_pages = n_requests * n_each, int(group.page_starts[-1])
    own = np.diff(group.line_starts)
    places = np.arange(layout.n_lines)
    places += (np.arange(len(own)) * n_each - group.line_starts[:-1]).repeat(own)
    return Layout(
        groups=[
            Group(
                requests=slice(0, n_requests),
                lines=slice(0, n_lines),
                pages=group.pages,
                line_starts=np.arange(n_requests + 1) * n_each,
                page_starts=_filled(group.page_starts, n_requests + 1, n_pages),
            )
        ],
        pages=layout.pages,
        tokens=_placed(layout.tokens, places, n_lines),
        turns=_placed(layout.turns, places, n_lines),
        seen_ends=_placed(layout.seen_ends, places, n_lines),
        seen_by_all=_filled(layout.seen_by_all, n_requests),
        part_starts=_filled(layout.part_starts, n_tokens + 1, layout.n_lines),
        parts=_filled(places[layout.parts], n_lines),
        new_slots=_filled(layout.new_slots, n_tokens, NO_SLOT),
        new_positions=_filled(layout.new_positions, n_tokens),
        bucket=bucket,
    )


def _readings(rows: Sequence[SpanRow]) -> tuple[Ints, Ints, Ints]:
    """The requests, and who reads them.

    Returns:
        First slots, int64[n_requests]; how many rows read each, int64[n_requests]; and
        int64[n_readings, 5], request after request: the row's first new token; how many it has; the
        position at which that one meets the keys as they are rotated; keys up to that one's place,
        0 or less if it comes before; keys that the row's view has of the request.
    """
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
    return np.array(list(found), dtype=np.int64), lengths, flat.reshape(-1, 5)


def _groups(slots: Ints, n_keys: Ints, line_starts: Ints, n_short: int) -> tuple[list[Group], Ints]:
    """The launches, and the pages of all; the first `n_short` requests are one launch."""
    end = slots % PAGE_TOKENS + n_keys
    n_pages = (end + PAGE_TOKENS - 1) // PAGE_TOKENS
    page_starts = _starts(n_pages)
    pages = (slots // PAGE_TOKENS - page_starts[:-1]).repeat(n_pages) + np.arange(page_starts[-1])
    groups: list[Group] = []
    for start, stop in ((0, n_short), (n_short, len(slots))):
        if start < stop:
            own_lines, own_pages = line_starts[start : stop + 1], page_starts[start : stop + 1]
            groups.append(
                Group(
                    requests=slice(start, stop),
                    lines=slice(int(own_lines[0]), int(own_lines[-1])),
                    pages=slice(int(own_pages[0]), int(own_pages[-1])),
                    line_starts=own_lines - own_lines[0],
                    page_starts=own_pages - own_pages[0],
                )
            )
    return groups, pages


def _starts(lengths: NDArray[np.integer]) -> Ints:
    """0 and the running sums, int64[n + 1]"""
    starts = np.zeros(len(lengths) + 1, dtype=np.int64)
    lengths.cumsum(out=starts[1:])
    return starts


def _filled(values: Ints, n: int, rest: int = 0) -> Ints:
    """`values`, and behind them `rest`, `n` in all."""
    found = np.full((n, *values.shape[1:]), rest, dtype=np.int64)
    found[: len(values)] = values
    return found


def _placed(values: Ints, places: Ints, n: int) -> Ints:
    """`values` at `places` among `n`; the others are 0."""
    found = np.zeros(n, dtype=np.int64)
    found[places] = values
    return found
