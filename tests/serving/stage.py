"""Piglet with a clock that stands still, and deeds at the moment at which a run is in a phase."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty

from benchmarks.soak.phases import PhaseName, phase_of
from hogdsl.errors import HogError
from hogdsl.events import Event, Usage
from hogdsl.plan import Gen, Input, Region, Sampling, Stream, StreamBlock, TextBlock, Turn
from runtime.embedded import EmbeddedRuntime, EmbeddedSession
from runtime.runner import EngineMachine
from runtime.scheduler.run import Run

PATIENCE_S = 60
OPENED = Turn(role="assistant")
ENDLESS = Sampling(temperature=2.0, forbidden=("<|im_end|>", "</think>"))


def solo(text: str, n_tokens: int = 60) -> Region:
    """One stream that writes `n_tokens` behind a text."""
    prompt = TextBlock(name="prompt", pieces=(Turn(role="user", prefix=text),))
    gen = Gen(sampling=ENDLESS, max_tokens=n_tokens)
    main = Stream(name="main", role="main", view=("prompt", "main"), pieces=(OPENED, gen))
    return Region(name="solo", blocks=(prompt, StreamBlock(name="main")), streams=(main,))


def listening(text: str) -> Region:
    """A stream that only listens."""
    prompt = TextBlock(name="prompt", pieces=(Turn(role="user", prefix=text),))
    mic = Stream(name="mic", role="listen", view=("prompt", "mic"), pieces=(), input=Input())
    blocks = (prompt, StreamBlock(name="mic"))
    return Region(name="listening", blocks=blocks, streams=(mic,), keep=("prompt", "mic"))


@dataclass(slots=True)
class Moment:
    """When something is to be done, and how many steps the run had made by then."""

    run: Run
    phase: PhaseName
    deed: Callable[[], None]
    n_steps: int | None = None


class Stage:
    """A runtime that is looked at before every step, in the engine's thread.

    Attributes:
        now_s: what its clock says.
        n_pages_most: pages that were in use at a time.
    """

    def __init__(self, n_cache_tokens: int | None = None) -> None:
        machine = EngineMachine.load("piglet", device="cpu", n_cache_tokens=n_cache_tokens)
        self.engine = machine.engine
        self.runtime = EmbeddedRuntime(
            machine, now_s=lambda: self.now_s, prepare_thread=machine.prepare_thread
        )
        self.now_s = 0.0
        self.n_pages_most = 0
        self.looks: list[Callable[[], None]] = []
        self._moments: list[Moment] = []
        self._advance = self.runtime._loop.advance
        self.runtime._loop.advance = self._look_and_advance

    def start(self, session: EmbeddedSession, region: Region) -> None:
        """Begin a region; `events_of` reads what comes."""
        self.runtime.submit(lambda: session._start(region, ()))

    def at(self, session: EmbeddedSession, phase: PhaseName, deed: Callable[[], None]) -> Moment:
        """Do something before the first step at which a run is in a phase."""
        moment = Moment(session._run, phase, deed)
        self._moments.append(moment)
        return moment

    def close(self) -> None:
        """All is over: nobody holds a page, and the books agree."""
        self.runtime.close()
        self.engine.check()
        assert self.engine.pages.n_used == self.engine.tree.n_evictable
        assert not self.engine._blocks

    def _look_and_advance(self) -> bool:
        self.n_pages_most = max(self.n_pages_most, self.engine.pages.n_used)
        for look in self.looks:
            look()
        for moment in list(self._moments):
            if phase_of(moment.run) == moment.phase:
                self._moments.remove(moment)
                moment.n_steps = moment.run.usage.steps
                moment.deed()
        return self._advance()


def events_of(session: EmbeddedSession) -> list[Event]:
    """All events of the region that runs, up to its end, and any that come behind it."""
    events = [next_event(session)]
    while events[-1].kind not in ("joined", "failed"):
        events.append(next_event(session))
    session.close()
    with suppress(Empty):
        while True:
            events.append(next_event(session, 0.0))
    return events


def next_event(session: EmbeddedSession, patience_s: float = PATIENCE_S) -> Event:
    """The next event of a run, read beside its iterator."""
    event = session._events.get(patience_s)
    assert not isinstance(event, HogError)
    return event


def usage_of(events: list[Event]) -> Usage:
    """What a run had used when its region was over."""
    last = events[-1]
    assert last.kind == "joined", last
    return last.usage
