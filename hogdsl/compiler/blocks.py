"""Lowering of views: which blocks a region adds, and what each stream sees by their names.

Texts of views become blocks that equal beginnings share (`sharing`). A detached text is one block
for all views of its region, wherever they show it: what it is encoded after is no matter of theirs,
and makes a view of its own, which no stream has.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import assert_never

from hogdsl import plan
from hogdsl.compiler.ir import (
    Item,
    RegionIR,
    SeesHistory,
    SeesScope,
    SeesStream,
)
from hogdsl.compiler.nodes import CloseTurn, Detached, Fixed, Text, Turn, merge_texts
from hogdsl.compiler.pieces import lower_fixed
from hogdsl.compiler.sharing import Element, messages, share
from hogdsl.compiler.views import whole_views


@dataclass(frozen=True, slots=True, kw_only=True)
class LoweredBlocks:
    """The blocks of a region.

    Attributes:
        blocks: all that it adds.
        views: of each stream, in their order, by names.
        kept: those that outlive it.
    """

    blocks: tuple[plan.Block, ...]
    views: tuple[tuple[str, ...], ...]
    kept: tuple[str, ...]


def lower_blocks(region: RegionIR) -> LoweredBlocks:
    """The blocks of a flat region that has passed all checks."""
    views = tuple(whole_views(region).values())
    items = (item for view in (region.detached, *views) for item in view)
    detached = _named(items, f"{region.name}/detached.")
    names = _Names(region, detached)
    behind = [names.elements(node.after) for node in detached]
    texts, named = share(
        [*(names.elements(view) for view in views), *behind], lambda n: f"{region.name}/{n}"
    )
    return LoweredBlocks(
        blocks=(
            *_open_blocks(region),
            *texts,
            *(
                plan.DetachedBlock(name=name, text=node.text, after=after)
                for (node, name), after in zip(detached.items(), named[len(views) :], strict=True)
            ),
        ),
        views=named[: len(views)],
        kept=(*(detached[node] for node in region.detached), *_kept_blocks(region)),
    )


def _open_blocks(region: RegionIR) -> tuple[plan.Block, ...]:
    histories = dict.fromkeys(s.commit.history for s in region.streams if s.commit is not None)
    return (
        *(plan.HistoryBlock(name=name) for name in histories),
        *(plan.StreamBlock(name=s.block) for s in region.streams if not s.continues_block),
    )


def _kept_blocks(region: RegionIR) -> tuple[str, ...]:
    """The kept streams' own blocks, in their order, a history before the first of them that commits
    to it."""
    keep = None if region.keep is None else set(region.keep)
    blocks: dict[str, None] = {}
    for stream in region.streams:
        if stream.continues_block or (keep is not None and stream.name not in keep):
            continue
        if stream.commit is not None:
            blocks[stream.commit.history] = None
        blocks[stream.block] = None
    return tuple(blocks)


# ---------------------------------------------------------------- views


class _Names:
    """The names of blocks that the items of a region's views stand for."""

    def __init__(self, region: RegionIR, detached: Mapping[Detached, str]) -> None:
        self._detached = detached
        self._scope = (*region.scope, *(detached[node] for node in region.detached))
        self._blocks = {stream.name: stream.block for stream in region.streams}

    def elements(self, view: Iterable[Item]) -> list[Element]:
        """A view for `share`: its blocks by their names, and its texts."""
        elements: list[Element] = []
        fixed: list[Fixed] = []
        for item in view:
            if isinstance(item, Text | Turn | CloseTurn):
                fixed.append(item)
                continue
            elements += _messages(fixed)
            elements += self._seen(item)
            fixed.clear()
        return [*elements, *_messages(fixed)]

    def _seen(self, item: SeesStream | SeesHistory | SeesScope | Detached) -> tuple[str, ...]:
        match item:
            case SeesScope():
                return self._scope
            case SeesStream():
                return (self._blocks[item.stream],)
            case SeesHistory():
                return (item.history,)
            case Detached():
                return (self._detached[item],)
            case _:
                assert_never(item)


def _messages(fixed: Iterable[Fixed]) -> Iterable[Element]:
    return messages(lower_fixed(node) for node in merge_texts(fixed))


def _named(items: Iterable[Item], prefix: str) -> dict[Detached, str]:
    """A name for every detached text, those first that others are encoded after."""
    found: dict[Detached, None] = {}
    for item in items:
        if isinstance(item, Detached):
            found |= dict.fromkeys((*_named(item.after, prefix), item))
    return {node: f"{prefix}{i}" for i, node in enumerate(found)}
