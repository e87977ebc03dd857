"""What the kernel is given for a step, as arrays. No keys and values here.

A **reading** is a row that sees a span. Readings of spans that begin in the same slot are a
**group**: they read the same keys, some of them fewer than others. A group is read in **chunks**; a
**task** is one chunk of one group. What one new token finds in one chunk is a **part**. The parts
of one token are neighbours: chunk after chunk, span after span, in the order of its view.
"""

import ctypes
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np

from runtime.attention.base import Span, SpanRow
from runtime.attention.cache import Ints, rotations_of, slots_of

CHUNK_TOKENS = 512
"""Keys of a span that are one task, so that threads can share a long span."""
FOUND_MOST = 1 << 24
"""Numbers that all parts may hold; chunks are doubled to stay below."""


class Reading(NamedTuple):
    """A row that sees a span. Fields as in `kernel.c`."""

    token: int
    n_tokens: int
    n_causal: int
    n_keys: int
    turn: int
    part: int
    n_parts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A step, the same in all layers. Fields as in `kernel.c`.

    Attributes:
        chunk_tokens: keys of a chunk.
        n_parts: of all tokens.
        readings: int64[n_readings, 7], group after group.
        groups: int64[n_groups, 4]: first slot, keys, first reading, number of readings.
        tasks: int64[n_tasks, 2]: group, and number of the chunk.
        part_starts: int64[n_new + 1], the first part of each new token.
        new_slots: int64[n_new], where the new keys and values go.
        new_turns: int64[n_new], index into `positions`.
        turns: int64[...], index into `positions`, per reading and token of it.
        positions: int64[n_positions], all positions that something is rotated for.
        n_scores: scores per head.
    """

    chunk_tokens: int
    n_parts: int
    readings: Ints
    groups: Ints
    tasks: Ints
    part_starts: Ints
    new_slots: Ints
    new_turns: Ints
    turns: Ints
    positions: Ints
    n_scores: int


class CPlan(ctypes.Structure):
    """The struct `Plan` of `kernel.c`."""

    _fields_ = (
        *[(name, ctypes.c_int64) for name in ("n_heads", "n_kv_heads", "head_dim", "n_tiles")],
        *[(name, ctypes.c_int64) for name in ("chunk_tokens", "n_threads", "n_new", "n_tasks")],
        *[(name, ctypes.c_void_p) for name in ("readings", "groups", "tasks", "part_starts")],
        *[(name, ctypes.c_void_p) for name in ("new_slots", "new_turns", "turns", "rotations")],
        *[(name, ctypes.c_void_p) for name in ("found", "largest", "sums", "region")],
    )


def plan(rows: Sequence[SpanRow], part_numbers: int) -> Plan:
    """Plan a step.

    Args:
        rows: of the step, at least one.
        part_numbers: numbers that are kept of one part: heads times width of values.
    """
    chunk = _chunk_tokens(rows, part_numbers)
    groups: dict[int, list[Reading]] = {}
    turns: list[Span] = []
    token = part = n_turns = n_scores = 0
    n_parts_of_rows: list[int] = []
    for row in rows:
        n_new, to_place, next_part = row.n_new, row.first_position, part
        n_parts = sum([-(-span.n_tokens // chunk) for span in row.spans])
        for slot, n_keys, rotated_for in row.spans:
            reading = Reading(token, n_new, to_place + 1, n_keys, n_turns, next_part, n_parts)
            groups.setdefault(slot, []).append(reading)
            turns.append(Span(slot, n_new, to_place + rotated_for))
            n_turns += n_new
            to_place -= n_keys
            next_part += -(-n_keys // chunk)
        n_parts_of_rows.append(n_parts)
        part += n_parts * n_new
        token += n_new
        n_scores += n_new * row.n_tokens
    new_spans = [span for row in rows for span in row.new_spans()]
    positions, which = np.unique(rotations_of([*new_spans, *turns]), return_inverse=True)
    group_fields, tasks = _groups(groups, chunk)
    return Plan(
        chunk_tokens=chunk,
        n_parts=part,
        readings=_array(chain.from_iterable(groups.values()), len(Reading._fields)),
        groups=group_fields,
        tasks=tasks,
        part_starts=_starts(n_parts_of_rows, [row.n_new for row in rows]),
        new_slots=slots_of(new_spans),
        new_turns=which[:token],
        turns=which[token:],
        positions=positions,
        n_scores=n_scores,
    )


def _chunk_tokens(rows: Sequence[SpanRow], part_numbers: int) -> int:
    """`CHUNK_TOKENS`, or as much more as keeps what is found in all parts within `FOUND_MOST`."""
    chunk = CHUNK_TOKENS
    longest = max([span.n_tokens for row in rows for span in row.spans])
    while chunk < longest:
        n_parts = sum(
            [row.n_new * -(-span.n_tokens // chunk) for row in rows for span in row.spans]
        )
        if n_parts * part_numbers <= FOUND_MOST:
            break
        chunk *= 2
    return chunk


def _groups(groups: dict[int, list[Reading]], chunk: int) -> tuple[Ints, Ints]:
    """Fields of all groups, and their tasks."""
    fields: list[tuple[int, int, int, int]] = []
    first = 0
    for slot, readings in groups.items():
        fields.append((slot, max([r.n_keys for r in readings]), first, len(readings)))
        first += len(readings)
    array = np.array(fields, dtype=np.int64)
    n_chunks = -(-array[:, 1] // chunk)
    group = np.arange(len(array)).repeat(n_chunks)
    begins = n_chunks.cumsum() - n_chunks
    return array, np.stack((group, np.arange(len(group)) - begins[group]), axis=1)


def _starts(n_parts: Sequence[int], n_new: Sequence[int]) -> Ints:
    """First part of each new token, and the number of all; both arguments are per row."""
    starts = np.zeros(sum(n_new) + 1, dtype=np.int64)
    np.cumsum(np.array(n_parts).repeat(n_new), out=starts[1:])
    return starts


def _array(fields: Iterable[tuple[int, ...]], n_fields: int) -> Ints:
    return np.fromiter(chain.from_iterable(fields), dtype=np.int64).reshape(-1, n_fields)
