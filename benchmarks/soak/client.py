"""Plays one run, and checks what it is told."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty
from random import Random

from benchmarks.soak.conductor import WAYS, Conductor, Wish
from benchmarks.soak.drawn import Program, draw_command, draw_program
from benchmarks.soak.faults import FAULT
from benchmarks.soak.phases import PHASES
from hogdsl.errors import HogError, RunCancelled
from hogdsl.events import Event, Failed, Joined
from hogdsl.plan import Region
from runtime.embedded import EmbeddedRuntime, EmbeddedSession

SECONDS_MOST = 5.0
"""Every run is over by then."""
COMMANDS_PER_EVENT = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended.

    Attributes:
        kind: of its program.
        end: `joined`, or the name of the error; with `left` or `closed` behind it, if the client
            read no further.
        problems: rules that were broken.
    """

    kind: str
    end: str
    problems: tuple[str, ...]


def play(runtime: EmbeddedRuntime, conductor: Conductor, seed: str) -> Outcome:
    """Draw a program and run it; it may be cancelled or left at any moment."""
    rng = Random(seed)
    program = draw_program(rng)
    session = runtime.open(
        seed=rng.randrange(1 << 30),
        max_tokens=rng.choice([None, None, rng.randint(1, 30)]),
        max_seconds=rng.choice([0.05, 0.3, *[SECONDS_MOST] * 6]),
    )
    if rng.random() < 0.6:
        how = rng.choice(WAYS)
        conductor.wish(Wish(session=session, phase=rng.choice(PHASES), how=how))
    told: list[Event] = []
    stopped = ""
    try:
        for region in program.regions:
            if not _follow(session, region, program, rng, told):
                stopped = "left"
                break
            if isinstance(told[-1], Failed):
                break
    except RunCancelled:
        stopped = "closed"
    session.close()
    conductor.forget(session)
    told += _untold(session)
    last = told[-1] if told else None
    end = last.error if isinstance(last, Failed) else "joined" if last is not None else ""
    problems = tuple(f"seed {seed} ({program.kind}): {fault}" for fault in _faults(told, stopped))
    return Outcome(kind=program.kind, end=f"{end} {stopped}".strip(), problems=problems)


def _follow(
    session: EmbeddedSession, region: Region, program: Program, rng: Random, told: list[Event]
) -> bool:
    """Read the events of a region; False if it was left."""
    leaves_at = rng.randint(0, 60) if rng.random() < 0.15 else None
    answers = any(stream.input or stream.reports_delivery for stream in region.streams)
    live = answers or rng.random() < 0.5  # who is to say something has to watch
    for n, event in enumerate(session.run(region, live=live)):
        told.append(event)
        if rng.random() < COMMANDS_PER_EVENT:
            session.send(draw_command(rng, program))
        if n == leaves_at:
            return False
    return True


def _untold(session: EmbeddedSession) -> list[Event]:
    """What came after the client had read its last event."""
    events: list[Event] = []
    with suppress(Empty):
        while True:
            event = session._events.get(0.0)
            assert not isinstance(event, HogError)
            events.append(event)
    return events


def _faults(told: Sequence[Event], stopped: str) -> list[str]:
    """What is wrong with the events of a run, from its opening to its end."""
    faults: list[str] = []
    if [event.seq for event in told] != list(range(len(told))):
        faults.append(f"events are missing: {[event.seq for event in told]}")
    if not told:
        return faults if stopped == "closed" else [*faults, "nothing was told"]
    if not isinstance(told[-1], Failed | Joined):
        faults.append(f"the last event is {told[-1]!r}")
    n_failed = sum(isinstance(event, Failed) for event in told)
    if (n_failed and not isinstance(told[-1], Failed)) or n_failed > 1:
        faults.append(f"{n_failed} failures, and the last event is {told[-1]!r}")
    last = told[-1]
    if isinstance(last, Failed) and last.error == "InternalError" and FAULT not in last.message:
        faults.append(f"a fault of the runtime: {last.message}")
    n_begun = sum(event.kind == "region_started" for event in told)
    n_joined = sum(isinstance(event, Joined) for event in told)
    # A region that fails may do so before it has begun.
    if not n_joined <= n_begun <= n_joined + n_failed:
        faults.append(f"{n_begun} regions began, {n_joined} were joined, {n_failed} failed")
    return faults
