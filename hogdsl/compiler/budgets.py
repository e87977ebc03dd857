"""Budgets.

A view holds no more tokens than the model's context. What a stream may come to see is at most the
sum of the budgets of all who write the blocks in its view, itself included: of each the smaller of
its own budget and what its `gen`s allow together, and of all of them no more than the region's.
Committed steps are counted with those who write them; the parts of a worker share one budget.

It is a lower bound of that sum that is compared with the context: texts, whose tokens depend on the
model, count nothing here, nor does a `gen` without a bound. So what is refused would be too long
if everybody used what it was given.
"""

from collections.abc import Sequence

from hogdsl.compiler.ir import (
    Item,
    RegionIR,
    SeesHistory,
    SeesStream,
    StreamIR,
    nodes_of,
    whole_name,
)
from hogdsl.compiler.nodes import Gen
from hogdsl.compiler.views import whole_views


def check_budgets(region: RegionIR, context_length: int) -> None:
    """Check that what the streams of a flat region may write fits into the context of each.

    Raises:
        ProgramError: it does not.
    """
    views = whole_views(region)
    for stream in region.streams:
        budgets = {name: budget(parts) for name, parts in _seen(views[stream.name], region).items()}
        total = sum(budgets.values())
        if region.max_tokens is not None:
            total = min(total, region.max_tokens)
        if total > context_length:
            me = whole_name(stream)
            counted = [f"{budgets.pop(me)} of its own"] if budgets[me] else []
            counted += [f"{n} of {name!r}" for name, n in budgets.items() if n]
            raise stream.place.error(
                f"{me!r} may come to see {total} tokens ({', '.join(counted)}), and the model's "
                f"context holds {context_length}. Give smaller max_tokens=.",
                code="over-context",
            )


def budget(parts: Sequence[StreamIR]) -> int:
    """The most tokens that the model may write in parts of a stream, as far as is known."""
    gens = [n for part in parts for n in nodes_of(part) if isinstance(n, Gen)]
    known = sum(gen.max_tokens or 0 for gen in gens)
    of_stream = parts[0].max_tokens
    if of_stream is None:
        return known
    is_open = any(gen.max_tokens is None for gen in gens)
    return of_stream if is_open else min(of_stream, known)


def _seen(view: tuple[Item, ...], region: RegionIR) -> dict[str, list[StreamIR]]:
    """The streams whose text a view shows, each with the parts that it shows, the own one first."""
    streams = {stream.name: stream for stream in region.streams}
    shown: dict[str, StreamIR] = {}
    for item in reversed(view):
        if isinstance(item, SeesStream):
            shown[item.stream] = streams[item.stream]
        elif isinstance(item, SeesHistory):
            shown |= {
                s.name: s
                for s in region.streams
                if s.commit is not None and s.commit.history == item.history
            }
    found: dict[str, list[StreamIR]] = {}
    for stream in shown.values():
        found.setdefault(whole_name(stream), []).append(stream)
    return found
