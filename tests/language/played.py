"""A driver that plays values, so that what programs read can be tested without a runtime."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hogdsl.compiler.nodes import Place
from hogdsl.events import EndReason, GenReason, Value
from hogdsl.language.bindings import Bindings
from hogdsl.language.scope import Scope
from hogdsl.language.trace import Trace
from hogdsl.plan import Gen, Region, Select


class Played:
    """Gives every `gen` and `select` of a stream the next of its texts; streams then finish."""

    def __init__(
        self,
        texts: Mapping[str, Sequence[str]],
        *,
        reason: GenReason = "complete",
        scores: Mapping[str, float] | None = None,
    ) -> None:
        self._texts = {stream: list(given) for stream, given in texts.items()}
        self._reason: GenReason = reason
        self._scores = scores
        self._values: dict[tuple[str, str], list[Value]] = {}
        self.regions: list[Region] = []
        self.bindings: dict[str, Bindings] = {}

    def bind(self, region: str, bindings: Bindings) -> None:
        self.bindings[region] = bindings

    def run(self, region: Region) -> None:
        self.regions.append(region)
        for stream in region.streams:
            self._values[region.name, stream.name] = [
                self._value(stream.name, piece)
                for piece in stream.pieces
                if isinstance(piece, Gen | Select)
            ]

    def value_event(
        self, region: str, streams: tuple[str, ...], key: str | int, place: Place
    ) -> Value:
        values = [value for s in streams for value in self._values[region, s]]
        if isinstance(key, int):
            return values[key]
        return next(value for value in values if value.name == key)

    def value(self, region: str, stream: str, name: str, place: Place) -> str:
        return self.value_event(region, (stream,), name, place).value

    def text(self, region: str, stream: str, place: Place) -> str:
        return "".join(value.value for value in self._values[region, stream])

    def ended(self, region: str, stream: str, place: Place) -> EndReason:
        return "finished"

    def _value(self, stream: str, piece: Gen | Select) -> Value:
        return Value(
            seq=0,
            step=0,
            stream=stream,
            n=0,
            name=piece.name,
            value=self._texts[stream].pop(0),
            reason="selected" if isinstance(piece, Select) else self._reason,
            scores=dict(self._scores or {}) if isinstance(piece, Select) else None,
        )


def play(program: Callable[[Scope], Any], driver: Played) -> Any:
    """What a program's function returns when it runs on a driver."""
    trace = Trace(driver)
    result = program(Scope(trace))
    trace.finish()
    return result
