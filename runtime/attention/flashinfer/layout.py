"""From requests to lines and parts: all numbers of a step. numpy, no tensors.

    request   slots, and the rows that see them (`requests.py`)
    line      one new token of one row against one request: a query, rotated for that request.
              The lines of a request are neighbours
    part      a line as what a token's result is merged from

All lines of a request see from the same key on, and each up to a key of its own. Pages are read
whole, so what FlashInfer plans is good until a block grows into a new page.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from runtime.attention.base import SpanRow
from runtime.attention.cache import Ints, rotations_of, slots_of
from runtime.attention.flashinfer.requests import (
    PAGE_TOKENS,
    Requests,
    cut,
    long_last,
    runs_of,
    starts_of,
)

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

    def holds(self, other: "Bucket") -> bool:
        """Whether steps of the shape `other` can be padded to this one."""
        return (
            other.n_tokens <= self.n_tokens
            and other.n_requests <= self.n_requests
            and other.n_lines_each <= self.n_lines_each
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Requests of one launch.

    Attributes:
        is_long: whether it has the long appends; else runs are cut as far as it is worth it.
        requests: which requests of the step.
        lines: which lines of the step.
        pages: which pages of the step.
        line_starts: int64[n_requests + 1], counted from the first line of the group.
        page_starts: int64[n_requests + 1], counted from the first page of the group.
    """

    is_long: bool
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


def lay_out(rows: Sequence[SpanRow], n_per_kv_head: int, n_cuts_most: int) -> Layout:
    """Number the requests, lines and parts of a step.

    Args:
        rows: the step, at least one row.
        n_per_kv_head: query heads per KV head.
        n_cuts_most: how many requests more than runs keep the device at work.
    """
    runs, n_long = long_last(runs_of(rows), n_per_kv_head)
    requests = cut(runs, n_long, n_cuts_most)
    slots, _, readings = requests
    n_queries = readings[:, 1]
    token, _, turn, n_causal, n_seen = readings.repeat(n_queries, axis=0).T
    later = np.arange(len(token)) - (n_queries.cumsum() - n_queries).repeat(n_queries)
    token = token + later
    n_lines = requests.n_lines()
    line_starts = starts_of(n_lines)
    first = slots % PAGE_TOKENS
    ends = first.repeat(n_lines) + np.minimum(np.maximum(n_causal + later, 0), n_seen)
    seen_by_all = np.empty((len(slots), 2), dtype=np.int64)
    seen_by_all[:, 0], seen_by_all[:, 1] = first, np.minimum.reduceat(ends, line_starts[:-1])
    groups, pages = _groups(requests, line_starts, n_long)
    new_spans = [span for row in rows for span in row.new_spans()]
    return Layout(
        groups=groups,
        pages=pages,
        tokens=token,
        turns=turn + later,
        seen_ends=ends,
        seen_by_all=seen_by_all,
        part_starts=starts_of(np.bincount(token)),
        parts=token.argsort(kind="stable"),
        new_slots=slots_of(new_spans),
        new_positions=rotations_of(new_spans),
    )


def shape_of(layout: Layout) -> Bucket | None:
    """The smallest shape that a step can be padded to; None if it has long appends."""
    if layout.groups[-1].is_long:
        return None
    n_lines = np.diff(layout.groups[0].line_starts)
    return Bucket(
        n_tokens=layout.n_tokens, n_requests=len(n_lines), n_lines_each=int(n_lines.max())
    )


def padded(layout: Layout, bucket: Bucket) -> Layout:
    """The same step in the shape of `bucket`, which must hold it.

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
                is_long=False,
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


def _groups(requests: Requests, line_starts: Ints, n_long: int) -> tuple[list[Group], Ints]:
    """The launches, and the pages of all; the last `n_long` requests are one launch."""
    slots = requests.slots
    n_pages = (requests.ends() + PAGE_TOKENS - 1) // PAGE_TOKENS
    page_starts = starts_of(n_pages)
    pages = (slots // PAGE_TOKENS - page_starts[:-1]).repeat(n_pages) + np.arange(page_starts[-1])
    groups: list[Group] = []
    n_short = len(slots) - n_long
    for is_long, start, stop in ((False, 0, n_short), (True, n_short, len(slots))):
        if start < stop:
            own_lines, own_pages = line_starts[start : stop + 1], page_starts[start : stop + 1]
            groups.append(
                Group(
                    is_long=is_long,
                    requests=slice(start, stop),
                    lines=slice(int(own_lines[0]), int(own_lines[-1])),
                    pages=slice(int(own_pages[0]), int(own_pages[-1])),
                    line_starts=own_lines - own_lines[0],
                    page_starts=own_pages - own_pages[0],
                )
            )
    return groups, pages


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
