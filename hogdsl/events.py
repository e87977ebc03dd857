"""What a runtime gives back: events in one total order.

`seq` counts the events of a run from 0. `step` is the number of forward passes that the run had
taken part in when the event came about: the first tokens of a run come at step 1.
"""

from typing import Annotated, Literal

from pydantic import Field

from hogdsl.plan import Wire

EndReason = Literal[
    "finished",  # it has written all its pieces
    "budget",  # tokens of the stream, its region or the model's context
    "deadline",  # seconds of the stream or its region
    "until",  # a condition that ends the region holds
    "closed",  # an input was closed, and all of it is heard
    "left",  # the region ended while the input was open
    "interrupted",  # somebody broke in, with the policy `stop`
    "stopped",  # the program said so
    "cancelled",
    "failed",
]
GenReason = Literal["stop", "end_token", "complete", "max_tokens", "stream_ended", "selected"]
"""`complete`: nothing can follow in a constrained `gen`."""


class Usage(Wire):
    """What a run has used so far."""

    steps: int = 0
    """Forward passes that it took part in."""
    tokens_generated: int = 0
    """Tokens that the model chose."""
    tokens_encoded: int = 0
    """Tokens of prompts, texts and headers that were encoded."""
    tokens_cached: int = 0
    """Tokens that streams found in the cache when they began, instead of encoding them."""
    probes: int = 0
    """Questions (`ask`) that were put."""
    suspensions: int = 0
    """Times that its pages were given to older runs; it was restored each time."""
    seconds: float = 0.0


class _Event(Wire):
    seq: int
    step: int


class RegionStarted(_Event):
    kind: Literal["region_started"] = "region_started"
    region: str
    streams: tuple[str, ...]


class Inserted(_Event):
    """Text that the program or a rule put into a stream, not the model."""

    kind: Literal["inserted"] = "inserted"
    stream: str
    text: str


class Token(_Event):
    """A token that the model chose, with the text that it completes.

    The text may be empty while a character is incomplete or while it may yet turn out to be a
    stop. Text that was held back and then released by the end of its `gen` comes without a token.
    """

    kind: Literal["token"] = "token"
    stream: str
    token: int | None
    text: str


class Committed(_Event):
    """A finished step moved to the shared history and is sealed."""

    kind: Literal["committed"] = "committed"
    stream: str
    index: int
    """Steps of this stream counted from 1."""
    text: str


class Asked(_Event):
    kind: Literal["asked"] = "asked"
    ask: str
    stream: str
    answer: str
    odds: dict[str, float]
    """Probability of each answer among the answers."""


class Held(_Event):
    """A stream waits for an answer."""

    kind: Literal["held"] = "held"
    stream: str


class Resumed(_Event):
    kind: Literal["resumed"] = "resumed"
    stream: str


class Heard(_Event):
    """Text from outside has come to a `listen` stream; it is encoded in the next step."""

    kind: Literal["heard"] = "heard"
    stream: str
    text: str
    final: bool
    """It completes an utterance."""


class Interrupted(_Event):
    """Somebody broke in: the stream was held, or taken back to what was delivered of it."""

    kind: Literal["interrupted"] = "interrupted"
    stream: str
    by: str
    """The input."""
    policy: Literal["pause", "restart", "stop"]
    text: str
    """All of the stream's text that stays."""


class Noticed(_Event):
    """What a `hogdsl.plan.Watch` waited for has come about."""

    kind: Literal["noticed"] = "noticed"
    watch: str
    n: int
    """Notices of this watch, counted from 1."""
    stream: str | None = None
    start: int = 0
    """Where in `text` the match begins, in characters; with `end` and `text` it is the match."""
    end: int = 0
    text: str = ""
    """What the model has written in the stream, up to the end of the match."""


class TokenLogprob(Wire):
    """How likely a token was, of itself.

    Attributes:
        token: its number.
        text: what it spells alone; U+FFFD for a part of a character.
        logprob: natural logarithm of its probability in the model's own distribution: before masks,
            penalties, bias and temperature.
    """

    token: int
    text: str
    logprob: float


class ChosenToken(TokenLogprob):
    """A token that was chosen, and what else could have come in its place."""

    top: tuple[TokenLogprob, ...] = ()
    """The likeliest tokens there, the likeliest first, as many as were asked for; the chosen one is
    among them if it is one of these."""


class Value(_Event):
    """A `gen` or `select` is complete."""

    kind: Literal["value"] = "value"
    stream: str
    n: int
    """Which `gen` or `select` of the stream, counted from 0. When some of it is taken back later,
    it is told again, and the newest counts."""
    name: str | None
    value: str
    reason: GenReason
    scores: dict[str, float] | None = None
    """Of a `select`: mean log-probability per token of each choice."""
    logprobs: tuple[ChosenToken, ...] | None = None
    """Of a `gen` that asks for them: every token that was chosen for it and not taken back, also
    those of its stop and the token that ended it, which are no part of the value."""


class StreamEnded(_Event):
    """The stream writes no more; its block is sealed."""

    kind: Literal["stream_ended"] = "stream_ended"
    stream: str
    reason: EndReason
    text: str
    """All that it wrote: inserted texts and generated ones, committed steps included."""


class Joined(_Event):
    """The region is over; all its streams have ended."""

    kind: Literal["joined"] = "joined"
    region: str
    usage: Usage


class Failed(_Event):
    """The run is over and has failed; what it held is free again."""

    kind: Literal["failed"] = "failed"
    error: Literal["PlanError", "CapacityError", "RunCancelled", "InternalError"]
    message: str


Event = Annotated[
    RegionStarted
    | Inserted
    | Token
    | Committed
    | Asked
    | Held
    | Resumed
    | Heard
    | Interrupted
    | Noticed
    | Value
    | StreamEnded
    | Joined
    | Failed,
    Field(discriminator="kind"),
]


class Stats(Wire):
    """What a runtime is doing now, for a status line."""

    model: str
    device: str
    runs: int
    steps: int
    tokens_per_second: float
    """Tokens chosen per second, over the last second or so."""
    pages_used: int
    """Pages that runs hold."""
    pages_cached: int = 0
    """Pages of texts that no run holds and that may be found again; free when they are needed."""
    pages_total: int
    tokens_cached: int
    """Tokens that streams found in the cache when they began, all runs together."""
