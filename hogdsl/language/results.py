"""What a run has told so far: values, texts, ends, usage."""

from hogdsl.compiler.nodes import Place
from hogdsl.errors import (
    CapacityError,
    HogError,
    InternalError,
    PlanError,
    RunCancelled,
)
from hogdsl.events import EndReason, Event, Failed, Joined, StreamEnded, Usage, Value

_ERRORS: dict[str, type[HogError]] = {
    "PlanError": PlanError,
    "CapacityError": CapacityError,
    "RunCancelled": RunCancelled,
    "InternalError": InternalError,
}


class Results:
    """Fed with the events of a run, one after another."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.usage = Usage()
        self._ends: dict[tuple[str, str], StreamEnded] = {}
        self._values: dict[tuple[str, str], dict[str, str]] = {}

    def add(self, region: str, event: Event) -> None:
        """Note an event of a region.

        Raises:
            HogError: the run has failed; of the class that the runtime names.
        """
        self.events.append(event)
        match event:
            case Value(name=str(name)):
                self._values.setdefault((region, event.stream), {})[name] = event.value
            case StreamEnded():
                self._ends[region, event.stream] = event
            case Joined():
                self.usage = event.usage
            case Failed():
                raise _ERRORS[event.error](event.message)
            case _:
                pass

    def value(self, region: str, stream: str, name: str, place: Place) -> str:
        """A named value.

        Raises:
            ProgramError: there is none of this name, or the stream ended before it.
        """
        values = self._values.get((region, stream), {})
        if name not in values:
            raise place.error(
                f"the stream {stream!r} has no value {name!r}: it has "
                f"{', '.join(map(repr, values)) or 'none'}, and it ended with the reason "
                f"{self.ended(region, stream, place)!r}. Name a gen of it so, or give it a "
                "greater budget."
            )
        return values[name]

    def text(self, region: str, stream: str, place: Place) -> str:
        """All that a stream wrote."""
        return self._end(region, stream, place).text

    def ended(self, region: str, stream: str, place: Place) -> EndReason:
        """Why a stream ended."""
        return self._end(region, stream, place).reason

    def _end(self, region: str, stream: str, place: Place) -> StreamEnded:
        end = self._ends.get((region, stream))
        if end is None:
            raise InternalError(
                f"{place}: the runtime joined the region {region!r} and never said that its "
                f"stream {stream!r} has ended. Please report it."
            )
        return end

    def all_values(self) -> dict[str, str]:
        """Values by name: those of the scope as they are, others as `stream.name`.

        Of regions that use the same names, the last counts.
        """
        named: dict[str, str] = {}
        for (_, stream), values in self._values.items():
            prefix = "" if stream == "main" else f"{stream}."
            named |= {prefix + name: value for name, value in values.items()}
        return named

    def all_texts(self) -> dict[str, str]:
        """Texts by stream; of streams of the same name in several regions, one after another."""
        texts: dict[str, str] = {}
        for (_, stream), end in self._ends.items():
            texts[stream] = texts.get(stream, "") + end.text
        return texts
