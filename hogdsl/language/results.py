"""What a run has told so far: values, scores, texts, ends, usage."""

from collections.abc import Iterator, Mapping

from hogdsl.compiler.nodes import Place
from hogdsl.errors import (
    CapacityError,
    HogError,
    InternalError,
    PlanError,
    RunCancelled,
)
from hogdsl.events import ChosenToken, EndReason, Event, Failed, Joined, StreamEnded, Usage, Value
from hogdsl.language.parts import whole_name

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
        self._values: dict[tuple[str, str], dict[int, Value]] = {}

    def add(self, region: str, event: Event) -> None:
        """Note an event of a region.

        Raises:
            HogError: the run has failed; of the class that the runtime names.
        """
        self.events.append(event)
        match event:
            case Value():
                self._values.setdefault((region, event.stream), {})[event.n] = event
            case StreamEnded():
                self._ends[region, event.stream] = event
            case Joined():
                self.usage = event.usage
            case Failed():
                raise _ERRORS[event.error](event.message)
            case _:
                pass

    def value_event(
        self, region: str, streams: tuple[str, ...], key: str | int, place: Place
    ) -> Value:
        """What came of a `gen` or `select`; see `hogdsl.language.driver.Driver.value_event`.

        Of values with the same name, the last counts.

        Raises:
            ProgramError: there is none of this name, or the stream ended before it.
        """
        values = [v for stream in streams for v in self._values.get((region, stream), {}).values()]
        if isinstance(key, int):
            found = values[key] if key < len(values) else None
        else:
            found = next((v for v in reversed(values) if v.name == key), None)
        if found is None:
            raise self._missing(region, streams, key, values, place)
        return found

    def text(self, region: str, stream: str, place: Place) -> str:
        """All that a stream wrote."""
        return self._end(region, stream, place).text

    def ended(self, region: str, stream: str, place: Place) -> EndReason:
        """Why a stream ended."""
        return self._end(region, stream, place).reason

    def _missing(
        self,
        region: str,
        streams: tuple[str, ...],
        key: str | int,
        values: list[Value],
        place: Place,
    ) -> HogError:
        name, why = whole_name(streams[0]), self.ended(region, streams[-1], place)
        if isinstance(key, int):
            return place.error(
                f"the stream {name!r} ended before it came here, with the reason {why!r}. "
                "Give it a greater budget, or look at its .ended first.",
                code="never-written",
            )
        there = ", ".join(repr(v.name) for v in values if v.name is not None) or "none"
        return place.error(
            f"the stream {name!r} has no value {key!r}: it has {there}, and it ended with the "
            f"reason {why!r}. Name a gen of it so, or give it a greater budget.",
            code="no-such-value",
        )

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

        Of the same name in several regions, the last counts.
        """
        return {name: value.value for name, value in self._named()}

    def all_scores(self) -> dict[str, Mapping[str, float]]:
        """Scores of `select`s, by the names of their values."""
        return {name: v.scores for name, v in self._named() if v.scores is not None}

    def all_logprobs(self) -> dict[str, tuple[ChosenToken, ...]]:
        """Log-probabilities of `gen`s that ask for them, by the names of their values."""
        return {name: v.logprobs for name, v in self._named() if v.logprobs is not None}

    def all_texts(self) -> dict[str, str]:
        """Texts by stream; of streams of the same name in several regions, one after another."""
        texts: dict[str, str] = {}
        for (_, stream), end in self._ends.items():
            name = whole_name(stream)
            texts[name] = texts.get(name, "") + end.text
        return texts

    def _named(self) -> Iterator[tuple[str, Value]]:
        for (_, stream), values in self._values.items():
            prefix = "" if stream == "main" else f"{whole_name(stream)}."
            for value in values.values():
                if value.name is not None:
                    yield prefix + value.name, value
