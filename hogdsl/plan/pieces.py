"""Pieces: what a stream writes, one after another."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from hogdsl.plan.base import Wire

MAX_TOP_LOGPROBS = 20
"""As in OpenAI's API (`top_logprobs`)."""


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
