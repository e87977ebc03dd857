"""Recorded runs in the world of letters: no torch, a model that is a function of what is seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hogdsl.commands import Command
from hogdsl.events import Event
from hogdsl.plan import PLAN_VERSION, Region
from runtime.blocks import Block
from runtime.scheduler.work import Pages, Result, RowWork
from runtime.traces.lines import Header, Line, ModelIdentity, encoded
from runtime.traces.reading import Trace, read_trace
from runtime.traces.recorder import Recorder
from runtime.traces.replay import Replay
from tests.scheduler.world import NO_PAGES, Client, FakeCache, Letters, Model, World, seen

IDENTITY = ModelIdentity(name="letters", weights="w", text="t")


@dataclass
class LetterMachine:
    """A `Machine` whose tokens are characters."""

    model: Model
    folder: Path | None = None
    name: str = "letters"
    device: str = "none"
    context_length: int = 4096
    pages: Pages = NO_PAGES
    cache: FakeCache = field(default_factory=FakeCache)
    text: Letters = field(default_factory=Letters)
    views: list[str] = field(default_factory=list)
    """What every row of the last step saw."""

    def run(self, rows: Sequence[RowWork]) -> list[Result]:
        for work in rows:
            own = work.view[-1]
            assert isinstance(own, Block)
            self.cache.append(own, work.tokens)
        self.views = [seen(work) for work in rows]
        world = World(self.model)
        return [world._result(work) for work in rows]  # pyright: ignore[reportPrivateUsage]


def header(**fields: object) -> Header:
    given = {"package": "0", "plan_version": PLAN_VERSION, "model": IDENTITY, "seed": 0}
    return Header.model_validate(given | fields)


def unwritable(error: Exception) -> None:
    raise error


def recorded(
    world: World,
    path: Path,
    *,
    seed: int = 0,
    max_tokens: int | None = None,
    max_seconds: float | None = None,
    context: int = 4096,
) -> tuple[Client, Recorder]:
    """A run of a world that is recorded."""
    client = world.run(seed=seed, max_tokens=max_tokens, max_seconds=max_seconds, context=context)
    recorder = Recorder(path, None, unwritable)
    recorder.begin(header(seed=seed, max_tokens=max_tokens, max_seconds=max_seconds))
    client.run.journal = recorder
    return client, recorder


def record_one(
    path: Path, model: Model, *regions: Region, told: Sequence[tuple[int, Command]] = ()
) -> list[Event]:
    """Record a run of regions, each to its end, the first one with commands at its steps."""
    client, recorder = recorded(World(model), path)
    rest = list(told)
    for region in regions:
        client.start(region)
        for n in range(500):
            while rest and rest[0][0] <= n:
                client.tell(rest.pop(0)[1])
            client.world.now_s += 0.125
            if client.world.step() is None:
                break
    assert client.run.present is None
    recorder.close()
    return client.events


def replayed(path: Path, model: Model, context: int = 4096) -> list[Event]:
    """The events of a recorded run on a machine of its own."""
    machine = LetterMachine(model, context_length=context)
    events = list(Replay(read_trace(path), machine))
    assert not machine.cache.living, "a replay frees all that it held"
    return events


def rewritten(path: Path, change: Callable[[list[Line]], list[Line]]) -> Trace:
    """Write a trace with other lines, with check sums that are right."""
    trace = read_trace(path)
    written, crc = encoded(trace.header, 0)
    for line in change(list(trace.lines)):
        more, crc = encoded(line, crc)
        written += more
    path.write_bytes(written)
    return read_trace(path)
