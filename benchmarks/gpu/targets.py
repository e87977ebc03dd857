"""What is to be reached, computed from the rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.gpu.measure import Figures

Find = Callable[[str, int, int], Figures]
"""The row of a model, context and number of streams; KeyError if there is none."""


@dataclass(frozen=True, slots=True)
class Target:
    """A figure and its bound.

    Attributes:
        what: in words.
        bound: what it is to be at most, or at least.
        at_most: which of the two.
        figure: how it follows from the rows.
    """

    what: str
    bound: float
    at_most: bool
    figure: Callable[[Find], float]


def _attention(find: Find, n: int) -> float:
    row = find("8B", 16_384, n)
    return row.attention_us / row.private_us


def _rate(find: Find, n: int) -> float:
    """Tokens per second of `n` streams, over those of one."""
    return n * find("8B", 4096, 1).step_ms / find("8B", 4096, n).step_ms


def _of_limit(find: Find, n: int) -> float:
    row = find("8B", 4096, n)
    return row.limit_ms / row.step_ms


def _growth(find: Find, n: int) -> float:
    return find("8B", 4096, n).step_ms / find("8B", 1024, n).step_ms


TARGETS = (
    Target(
        "attention over shared views / private contiguous decode, 8B, 16k, 2 streams",
        1.10,
        True,
        lambda find: _attention(find, 2),
    ),
    Target("the same, 4 streams", 1.10, True, lambda find: _attention(find, 4)),
    Target(
        "preparation of the views per step, 8B, 16k, 4 streams, ms",
        0.2,
        True,
        lambda find: find("8B", 16_384, 4).prepare_ms,
    ),
    Target(
        "tokens per second of 2 streams / of 1, 8B, 4k", 1.95, False, lambda find: _rate(find, 2)
    ),
    Target("of 4 streams / of 1", 3.8, False, lambda find: _rate(find, 4)),
    Target(
        "limit of memory bandwidth / step, 8B, 4k, the least of 1, 2 and 4 streams",
        0.80,
        False,
        lambda find: min(_of_limit(find, n) for n in (1, 2, 4)),
    ),
    Target(
        "step at 4k / step at 1k shared tokens, 8B, the most of 1, 2 and 4 streams",
        1.05,
        True,
        lambda find: max(_growth(find, n) for n in (1, 2, 4)),
    ),
)


def compare(rows: Sequence[Figures]) -> list[dict[str, object]]:
    """Every target with what was measured; None where its rows are missing."""
    known = {(row.model, row.context, row.streams): row for row in rows}
    return [_compared(target, lambda *key: known[key]) for target in TARGETS]


def _compared(target: Target, find: Find) -> dict[str, object]:
    try:
        measured = target.figure(find)
    except KeyError:
        measured = None
    reached = None
    if measured is not None:
        reached = measured <= target.bound if target.at_most else measured >= target.bound
    bound = f"{'≤' if target.at_most else '≥'} {target.bound:g}"
    return {"what": target.what, "target": bound, "measured": measured, "reached": reached}
