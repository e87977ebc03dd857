"""Regions and plans."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from hogdsl.plan.base import Wire
from hogdsl.plan.blocks import Block
from hogdsl.plan.rules import Ask, Hold, Insert, Until, Wait, Watch
from hogdsl.plan.streams import Stream

PLAN_VERSION = 1


class Region(Wire):
    """Streams that run at the same time, and what paces them."""

    name: str
    blocks: tuple[Block, ...] = ()
    streams: Annotated[tuple[Stream, ...], Field(min_length=1)]
    asks: tuple[Ask, ...] = ()
    waits: tuple[Wait, ...] = ()
    until: tuple[Until, ...] = ()
    holds: tuple[Hold, ...] = ()
    inserts: tuple[Insert, ...] = ()
    watches: tuple[Watch, ...] = ()
    keep: tuple[str, ...] = ()
    """Blocks of this region that later regions may see; the others are freed at its end."""
    max_tokens: PositiveInt | None = None
    """Tokens that the model may write in all streams together."""
    max_seconds: PositiveFloat | None = None
    where: str | None = None


class Plan(Wire):
    """A whole program, as far as it can be known before it runs."""

    version: Literal[1] = PLAN_VERSION
    program: str
    regions: tuple[Region, ...]
    reads: str | None = None
    """`file:line` where the program reads a value and goes on in a way that depends on it."""
