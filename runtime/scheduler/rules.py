"""All rules of a region while it runs.

A stream that is *held* gets no row, and its pending tokens stay outside the cache.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hogdsl import events, plan
from runtime.scheduler.asks import AskState, WaitState
from runtime.scheduler.conditions import ConditionState, track
from runtime.scheduler.holds import HoldState
from runtime.scheduler.inserts import InsertState
from runtime.scheduler.life import Phase
from runtime.scheduler.listening import InputState
from runtime.scheduler.watches import WatchState
from runtime.scheduler.writer import Writer

Writers = Mapping[str, Writer]


@dataclass(slots=True, kw_only=True)
class Rules:
    """The rules of a region and where they stand.

    Attributes:
        n_asked: for streams that are asked, tokens of the longest question.
        n_asked_most: tokens of the longest of all.
        inputs: by the names of the streams that listen.
        paused: streams that the program holds.
        held: streams that stand still, for whatever reason.
    """

    asks: Mapping[str, AskState]
    n_asked: Mapping[str, int]
    waits: tuple[WaitState, ...]
    untils: tuple[tuple[plan.Until, ConditionState], ...]
    holds: tuple[HoldState, ...]
    inserts: tuple[InsertState, ...]
    watches: Mapping[str, WatchState]
    inputs: Mapping[str, InputState]
    emit: Callable[..., None]
    paused: set[str] = field(default_factory=set[str])
    held: set[str] = field(default_factory=set[str])
    n_asked_most: int = field(init=False)
    _are_none: bool = field(init=False)
    """There is nothing to look at but who is paused."""

    def __post_init__(self) -> None:
        self.n_asked_most = max(self.n_asked.values(), default=0)
        kinds = (self.asks, self.waits, self.holds, self.inserts, self.watches, self.inputs)
        self._are_none = not any(kinds)

    @property
    def holds_region(self) -> bool:
        """All stand still until the program has answered."""
        return bool(self.watches) and any(watch.holds_region for watch in self.watches.values())

    @property
    def awaits_program(self) -> bool:
        """The program will say something: it has a notice, it paused a stream, an input is open."""
        return (
            bool(self.paused)
            or any(watch.is_open for watch in self.watches.values())
            or any(state.is_open for state in self.inputs.values())
        )

    def end_streams(self, writers: Writers) -> None:
        """End what an `until` ends."""
        for until, condition in self.untils:
            if condition.look(writers):
                for name in until.ends or writers:
                    writers[name].end("until")

    def look(self, writers: Writers, n_steps: int | None) -> None:
        """Which questions are due, what is put in, what the program is told, who is held.

        Args:
            writers: the region's streams.
            n_steps: steps that the region has made, if one was made since the last look.
        """
        if self._are_none and not (self.paused or self.held):
            return
        for watch in self.watches.values():
            watch.look(writers, n_steps)
        for insert in self.inserts:
            insert.look(writers)
        for wait in self.waits:
            wait.look(writers[wait.plan.stream])
        for ask in self.asks.values():
            ask.look(writers[ask.plan.stream])
        for hold in self.holds:
            hold.look(writers)
        for state in self.inputs.values():
            state.look()
        self._hold(writers)

    def _hold(self, writers: Writers) -> None:
        """Find out who is held, and tell of the changes."""
        held = set(self.paused)
        for wait in self.waits:
            if wait.holds(writers[self.asks[wait.plan.ask].plan.stream]):
                held.add(wait.plan.stream)
        for hold in self.holds:
            if hold.holds:
                held.add(hold.plan.stream)
        for watch in self.watches.values():
            held |= watch.held()
        for state in self.inputs.values():
            held |= state.held()
        held = {name for name in held if writers[name].phase is Phase.RUNNING}
        before, self.held = self.held, held
        if held == before:
            return
        for name in sorted(held - before):
            self.emit(events.Held, stream=name)
        for name in sorted(before - held):
            if writers[name].phase is Phase.RUNNING:
                self.emit(events.Resumed, stream=name)

    def hear(self, ask: AskState, answer: str, writers: Writers) -> None:
        """An answer to `ask` has come."""
        ask.due = False
        ask.n_put += 1
        for wait in self.waits:
            if wait.plan.ask == ask.plan.name:
                wait.hear(answer, writers[wait.plan.stream])


def rules_of(
    region: plan.Region,
    asks: Mapping[str, AskState],
    writers: Writers,
    emit: Callable[..., None],
) -> Rules:
    """The rules of a checked region at its beginning."""
    n_asked: dict[str, int] = {}
    for ask in asks.values():
        stream = ask.plan.stream
        n_asked[stream] = max(n_asked.get(stream, 0), len(ask.question))
    return Rules(
        asks=asks,
        n_asked=n_asked,
        waits=tuple(WaitState(plan=wait) for wait in region.waits),
        untils=tuple((until, track(until.condition)) for until in region.until),
        holds=tuple(HoldState(hold) for hold in region.holds),
        inserts=tuple(InsertState(insert) for insert in region.inserts),
        watches={watch.name: WatchState(watch, emit) for watch in region.watches},
        inputs={
            stream.name: InputState(stream.input, writers[stream.name])
            for stream in region.streams
            if stream.input is not None
        },
        emit=emit,
    )
