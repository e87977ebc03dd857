"""Rows as requests, lines and parts: read off by hand, and held to a plain reading of the rows."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.attention.base import Span, SpanRow
from runtime.attention.flashinfer import requests
from runtime.attention.flashinfer.layout import (
    NO_SLOT,
    Bucket,
    Group,
    Layout,
    lay_out,
    padded,
    shape_of,
)
from runtime.attention.flashinfer.requests import PAGE_TOKENS


def row(*spans: tuple[int, int, int], n_new: int = 1) -> SpanRow:
    """Spans as (slot, n_tokens, rotated_for)."""
    found = [Span(*span) for span in spans]
    return SpanRow(found, sum(span.n_tokens for span in found), n_new)


def read(layout: Layout) -> list[list[tuple[int, list[int]]]]:
    """Per token and part, ordered: the turn of the query, and the slots that it sees."""
    found: list[list[tuple[int, list[int]]]] = []
    for start, end in zip(layout.part_starts[:-1], layout.part_starts[1:], strict=True):
        parts = []
        for line in layout.parts[start:end].tolist():
            slots = _slots(layout, line)
            first, by_all = layout.seen_by_all[_request(layout, line)]
            assert all(key < layout.seen_ends[line] for key in range(first, by_all))
            seen = slots[first : layout.seen_ends[line]]
            parts.append((int(layout.turns[line]), seen))
        found.append(sorted(parts))
    return found


def plainly(rows: list[SpanRow]) -> list[list[tuple[int, list[int]]]]:
    """The same from the definition."""
    found: list[list[tuple[int, list[int]]]] = []
    for row in rows:
        for position in range(row.n_tokens - row.n_new, row.n_tokens):
            place, parts = 0, []
            for span in row.spans:
                seen = max(0, min(span.n_tokens, position + 1 - place))
                slots = list(range(span.slot, span.slot + seen))
                parts.append((position - place + span.rotated_for, slots))
                place += span.n_tokens
            found.append(sorted(parts))
    return found


def whole(tokens: list[list[tuple[int, list[int]]]]) -> list[list[tuple[int, int]]]:
    """Per token, every slot that it sees with the turn of the query that sees it, ordered."""
    return [sorted((turn, slot) for turn, slots in parts for slot in slots) for parts in tokens]


def _group(layout: Layout, line: int) -> tuple[Group, int]:
    """The group of a line, and its request counted within the group."""
    for group in layout.groups:
        if group.lines.start <= line < group.lines.stop:
            own = line - group.lines.start
            return group, int(np.searchsorted(group.line_starts, own, side="right")) - 1
    raise AssertionError(f"line {line} is in no group")


def _request(layout: Layout, line: int) -> int:
    group, request = _group(layout, line)
    return group.requests.start + request


def _slots(layout: Layout, line: int) -> list[int]:
    """Slots of the pages of a line's request."""
    group, request = _group(layout, line)
    start, end = group.page_starts[request : request + 2]
    pages = layout.pages[group.pages][start:end].tolist()
    return [page * PAGE_TOKENS + i for page in pages for i in range(PAGE_TOKENS)]


TWO_WORKERS = [
    row((0, 40, 0), (200, 7, 0), (100, 5, 0)),
    row((0, 40, 0), (100, 5, 0), (200, 7, 0)),
]


def test_a_run_of_slots_is_one_request_for_all_that_see_it() -> None:
    layout = lay_out(TWO_WORKERS, 1, 99)
    [group] = layout.groups
    assert group.line_starts.tolist() == [0, 2, 4, 6]
    assert layout.pages.tolist() == [0, 1, 2, 12, 6]
    assert group.page_starts.tolist() == [0, 3, 4, 5]


def test_keys_begin_in_the_middle_of_a_page() -> None:
    layout = lay_out(TWO_WORKERS, 1, 99)
    assert layout.seen_by_all.tolist() == [[0, 40], [8, 15], [4, 9]]


def test_a_query_is_rotated_for_each_request() -> None:
    layout = lay_out(TWO_WORKERS, 1, 99)
    assert layout.turns.tolist() == [51, 51, 11, 6, 4, 11]
    assert layout.tokens.tolist() == [0, 1, 0, 1, 0, 1]


def test_parts_are_lines_by_token() -> None:
    layout = lay_out(TWO_WORKERS, 1, 99)
    assert layout.part_starts.tolist() == [0, 3, 6]
    assert layout.parts.tolist() == [0, 2, 4, 1, 3, 5]


def test_new_keys_go_to_the_last_slots_of_their_rows() -> None:
    layout = lay_out([row((0, 40, 0), (100, 3, 0), (200, 2, 7), n_new=4)], 1, 99)
    assert layout.new_slots.tolist() == [101, 102, 200, 201]
    assert layout.new_positions.tolist() == [1, 2, 7, 8]


def test_new_tokens_see_those_before_them_and_themselves() -> None:
    layout = lay_out([row((0, 20, 0), n_new=3)], 1, 99)
    assert layout.seen_ends.tolist() == [18, 19, 20]
    assert layout.seen_by_all.tolist() == [[0, 18]]


def test_a_row_may_see_only_the_beginning_of_a_request() -> None:
    layout = lay_out([row((0, 30, 0), (64, 1, 0)), row((0, 20, 0), (96, 1, 0))], 1, 99)
    assert layout.seen_ends.tolist() == [30, 20, 1, 1]
    assert layout.seen_by_all.tolist() == [[0, 20], [0, 1], [0, 1]]


def test_long_appends_are_launched_apart() -> None:
    rows = [row((0, 40, 0), (100, 270, 0), n_new=257), row((0, 40, 0), (400, 1, 0))]
    layout = lay_out(rows, 1, 99)
    short, long = layout.groups
    assert (short.is_long, long.is_long) == (False, True)
    assert short.line_starts.tolist() == [0, 1]
    assert long.line_starts.tolist() == [0, 258, 515]
    assert (short.lines, long.lines) == (slice(0, 1), slice(1, 516))
    assert whole(read(layout)) == whole(plainly(rows))


def test_what_is_long_depends_on_the_heads_that_share_keys() -> None:
    rows = [row((0, 40, 0), n_new=16)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests, "SHORT_RUN_QUERIES", 63)
        rows = [*rows, row((100, 3, 0))]
        assert len(lay_out(rows, 3, 99).groups) == 1
        assert len(lay_out(rows, 4, 99).groups) == 2


# ---------------------------------------------------------------- long runs


def test_a_long_run_is_cut_at_the_ends_of_pages() -> None:
    layout = lay_out([row((5, 700, 0)), row((5, 600, 0), (1600, 3, 0))], 1, 99)
    [group] = layout.groups
    assert group.page_starts.tolist() == [0, 16, 32, 45, 46]
    assert layout.seen_by_all.tolist() == [[5, 256], [0, 256], [0, 93], [0, 3]]
    assert layout.seen_ends.tolist() == [256, 256, 256, 256, 193, 93, 3]


def test_the_queries_of_all_pieces_are_rotated_alike() -> None:
    layout = lay_out([row((0, 700, 40))], 1, 99)
    assert layout.turns.tolist() == [739, 739, 739]


def test_a_row_has_no_lines_in_pieces_that_it_does_not_see() -> None:
    layout = lay_out([row((0, 700, 0)), row((0, 200, 0), (1600, 1, 0))], 1, 99)
    assert layout.groups[0].line_starts.tolist() == [0, 2, 3, 4, 5]


@pytest.mark.parametrize(("n_cuts_most", "n_requests"), [(99, 16), (16, 16), (15, 8), (1, 1)])
def test_runs_are_cut_until_the_device_is_full(n_cuts_most: int, n_requests: int) -> None:
    layout = lay_out([row((0, 4096, 0))], 1, n_cuts_most)
    assert len(layout.seen_by_all) == n_requests


def test_short_runs_beside_a_long_one_do_not_keep_it_whole() -> None:
    short = [row((10_000 + 100 * i, 20, 0)) for i in range(200)]
    layout = lay_out([row((0, 4096, 0)), *short], 1, 33)
    assert len(layout.seen_by_all) == 200 + 8


def test_long_appends_are_not_cut() -> None:
    layout = lay_out([row((0, 5000, 0), n_new=300)], 1, 99)
    assert len(layout.seen_by_all) == 1


# ---------------------------------------------------------------- all of it


@st.composite
def steps(draw: st.DrawFn) -> list[SpanRow]:
    """Rows that see runs of slots in any order, or beginnings of them, and write their own."""
    runs = [(100 * i + draw(st.integers(0, 40)), draw(st.integers(1, 50))) for i in range(4)]
    rows = []
    for i in range(draw(st.integers(1, 4))):
        spans = [
            Span(slot, draw(st.integers(1, n)), 7 * slot)
            for slot, n in draw(st.permutations(runs))[: draw(st.integers(0, 4))]
        ]
        n_new = draw(st.integers(1, 30))
        n_own = n_new + draw(st.integers(0, 5))
        cut = draw(st.integers(1, n_own))
        own = [Span(1000 + 100 * i, cut, 3), Span(2000 + 100 * i, n_own - cut, 3 + cut)]
        spans += [span for span in own if span.n_tokens]
        rows.append(SpanRow(spans, sum(span.n_tokens for span in spans), n_new))
    return rows


@settings(max_examples=60, deadline=None)
@given(rows=steps(), n_per_kv_head=st.sampled_from([1, 10]), n_cuts=st.sampled_from([1, 3, 99]))
def test_lines_say_what_rows_say(rows: list[SpanRow], n_per_kv_head: int, n_cuts: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests, "REQUEST_TOKENS_LEAST", 16)
        layout = lay_out(rows, n_per_kv_head, n_cuts)
    assert whole(read(layout)) == whole(plainly(rows))


@settings(max_examples=60, deadline=None)
@given(rows=steps())
def test_padding_changes_nothing_for_what_was_there(rows: list[SpanRow]) -> None:
    layout = lay_out(rows, 1, 99)
    bucket = Bucket(n_tokens=121, n_requests=13, n_lines_each=120)
    shape = shape_of(layout)
    if shape is None:
        assert len(layout.groups) == 2
        return
    assert bucket.holds(shape)
    wide = padded(layout, bucket)
    n = layout.n_tokens
    assert read(wide)[:n] == read(layout)
    assert read(wide)[n:] == [[]] * (121 - n)
    assert wide.new_slots[n:].tolist() == [NO_SLOT] * (121 - n)


def test_all_steps_of_a_bucket_have_one_shape() -> None:
    bucket = Bucket(n_tokens=4, n_requests=5, n_lines_each=3)
    shapes = []
    for rows in (TWO_WORKERS, [row((0, 1, 0))], [row((0, 90, 0), (192, 4, 9), n_new=3)]):
        wide = padded(lay_out(rows, 1, 99), bucket)
        shapes.append([np.shape(getattr(wide, f.name)) for f in fields(wide) if f.name != "pages"])
        [group] = wide.groups
        assert np.diff(group.line_starts).tolist() == [3] * 5
        shapes[-1] += [np.shape(getattr(group, f.name)) for f in fields(group)]
    assert shapes[0] == shapes[1] == shapes[2]


def test_a_step_has_the_shape_of_its_tokens_requests_and_most_lines() -> None:
    shape = shape_of(lay_out(TWO_WORKERS, 1, 99))
    assert shape == Bucket(n_tokens=2, n_requests=3, n_lines_each=2)


@pytest.mark.parametrize("field", ["n_tokens", "n_requests", "n_lines_each"])
def test_a_shape_holds_what_is_nowhere_larger(field: str) -> None:
    bucket = Bucket(n_tokens=2, n_requests=3, n_lines_each=2)
    assert bucket.holds(bucket)
    assert bucket.holds(replace(bucket, **{field: 1}))
    assert not bucket.holds(replace(bucket, **{field: 9}))
