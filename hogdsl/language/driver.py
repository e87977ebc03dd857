"""What a trace needs of whatever runs it, and the driver that runs nothing."""

from typing import Protocol

from hogdsl.compiler.nodes import Place
from hogdsl.events import EndReason, Value
from hogdsl.language.bindings import Bindings
from hogdsl.plan import Region


class Driver(Protocol):
    """Runs regions one after another and knows what came of them.

    Streams are found by the name of their region and their own.
    """

    def bind(self, region: str, bindings: Bindings) -> None:
        """Give the objects of a region that is run next."""
        ...

    def run(self, region: Region) -> None:
        """Run a region to its end."""
        ...

    def value_event(
        self, region: str, streams: tuple[str, ...], key: str | int, place: Place
    ) -> Value:
        """What came of a `gen` or `select`.

        Args:
            region: where it was declared.
            streams: the parts of the stream that it belongs to, in order.
            key: its name, or its index among all that the parts have, counted from 0.
            place: where it is read.
        """
        ...

    def text(self, region: str, stream: str, place: Place) -> str:
        """All that a stream wrote."""
        ...

    def ended(self, region: str, stream: str, place: Place) -> EndReason:
        """Why a stream ended."""
        ...


class ReadsValue(BaseException):
    """A program that is only compiled reads a value: what follows depends on a model.

    Not an `Exception`, so that a program's own `except` does not swallow it.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        super().__init__(f"{place}: a value is read")


class Recorder:
    """Collects regions and runs none; the first value that is read ends the trace."""

    def __init__(self) -> None:
        self.regions: list[Region] = []

    def bind(self, region: str, bindings: Bindings) -> None:
        pass  # nothing listens, speaks or is called

    def run(self, region: Region) -> None:
        self.regions.append(region)

    def value_event(
        self, region: str, streams: tuple[str, ...], key: str | int, place: Place
    ) -> Value:
        raise ReadsValue(place)

    def text(self, region: str, stream: str, place: Place) -> str:
        raise ReadsValue(place)

    def ended(self, region: str, stream: str, place: Place) -> EndReason:
        raise ReadsValue(place)
