"""What a region's plan cannot carry: the program's own objects, by the names that the plan has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hogdsl.compiler.nodes import Place
from hogdsl.language.channel import Channel
from hogdsl.language.live import Live
from hogdsl.language.match import Match
from hogdsl.language.speaker import Speaker


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A function of the program that answers a watch.

    It is called in a thread that answers no other watch, one notice after another. What it raises
    ends the run.
    """

    function: Callable[[Live, Match | None], str | None]
    """Is given the match of a watch with a regex, None of one that counts steps; what it returns
    is written behind the text of the stream that matched."""
    place: Place
    """Where it was declared."""
    regex: str | None = None
    """The watch's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bindings:
    """The objects of one region. Names are those of the plan."""

    channels: Mapping[str, Channel] = field(default_factory=dict[str, Channel])
    """By the stream that listens."""
    speakers: Mapping[str, Speaker] = field(default_factory=dict[str, Speaker])
    """By the stream that speaks."""
    callbacks: Mapping[str, Callback] = field(default_factory=dict[str, Callback])
    """By the watch."""
