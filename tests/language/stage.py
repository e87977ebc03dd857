"""A runtime whose regions are played by functions of the test, event by event.

def hears_two(act: Act) -> Iterator[Event]:
    for _ in range(2):
        yield act.heard(act.wait_for(Hear))

runtime = Stage(hears_two)
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Condition
from threading import enumerate as all_threads
from typing import Any, TypeVar

import hogdsl as hog
from hogdsl import events, plan
from hogdsl.commands import Command, Hear
from hogdsl.events import Event
from hogdsl.language.bindings import Bindings, Callback
from hogdsl.language.channel import Channel
from hogdsl.language.runner import Runner, Settings
from hogdsl.language.source import here
from hogdsl.language.speaker import Speaker
from hogdsl.plan import Region

C = TypeVar("C", bound=Command)
E = TypeVar("E", bound=Event)
PATIENCE_S = 20.0


class _Cancelled(Exception):
    """The session was cancelled while the play waited."""


class Act:
    """One region, as its play sees it."""

    def __init__(self, session: "StageSession", region: Region) -> None:
        self.session, self.region = session, region

    def event(self, kind: type[E], **fields: Any) -> E:
        """The next event of the run."""
        self.session.n_events += 1
        return kind(seq=self.session.n_events - 1, step=self.session.step, **fields)

    def heard(self, hear: Hear) -> Event:
        """What was sent is taken."""
        return self.event(events.Heard, stream=hear.stream, text=hear.text, final=hear.final)

    def noticed(self, watch: str, n: int = 1, stream: str | None = None, text: str = "") -> Event:
        """A watch has come about; a match is the whole text."""
        return self.event(events.Noticed, watch=watch, n=n, stream=stream, end=len(text), text=text)

    def wrote(self, stream: str, text: str) -> Event:
        """The model wrote a token."""
        return self.event(events.Token, stream=stream, token=0, text=text)

    def value(self, stream: str, piece: plan.Gen | plan.Select, text: str) -> Event:
        """A `gen` or `select` is complete."""
        chosen = isinstance(piece, plan.Select)
        self.session.n_values += 1
        return self.event(
            events.Value,
            stream=stream,
            n=self.session.n_values - 1,
            name=piece.name,
            value=text,
            reason="selected" if chosen else "end_token",
            scores={c: -float(c != text) for c in piece.choices} if chosen else None,
        )

    def wait_for(self, *kinds: type[C]) -> C:
        """The next command, which must be of one of these kinds."""
        with self.session.changed:
            self.session.wait(lambda: bool(self.session.inbox))
            command = self.session.inbox.popleft()
        assert isinstance(command, kinds), f"told {command!r}"
        return command

    def wait_cancelled(self) -> None:
        """Until the run is cancelled, which ends the play."""
        with self.session.changed:
            self.session.wait(lambda: False)


Play = Callable[[Act], Iterator[Event]]


def writes(*texts: str) -> Play:
    """The model writes these, one in each `gen` and `select` of a region, the last again and
    again."""

    def play(act: Act) -> Iterator[Event]:
        left = list(texts)
        for stream in act.region.streams:
            for piece in stream.pieces:
                if isinstance(piece, plan.Gen | plan.Select):
                    text = left.pop(0) if len(left) > 1 else left[0]
                    yield act.wrote(stream.name, text)
                    yield act.value(stream.name, piece, text)

    return play


def hears(n: int) -> Play:
    """Takes `n` texts of a channel and ends."""

    def play(act: Act) -> Iterator[Event]:
        for _ in range(n):
            yield act.heard(act.wait_for(Hear))

    return play


def endless(while_waiting: Callable[[], object] = lambda: None) -> Play:
    """Goes on until it is cancelled."""

    def play(act: Act) -> Iterator[Event]:
        while_waiting()
        act.wait_cancelled()
        yield from ()

    return play


class StageSession:
    """Plays one region after another; the last play again and again."""

    def __init__(self, plays: Sequence[Play]) -> None:
        self._plays = list(plays)
        self.changed = Condition()
        self.inbox: deque[Command] = deque()
        self.first: list[tuple[Command, ...]] = []
        """By region, what it was told when it started."""
        self.live: list[bool] = []
        """By region, whether its events were wanted as they come."""
        self.sent: list[Command] = []
        """What was told later, also when nothing ran."""
        self.cancelled = self.closed = False
        self.n_events = self.n_values = self.step = 0
        self._running = False

    def run(
        self, region: Region, commands: Sequence[Command] = (), *, live: bool = True
    ) -> Iterator[Event]:
        self.live.append(live)
        play = self._plays.pop(0) if len(self._plays) > 1 else self._plays[0]
        act = Act(self, region)
        with self.changed:
            self.first.append(tuple(commands))
            self.inbox = deque(commands)
            self._running = True
        names = tuple(stream.name for stream in region.streams)
        yield act.event(events.RegionStarted, region=region.name, streams=names)
        try:
            yield from play(act)
        except _Cancelled:
            yield act.event(events.Failed, error="RunCancelled", message="the run was cancelled.")
            return
        finally:
            self._running = False
        for name in names:
            ended = act.event(events.StreamEnded, stream=name, reason="finished", text="")
            yield ended
        yield act.event(events.Joined, region=region.name, usage=hog.Usage())

    def wait(self, holds: Callable[[], bool]) -> None:
        """Until it holds; the lock is held. Raises if the run is cancelled."""
        over = self.changed.wait_for(lambda: holds() or self.cancelled, PATIENCE_S)
        assert over, "nobody told the region anything"
        if not holds():
            raise _Cancelled

    def send(self, command: Command) -> None:
        with self.changed:
            self.sent.append(command)
            if self._running:
                self.inbox.append(command)
            self.changed.notify_all()

    def cancel(self) -> None:
        with self.changed:
            self.cancelled = True
            self.changed.notify_all()

    def close(self) -> None:
        self.closed = True


class Stage:
    """A runtime whose sessions play these."""

    def __init__(self, *plays: Play) -> None:
        self._plays = plays
        self.sessions: list[StageSession] = []
        self.opened: list[Mapping[str, Any]] = []

    def open(
        self,
        *,
        seed: int = 0,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
        tenant: str = "",
    ) -> StageSession:
        self.opened.append(
            {
                "seed": seed,
                "max_tokens": max_tokens,
                "max_seconds": max_seconds,
                "tenant": tenant,
            }
        )
        self.sessions.append(StageSession(self._plays))
        return self.sessions[-1]

    def stats(self) -> hog.Stats:
        raise NotImplementedError("no program asks a stage for its stats")

    def close(self) -> None:
        raise NotImplementedError("a program does not close the runtime that it was given")


def region(name: str = "r", *streams: str) -> Region:
    """A region with streams of these names; what they do is said by the play."""
    return Region(
        name=name,
        blocks=tuple(plan.StreamBlock(name=f"{name}.{s}") for s in streams),
        streams=tuple(
            plan.Stream(name=s, role="say", view=(f"{name}.{s}",), pieces=()) for s in streams
        ),
    )


def callback(function: Callable[..., Any], regex: str | None = None) -> Callback:
    """A callback that is declared where this is called."""
    return Callback(function=function, place=here(), regex=regex)


def bindings(
    *,
    channels: Mapping[str, Channel] | None = None,
    speakers: Mapping[str, Speaker] | None = None,
    callbacks: Mapping[str, Callback] | None = None,
) -> Bindings:
    return Bindings(channels=channels or {}, speakers=speakers or {}, callbacks=callbacks or {})


def run_on(
    runtime: Stage, bound: Bindings, *streams: str, max_seconds: float | None = None
) -> StageSession:
    """Run one region with these objects."""
    run_regions(Runner(Settings(runtime=runtime, max_seconds=max_seconds)), bound, *streams)
    return runtime.sessions[-1]


def run_regions(runner: Runner, bound: Bindings, *streams: str, n: int = 1) -> None:
    """Run `n` regions with these objects, one after another."""
    with runner.running():
        for i in range(n):
            runner.bind(f"r{i}", bound)
            runner.run(region(f"r{i}", *streams))


def own_threads() -> list[str]:
    """Threads of this package that have not ended."""
    return [thread.name for thread in all_threads() if thread.name.startswith("hogdsl-")]
