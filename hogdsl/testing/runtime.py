"""The runtime that plays a script, and its runs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import final

from hogdsl import events
from hogdsl.events import Event, Stats, Usage
from hogdsl.plan import Region
from hogdsl.testing.lane import Lane
from hogdsl.testing.rules import Rules
from hogdsl.testing.tape import ScriptError, Tape


def script(
    texts: Mapping[str, str | Sequence[str]],
    *,
    answers: Mapping[str, Sequence[str]] | None = None,
) -> "ScriptRuntime":
    """A runtime that plays a script.

    Args:
        texts: by stream, what the model writes in each `gen` and `select`, in order; one text
            counts as a list of one. What follows a stop is left out.
        answers: by asked stream, the answers to its asks in order, the last one from then on.
            Without it every ask gets its first answer.
    """
    by_stream = {
        stream: (text,) if isinstance(text, str) else tuple(text) for stream, text in texts.items()
    }
    return ScriptRuntime(by_stream, {name: tuple(a) for name, a in (answers or {}).items()})


@final
class ScriptRuntime:
    """Plays the same script for every run. See `script`."""

    def __init__(
        self, texts: Mapping[str, tuple[str, ...]], answers: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._texts, self._answers = texts, answers
        self.sessions: list[ScriptSession] = []
        """All that were opened, for tests that look at what programs leave behind."""

    def open(self, *, seed: int = 0, max_tokens: int | None = None) -> "ScriptSession":
        """Begin a run; the script begins anew. `seed` has no effect."""
        session = ScriptSession(self._texts, self._answers, max_tokens)
        self.sessions.append(session)
        return session

    def stats(self) -> Stats:
        """Counts of this runtime; it has no pages and no cache."""
        return Stats(
            model="script",
            device="none",
            runs=sum(not session.closed for session in self.sessions),
            steps=sum(session.usage.steps for session in self.sessions),
            tokens_per_second=0.0,
            pages_used=0,
            pages_total=0,
            tokens_cached=0,
        )

    def close(self) -> None:
        """Close all runs."""
        for session in self.sessions:
            session.close()


@final
class ScriptSession:
    """One run of a script."""

    def __init__(
        self,
        texts: Mapping[str, tuple[str, ...]],
        answers: Mapping[str, tuple[str, ...]],
        max_tokens: int | None,
    ) -> None:
        self._tape = Tape(texts, answers)
        self._max_tokens = max_tokens
        self.regions: list[Region] = []
        """What was run, in order."""
        self.cancelled = False
        self.closed = False

    @property
    def usage(self) -> Usage:
        """What the run has used so far."""
        return self._tape.usage

    def run(self, region: Region) -> Iterator[Event]:
        """Play a region; the last event is `Joined` or `Failed`."""
        self.regions.append(region)
        tape = self._tape
        lanes = {s.name: Lane(s, tape, self._max_tokens) for s in region.streams}
        rules = Rules(region, lanes)
        yield tape.event(events.RegionStarted, region=region.name, streams=tuple(lanes))
        try:
            while any(lane.live for lane in lanes.values()):
                if self.cancelled or self.closed:
                    yield tape.failed("RunCancelled", "the run was cancelled.")
                    return
                tape.count("steps")
                yield from _step(lanes, rules, tape)
        except ScriptError as fault:
            yield tape.failed("PlanError", str(fault))
            return
        yield tape.event(events.Joined, region=region.name, usage=tape.usage)

    def cancel(self) -> None:
        """End the run at the next step."""
        self.cancelled = True

    def close(self) -> None:
        """The run is over."""
        self.closed = True


def _step(lanes: Mapping[str, Lane], rules: Rules, tape: Tape) -> Iterator[Event]:
    live = [lane for lane in lanes.values() if lane.live]
    held = rules.held()
    for lane in live:
        if lane.held != (lane.name in held):
            lane.held = not lane.held
            yield tape.event(events.Held if lane.held else events.Resumed, stream=lane.name)
        if not lane.held:
            yield from lane.advance()
    yield from rules.ask(tape)
    if rules.fulfilled():
        for lane in live:
            yield from lane.end("until")
