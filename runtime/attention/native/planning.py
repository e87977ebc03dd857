"""What a step is for the compiled code. The structs are those of `runtime/native/plan.h`."""

import ctypes
from array import array
from collections.abc import Sequence

from runtime.attention.base import SpanRow
from runtime.native import load_library, threads

CHUNK_TOKENS = 512
"""Keys of a span that are one task, so that threads can share a long span."""
FOUND_MOST = 1 << 24
"""Numbers that may be kept of what is found in all chunks; chunks are doubled to stay below."""
SCORES_ALONE = 1 << 12
"""Scores of one layer, all heads, up to which other threads cost more than they save."""


class Shape(ctypes.Structure):
    """What is the same in all steps of one model."""

    _fields_ = (
        ("n_heads", ctypes.c_int64),
        ("n_kv_heads", ctypes.c_int64),
        ("head_dim", ctypes.c_int64),
        ("n_tiles", ctypes.c_int64),
        ("frequencies", ctypes.c_void_p),
        ("scaling", ctypes.c_double),
    )


class Plan(ctypes.Structure):
    """A step as far as it is told to Python."""

    _fields_ = (
        ("shape", Shape),
        ("region", ctypes.c_void_p),
        *[(name, ctypes.c_int64) for name in ("n_threads", "chunk_tokens")],
        *[(name, ctypes.c_int64) for name in ("n_new", "n_parts", "n_readings", "n_groups")],
        ("n_tasks", ctypes.c_int64),
        *[(name, ctypes.c_void_p) for name in ("readings", "groups", "tasks", "part_starts")],
        *[(name, ctypes.c_void_p) for name in ("new_slots", "new_turns", "turns")],
    )


class Step:
    """A planned step.

    Attributes:
        address: of its `Plan`, which lives as long as this.
    """

    __slots__ = ("_library", "address")

    def __init__(self, address: int, library: ctypes.CDLL) -> None:
        self.address, self._library = address, library

    def __del__(self) -> None:
        self._library.free_plan(self.address)

    @property
    def plan(self) -> Plan:
        return Plan.from_address(self.address)


def plan_step(shape: Shape, rows: Sequence[SpanRow]) -> Step:
    """Plan a step of at least one row; each row has spans, and no span is empty.

    Raises:
        MemoryError: there is none for what is found in all chunks.
    """
    row_fields, spans = array("q"), array("q")
    for row in rows:
        row_fields.append(row.n_new)
        row_fields.append(len(row.spans))
        for span in row.spans:
            spans.extend(span)
    library = load_library()
    address = library.plan_step(
        ctypes.addressof(shape),
        row_fields.buffer_info()[0],
        len(rows),
        spans.buffer_info()[0],
        CHUNK_TOKENS,
        FOUND_MOST,
        *threads(),
        SCORES_ALONE,
    )
    if address is None:
        raise MemoryError("no memory for the attention of a step")
    return Step(address, library)
