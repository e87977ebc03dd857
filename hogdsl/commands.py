"""What a program tells a runtime while one of its regions runs.

Commands take effect between two steps, in the order in which they were sent. They are about the
region that runs; one that comes too late, or for a stream that has ended, does nothing.
"""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from hogdsl.plan import Wire


class Hear(Wire):
    """Text for a `listen` stream."""

    kind: Literal["hear"] = "hear"
    stream: str
    text: str
    final: bool = True
    """It completes an utterance."""
    at_step: NonNegativeInt | None = None
    """It is heard when the region has made so many steps, not before."""


class CloseInput(Wire):
    """Nothing more will come for a `listen` stream; what was sent before is still heard."""

    kind: Literal["close_input"] = "close_input"
    stream: str
    at_step: NonNegativeInt | None = None


class Delivered(Wire):
    """So much of a stream's text has been played or shown to whom it was for."""

    kind: Literal["delivered"] = "delivered"
    stream: str
    n_chars: NonNegativeInt
    """Counted from the beginning of the stream's text."""


class Write(Wire):
    """Put text into a stream, behind what it has written."""

    kind: Literal["write"] = "write"
    stream: str
    text: str


class Stop(Wire):
    """End streams with the reason `stopped`; none stands for all of the region."""

    kind: Literal["stop"] = "stop"
    streams: tuple[str, ...] = ()


class Pause(Wire):
    """Hold a stream until `Resume`."""

    kind: Literal["pause"] = "pause"
    stream: str


class Resume(Wire):
    """Let a stream go on that was held by `Pause`."""

    kind: Literal["resume"] = "resume"
    stream: str


class Release(Wire):
    """The program has dealt with the n-th notice of a watch: what it held goes on."""

    kind: Literal["release"] = "release"
    watch: str
    n: PositiveInt


Command = Annotated[
    Hear | CloseInput | Delivered | Write | Stop | Pause | Resume | Release,
    Field(discriminator="kind"),
]
