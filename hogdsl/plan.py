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
MAX_TOP_LOGPROBS = 20
"""As in OpenAI's API (`top_logprobs`)."""


class Wire(BaseModel):
    """Base of all wire types: frozen, and unknown fields are an error.

    The validator of a type is built when one is first made or read: `import hogdsl` stays quick.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


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


TokenName = str | Annotated[int, Field(ge=0)]
"""A token by its text, which must be exactly one token of the model, or by its number."""


class Bias(Wire):
    """What is added to the logit of a token."""

    token: TokenName
    bias: float = Field(allow_inf_nan=False)


class Sampling(Wire):
    """How a token is chosen. Temperature 0 is greedy; top_p, top_k and min_p then have no effect.

    The penalties are for tokens that the same `gen` has written so far; what stood before it, and
    what was taken back, is not counted. `runtime/sampling.py` says in which order all is applied.
    """

    temperature: float = Field(default=0.0, ge=0.0)
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    top_k: PositiveInt | None = None
    min_p: float = Field(default=0.0, ge=0.0, le=1.0)
    """Tokens less likely than this share of the likeliest one's probability are not drawn."""
    repetition_penalty: float = Field(default=1.0, gt=0.0, le=2.0)
    """The logit of a token that was written is divided by this; multiplied if it is below 0."""
    frequency_penalty: float = Field(default=0.0, ge=-2.0, le=2.0)
    """Subtracted from the logit of a token for every time that it was written."""
    presence_penalty: float = Field(default=0.0, ge=-2.0, le=2.0)
    """Subtracted from the logit of a token once it was written."""
    logit_bias: tuple[Bias, ...] = ()
    """Each token at most once."""
    forbidden: tuple[TokenName, ...] = ()
    """Tokens that are never chosen."""

    @property
    def has_penalties(self) -> bool:
        """What was written has a part in what comes."""
        added = self.frequency_penalty != 0 or self.presence_penalty != 0
        return added or self.repetition_penalty != 1


class RegexConstraint(Wire):
    """The whole text matches a regular expression."""

    kind: Literal["regex"] = "regex"
    regex: str


class ChoicesConstraint(Wire):
    """The text is one of these; the model writes it token by token."""

    kind: Literal["choices"] = "choices"
    choices: Annotated[tuple[str, ...], Field(min_length=1)]


class JsonConstraint(Wire):
    """The text is a JSON document of a schema, without white space between its parts."""

    kind: Literal["json"] = "json"
    document: str
    """The JSON schema, as JSON text."""


Constraint = Annotated[
    RegexConstraint | ChoicesConstraint | JsonConstraint, Field(discriminator="kind")
]


class Gen(Wire):
    """The model writes until a stop, its end token, or a budget."""

    kind: Literal["gen"] = "gen"
    name: str | None = None
    max_tokens: PositiveInt | None = None
    stop: tuple[str, ...] = ()
    """Texts that end it; a stop is not part of the value and does not stay in the cache."""
    stop_regex: tuple[str, ...] = ()
    """Regular expressions that end it, as soon as one matches; otherwise as `stop`."""
    stop_tokens: tuple[TokenName, ...] = ()
    """Tokens that end it, as the model's own end tokens do."""
    min_tokens: int = Field(default=0, ge=0)
    """Before so many tokens were chosen, no token is chosen that would end it; a stop that is text
    ends it all the same."""
    ignore_eos: bool = False
    """The model's own end tokens are tokens like any other."""
    logprobs: int | None = Field(default=None, ge=0, le=MAX_TOP_LOGPROBS)
    """Given, its value comes with the log-probability of each token, and of so many of the
    likeliest tokens at its place: those of the model's own distribution, before anything in
    `sampling`."""
    sampling: Sampling = Sampling()
    constraint: Constraint | None = None
    """It says by itself where the text ends, so `min_tokens` and `ignore_eos` do not go with it."""


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


# ---------------------------------------------------------------- streams and rules


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


Whole = str | Annotated[tuple[str, ...], Field(min_length=2)]
"""A stream, or all parts of one that continue one another, in their order."""


class Matches(Wire):
    """The texts of `n` of the streams match a regular expression somewhere."""

    kind: Literal["matches"] = "matches"
    streams: Annotated[tuple[Whole, ...], Field(min_length=1)]
    """Parts of one stream count as one: their texts run together."""
    regex: str
    n: PositiveInt = 1
    agree: bool = False
    """What they match (its first group, if it has one, else all of it) must be the same, too; of a
    stream the last match counts."""


class Ended(Wire):
    """`n` of the streams have ended; an input has ended when it is closed and all is heard."""

    kind: Literal["ended"] = "ended"
    streams: Annotated[tuple[str, ...], Field(min_length=1)]
    n: PositiveInt = 1


Condition = Annotated[Matches | Ended, Field(discriminator="kind")]


class Until(Wire):
    """Ends streams when a condition holds."""

    condition: Condition
    ends: tuple[str, ...] = ()
    """The streams that are ended; none stands for all of the region."""


class Hold(Wire):
    """A stream is held until a condition holds: from its beginning or, with `at`, each time that it
    has written this text."""

    stream: str
    until: Condition
    at: str | None = None


class Insert(Wire):
    """Text that is put into streams again and again.

    `each`: into each stream after every `every` tokens that the model wrote in it. `random`: into
    one of those that run, chosen by the run's seed, after every `every` tokens of the stream that
    has written most.
    """

    name: str
    streams: Annotated[tuple[str, ...], Field(min_length=1)]
    text: Annotated[str, Field(min_length=1)]
    every: PositiveInt
    into: Literal["each", "random"] = "each"
    at: str | None = None
    """When it is due, it still waits until the stream has written this text."""


class Watch(Wire):
    """The program wants to know: `Noticed` says so, `hogdsl.commands.Release` ends the hold.

    Either `regex` is given: each time that the model's text of one of the streams matches it anew,
    as soon as a match is complete; or `every`: after this many steps of the region.
    """

    name: str
    streams: tuple[str, ...] = ()
    """With `regex`: whose text is watched."""
    regex: str | None = None
    every: PositiveInt | None = None
    hold: Literal["nothing", "stream", "region"] = "stream"
    """What stands still until the program has answered."""


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
