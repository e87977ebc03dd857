"""Prefix sharing.

A text that stands in a view is encoded after what stands before it, so two texts have the same keys
and values exactly where all that is before them is the same, too. Views as paths from a common root
make a tree: each edge is a block, or a **message**, a piece of text up to the next chat turn. Where
two views begin alike they walk the same edges; every edge is encoded once.

Messages are the finest cut that changes no token: a chat turn begins with a token of its own, and
no token reaches across it. A cut that no view needs is not made: messages that follow each other
without a branch between them are one block.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from hogdsl import plan

Message = tuple[plan.FixedPiece, ...]
Element = str | Message
"""Of a view: the name of a block, or a text that has none yet."""


@dataclass(slots=True)
class _Node:
    """A place in the tree; `children` by what leads there, in the order in which it was found."""

    children: dict[Element, "_Node"] = field(default_factory=dict[Element, "_Node"])
    views: list[int] = field(default_factory=list[int])
    """The views that end here."""


def messages(pieces: Iterable[plan.FixedPiece]) -> list[Message]:
    """Fixed pieces, cut before every chat turn."""
    cut: list[list[plan.FixedPiece]] = []
    for piece in pieces:
        if not cut or isinstance(piece, plan.Turn):
            cut.append([])
        cut[-1].append(piece)
    return [tuple(message) for message in cut]


def share(
    views: Sequence[Sequence[Element]], name: Callable[[int], str]
) -> tuple[tuple[plan.TextBlock, ...], tuple[tuple[str, ...], ...]]:
    """Make text blocks of the messages of views, equal beginnings once.

    Args:
        views: what each stream sees, in order.
        name: the name of the n-th text block, counted from 0.

    Returns: the text blocks, each after all that it follows, and the views as names of blocks.
    """
    root = _Node()
    for i, view in enumerate(views):
        node = root
        for element in view:
            node = node.children.setdefault(element, _Node())
        node.views.append(i)
    blocks: list[plan.TextBlock] = []
    named: list[tuple[str, ...]] = [()] * len(views)
    ahead: list[tuple[_Node, tuple[str, ...]]] = [(root, ())]
    while ahead:
        node, path = ahead.pop()
        for i in node.views:
            named[i] = path
        following: list[tuple[_Node, tuple[str, ...]]] = []
        for element, child in node.children.items():
            block = element
            if not isinstance(block, str):
                pieces, child = _unbranched(block, child)
                block = name(len(blocks))
                blocks.append(plan.TextBlock(name=block, pieces=pieces, after=path))
            following.append((child, (*path, block)))
        ahead += reversed(following)
    return tuple(blocks), tuple(named)


def _unbranched(message: Message, node: _Node) -> tuple[Message, _Node]:
    """A message with those that always follow it, and the place where they lead."""
    while len(node.children) == 1 and not node.views:
        ((element, child),) = node.children.items()
        if isinstance(element, str):
            break
        message, node = (*message, *element), child
    return message, node
