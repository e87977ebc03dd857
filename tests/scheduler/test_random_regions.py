"""Any region that fits together, with any commands: it ends or waits for a command."""

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from hogdsl.commands import Command, Release, Stop
from hogdsl.events import Event, Heard, Inserted, Interrupted, Noticed, StreamEnded, Token
from hogdsl.plan import Region
from runtime.scheduler.life import Phase as Life
from runtime.scheduler.run import Run
from tests.scheduler.drawn import model, plays, regions
from tests.scheduler.world import HALF, World, text_of


def play(region: Region, play: list[tuple[int, Command]], seed: int) -> tuple[World, list[Event]]:
    """Run a region; a command comes at its step, or when all waits."""
    world = World(model)
    client = world.run(seed=seed)
    client.start(region)
    rest = [command for _, command in sorted(play, key=lambda item: item[0])]
    steps = sorted(step for step, _ in play)
    for n in range(400):
        while rest and client.run.present is not None and steps[0] <= n:
            steps.pop(0)
            client.tell(rest.pop(0))
        check_shortcuts(client.run)
        if world.step() is None:
            if client.run.present is None:
                break
            assert client.run.is_waiting
            if not rest:
                release(client.events, client.tell)
                client.tell(Stop())
            else:
                steps.pop(0)
                client.tell(rest.pop(0))
    assert client.run.present is None, "it neither ends nor waits for a command"
    if client.events[-1].kind == "joined" and region.keep:
        blocks = client.run._blocks.blocks  # pyright: ignore[reportPrivateUsage]
        check_cache(region, client.texts, {name: text_of(b) for name, b in blocks.items()})
    world.scheduler.remove(client.run)
    return world, client.events


def check_shortcuts(run: Run) -> None:
    """What is found out less often than in every step is as it is found out at length."""
    present = run.present
    if present is None:
        return
    if run._can_step:  # pyright: ignore[reportPrivateUsage]
        assert present.can_advance()
        assert not all(writer.phase is Life.ENDED for writer in present.writers.values())
    views = present.n_next()
    longest = max(views[name] + present.n_tried(w) for name, w in present.writers.items())
    assert not present.has_room(longest)


def release(events: list[Event], tell: object) -> None:
    assert callable(tell)
    for event in events:
        if isinstance(event, Noticed):
            tell(Release(watch=event.watch, n=event.n))


def check_cache(region: Region, texts: dict[str, str], cached: dict[str, str]) -> None:
    """What is in the cache is what the streams have written."""
    for stream in region.streams:
        if stream.commit is None and HALF not in cached[stream.name]:
            assert cached[stream.name] == texts[stream.name]


@settings(max_examples=60, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(region=regions(), commands=plays, seed=st.integers(0, 3))
def test_any_region_ends_or_waits_and_frees_all_and_tells_what_it_wrote(
    region: Region, commands: list[tuple[int, Command]], seed: int
) -> None:
    world, events = play(region, commands, seed)
    assert not world.cache.living
    assert [event.seq for event in events] == list(range(len(events)))
    last = events[-1]
    assert last.kind == "joined" or (last.kind == "failed" and last.error == "PlanError"), last
    told: dict[str, str] = {}
    for event in events:
        match event:
            case Inserted() | Token() | Heard():
                told[event.stream] = told.get(event.stream, "") + event.text
            case Interrupted():
                told[event.stream] = event.text
            case StreamEnded():
                assert told.get(event.stream, "") == event.text
            case _:
                pass
    assert play(region, commands, seed)[1] == events, "the same seed gives the same events"
