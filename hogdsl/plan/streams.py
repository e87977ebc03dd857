"""Streams: who writes, what each sees, and when it begins and ends."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from hogdsl.plan.base import Wire
from hogdsl.plan.pieces import Piece


class Commit(Wire):
    """A stream's finished steps move to the end of a history that all can see."""

    into: str
    """The history block."""
    step: str
    """Text that ends a step; it stays at the step's end."""
    header: str
    """Text that begins every step; `{name}` and `{step}` (counted from 1) are filled in."""


BargeIn = Literal["ignore", "pause", "restart", "stop"]


class Input(Wire):
    """What comes into a `listen` stream from outside, and what that does to those who speak.

    `pause` holds them until an utterance is complete. `restart` and `stop` take back what they
    have written beyond what was delivered; then they go on from there, or end.
    """

    background: bool = False
    """The region may end while the input is still open."""
    barge_in: BargeIn = "ignore"
    interrupts: tuple[str, ...] = ()
    """The streams that are interrupted."""


class Stream(Wire):
    """One sequence that is written by the model or, with `input`, comes from outside."""

    name: str
    role: Literal["main", "worker", "think", "say", "listen"]
    view: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names of the blocks that it sees, its own last."""
    pieces: tuple[Piece, ...]
    max_tokens: PositiveInt | None = None
    max_seconds: PositiveFloat | None = None
    """Counted from the moment at which it begins."""
    commit: Commit | None = None
    input: Input | None = None
    """Given for the role `listen` and no other; the pieces are then fixed and come first."""
    reports_delivery: bool = False
    """Whoever plays it says how much was delivered; otherwise all that was told counts. As long as
    an input is open that may take some of it back, it ends only when all of it is delivered."""
    after: tuple[str, ...] = ()
    """Streams of the region that must have ended before it begins."""
    parent: str | None = None
    """One of `after`, of which it is a part: unless that finished, this one ends at once too, with
    the same reason."""
    continues: bool = False
    """It goes on with its parent's budget and number of steps."""
    where: str | None = None
    """`file:line` of its declaration, for messages."""
