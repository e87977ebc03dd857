"""From rows to requests, lines and parts: all numbers of a step. numpy, no tensors.

    request   a run of slots that rows see from its first on. Its keys are read once for all of
              them; a row may see only a beginning
    line      one new token of one row against one request: a query, rotated for that request.
              The lines of a request are neighbours
    part      a line as what a token's result is merged from

Slots are read in pages of `PAGE_TOKENS`, whatever the pages of the engine are: neighbouring slots
lie in neighbouring pages, so only the first slot of a request may lie within a page. Keys are
counted from the start of that page: all lines of a request see from the same key on, and each up to
a key of its own.
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
        last_page_tokens: int64[n_requests], slots to read of each request's last page.
    """

    requests: slice
    lines: slice
    pages: slice
    line_starts: Ints
    page_starts: Ints
    last_page_tokens: Ints


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
    slots, readings = _readings(rows)
    request, n_queries, n_keys = readings[:, 0], readings[:, 2], readings[:, 5]
    n_lines = np.bincount(request, weights=n_queries).astype(np.int64)
    longest = np.zeros_like(n_lines)
    np.maximum.at(longest, request, n_keys)
    is_long = n_lines * n_per_kv_head > SHORT_REQUEST_QUERIES
    n_short = len(slots) - int(is_long.sum())
    order = is_long.argsort(kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))

    by_request = readings[place[request].argsort(kind="stable")]
    request, token, n_queries, turn, n_causal, n_keys = by_request.repeat(by_request[:, 2], 0).T
    n_queries = by_request[:, 2]
    later = np.arange(len(token)) - (n_queries.cumsum() - n_queries).repeat(n_queries)
    token = token + later
    hole = (slots % PAGE_TOKENS)[order]
    ends = hole.repeat(n_lines[order]) + np.clip(n_causal + later, 0, n_keys)
    groups, pages = _groups(slots[order], longest[order], n_lines[order], n_short)
    new_spans = [span for row in rows for span in row.new_spans()]
    return Layout(
        groups=groups,
        pages=pages,
        tokens=token,
        turns=turn + later,
        seen_ends=ends,
        seen_by_all=np.stack((hole, np.minimum.reduceat(ends, _starts(n_lines[order])[:-1])), 1),
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
    n_lines = np.diff(group.line_starts)
    n_requests, n_each = bucket.n_requests, bucket.n_lines_each
    n_more_requests = n_requests - len(n_lines)
    skipped = np.arange(len(n_lines)) * n_each - group.line_starts[:-1]
    lines = np.arange(layout.n_lines) + skipped.repeat(n_lines)
    n_more_tokens = bucket.n_tokens - layout.n_tokens
    n_all = n_requests * n_each
    return Layout(
        groups=[
            Group(
                requests=slice(0, n_requests),
                lines=slice(0, n_all),
                pages=group.pages,
                line_starts=np.arange(n_requests + 1) * n_each,
                page_starts=np.pad(group.page_starts, (0, n_more_requests), mode="edge"),
                last_page_tokens=np.pad(group.last_page_tokens, (0, n_more_requests)),
            )
        ],
        pages=layout.pages,
        tokens=_placed(layout.tokens, lines, n_all),
        turns=_placed(layout.turns, lines, n_all),
        seen_ends=_placed(layout.seen_ends, lines, n_all),
        seen_by_all=np.pad(layout.seen_by_all, ((0, n_more_requests), (0, 0))),
        part_starts=np.pad(layout.part_starts, (0, n_more_tokens), mode="edge"),
        parts=np.pad(lines[layout.parts], (0, n_all - layout.n_lines)),
        new_slots=np.pad(layout.new_slots, (0, n_more_tokens), constant_values=NO_SLOT),
        new_positions=np.pad(layout.new_positions, (0, n_more_tokens)),
        bucket=bucket,
    )


def _readings(rows: Sequence[SpanRow]) -> tuple[Ints, Ints]:
    """First slots of the requests, and who reads them.

    Returns:
        int64[n_requests], and int64[n_readings, 6]: the request; the row's first new token; how
        many it has; the position at which that one meets the keys as they are rotated; keys up to
        that one's place, 0 or less if it comes before; keys that the row's view has of it.
    """
    numbers: dict[int, int] = {}
    found: list[tuple[int, int, int, int, int, int]] = []
    token = 0
    for row in rows:
        to_place, n_new = row.first_position, row.n_new
        for slot, n_tokens, rotated_for in row.spans:
            number = numbers.setdefault(slot, len(numbers))
            found.append((number, token, n_new, to_place + rotated_for, to_place + 1, n_tokens))
            to_place -= n_tokens
        token += n_new
    flat = np.fromiter(chain.from_iterable(found), dtype=np.int64, count=6 * len(found))
    return np.fromiter(numbers, dtype=np.int64, count=len(numbers)), flat.reshape(-1, 6)


def _groups(slots: Ints, n_keys: Ints, n_lines: Ints, n_short: int) -> tuple[list[Group], Ints]:
    """The launches, and the pages of all; the first `n_short` requests are one launch."""
    end = slots % PAGE_TOKENS + n_keys
    n_pages = (end + PAGE_TOKENS - 1) // PAGE_TOKENS
    page_starts, line_starts = _starts(n_pages), _starts(n_lines)
    pages = (slots // PAGE_TOKENS - page_starts[:-1]).repeat(n_pages) + np.arange(page_starts[-1])
    groups: list[Group] = []
    for start, stop in ((0, n_short), (n_short, len(slots))):
        if start < stop:
            page_span, line_span = page_starts[start : stop + 1], line_starts[start : stop + 1]
            groups.append(
                Group(
                    requests=slice(start, stop),
                    lines=slice(int(line_span[0]), int(line_span[-1])),
                    pages=slice(int(page_span[0]), int(page_span[-1])),
                    line_starts=line_span - line_span[0],
                    page_starts=page_span - page_span[0],
                    last_page_tokens=(end[start:stop] - 1) % PAGE_TOKENS + 1,
                )
            )
    return groups, pages


def _starts(lengths: NDArray[np.integer]) -> Ints:
    """0 and the running sums, int64[n + 1]"""
    starts = np.zeros(len(lengths) + 1, dtype=np.int64)
    lengths.cumsum(out=starts[1:])
    return starts


def _placed(values: Ints, places: Ints, n: int) -> Ints:
    """`values` at `places` among `n`; the others are 0."""
    spread = np.zeros((n, *values.shape[1:]), dtype=np.int64)
    spread[places] = values
    return spread
