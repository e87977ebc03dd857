"""Blocks: what views show."""

from typing import Annotated, Literal

from pydantic import Field

from hogdsl.plan.base import Wire
from hogdsl.plan.pieces import FixedPiece


class TextBlock(Wire):
    """A sealed block: text encoded once, when its region starts, after the blocks `after`."""

    kind: Literal["text"] = "text"
    name: str
    pieces: tuple[FixedPiece, ...]
    after: tuple[str, ...] = ()
    """All blocks before it in the view that it was declared for; open ones are still empty."""


class DetachedBlock(Wire):
    """A sealed block of text that is encoded behind other blocks than those that it is seen behind.

    For the chat it is not there: it is part of whatever turn it is shown in, and what comes behind
    it goes on from what stands before it.
    """

    kind: Literal["detached"] = "detached"
    name: str
    text: str
    after: tuple[str, ...] = ()
    """The blocks that it is encoded after; none: it is encoded by itself."""


EncodedBlock = TextBlock | DetachedBlock
"""A block that is encoded once, when its region starts."""


class StreamBlock(Wire):
    """An open block, written by one stream."""

    kind: Literal["stream"] = "stream"
    name: str


class HistoryBlock(Wire):
    """A block to which streams move their finished steps (`Commit`)."""

    kind: Literal["history"] = "history"
    name: str


Block = Annotated[
    TextBlock | DetachedBlock | StreamBlock | HistoryBlock, Field(discriminator="kind")
]
