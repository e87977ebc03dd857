"""What the compiler gives to a runtime: pure data that travels as JSON.

A **plan** is a list of **regions** that run one after another. A region names the blocks that it
adds, the streams that run in it at the same time, and the rules that pace them. Sequential code is
a region with the single stream `main`. Names of blocks are unique in a plan, and a region may name
blocks of the regions before it; names of streams are unique in their region.

A view is a list of block names, the stream's own block last. Which tokens a text or a chat turn
becomes is decided by the runtime, whose model has the tokenizer and the chat template.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

PLAN_VERSION = 1


class Wire(BaseModel):
    """Base of all wire types: frozen, and unknown fields are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# ---------------------------------------------------------------- pieces: what a stream writes


class Text(Wire):
    """Text as it stands; special tokens written in it are special tokens."""

    kind: Literal["text"] = "text"
    text: str


class Turn(Wire):
    """Opens a chat turn as the model's template does, then writes `prefix`.

    A turn that is still open before it in the same view is closed first.
    """

    kind: Literal["turn"] = "turn"
    role: Literal["system", "user", "assistant"]
    prefix: str = ""


class CloseTurn(Wire):
    """Closes the open chat turn as the model's template does."""

    kind: Literal["close_turn"] = "close_turn"


class Sampling(Wire):
    """How a token is chosen. Temperature 0 is greedy; the other settings then have no effect."""

    temperature: float = Field(default=0.0, ge=0.0)
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    top_k: PositiveInt | None = None


class Gen(Wire):
    """The model writes until a stop, its end token, or a budget."""

    kind: Literal["gen"] = "gen"
    name: str | None = None
    max_tokens: PositiveInt | None = None
    stop: tuple[str, ...] = ()
    """Texts that end it; a stop is not part of the value and does not stay in the cache."""
    sampling: Sampling = Sampling()


class Select(Wire):
    """The most likely of several texts, by mean log-probability of their tokens."""

    kind: Literal["select"] = "select"
    name: str | None = None
    choices: Annotated[tuple[str, ...], Field(min_length=1)]


FixedPiece = Annotated[Text | Turn | CloseTurn, Field(discriminator="kind")]
Piece = Annotated[Text | Turn | CloseTurn | Gen | Select, Field(discriminator="kind")]


# ---------------------------------------------------------------- blocks


class TextBlock(Wire):
    """A sealed block: text encoded once, when its region starts, after the blocks `after`."""

    kind: Literal["text"] = "text"
    name: str
    pieces: tuple[FixedPiece, ...]
    after: tuple[str, ...] = ()
    """All blocks before it in the view that it was declared for; open ones are still empty."""


class StreamBlock(Wire):
    """An open block, written by one stream."""

    kind: Literal["stream"] = "stream"
    name: str


class HistoryBlock(Wire):
    """A block to which streams move their finished steps (`Commit`)."""

    kind: Literal["history"] = "history"
    name: str


Block = Annotated[TextBlock | StreamBlock | HistoryBlock, Field(discriminator="kind")]


# ---------------------------------------------------------------- streams and rules


class Commit(Wire):
    """A stream's finished steps move to the end of a history that all can see."""

    into: str
    """The history block."""
    step: str
    """Text that ends a step; it stays at the step's end."""
    header: str
    """Text that begins every step; `{name}` and `{step}` (counted from 1) are filled in."""


class Stream(Wire):
    """One sequence that the model writes."""

    name: str
    role: Literal["main", "worker", "think", "say"]
    view: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names of the blocks that it sees, its own last."""
    pieces: tuple[Piece, ...]
    max_tokens: PositiveInt | None = None
    max_seconds: PositiveFloat | None = None
    commit: Commit | None = None
    where: str | None = None
    """`file:line` of its declaration, for messages."""


class Ask(Wire):
    """A question put to a stream: its view is read, the odds of the answers are compared, and
    nothing of it stays in the cache."""

    name: str
    stream: str
    question: str
    answers: Annotated[tuple[str, ...], Field(min_length=2)] = ("yes", "no")
    every: PositiveInt | None = None
    """Ask after this many tokens of the stream since it was last asked."""
    at: str | None = None
    """Ask when the stream has written this text."""


class Wait(Wire):
    """A stream is held until the newest answer to an ask is `answer`.

    With `each`, one such answer lets it write up to the next `each`; if another one has come by
    then, it goes on, else it is held again. When the asked stream has ended, nobody waits for it
    any more.
    """

    stream: str
    ask: str
    answer: str = "yes"
    each: str | None = None


class Until(Wire):
    """Ends the region when the text of `n` of the streams matches a regular expression."""

    streams: Annotated[tuple[str, ...], Field(min_length=1)]
    regex: str
    n: PositiveInt = 1


class Region(Wire):
    """Streams that run at the same time, and what paces them."""

    name: str
    blocks: tuple[Block, ...] = ()
    streams: Annotated[tuple[Stream, ...], Field(min_length=1)]
    asks: tuple[Ask, ...] = ()
    waits: tuple[Wait, ...] = ()
    until: tuple[Until, ...] = ()
    keep: tuple[str, ...] = ()
    """Blocks of this region that later regions may see; the others are freed at its end."""
    max_seconds: PositiveFloat | None = None
    where: str | None = None


class Plan(Wire):
    """A whole program, as far as it can be known before it runs."""

    version: Literal[1] = PLAN_VERSION
    program: str
    regions: tuple[Region, ...]
    reads: str | None = None
    """`file:line` where the program reads a value and goes on in a way that depends on it."""
