"""Rules: what paces the streams of a region."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from hogdsl.plan.base import Wire


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
