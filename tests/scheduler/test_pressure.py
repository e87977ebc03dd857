"""Runs that do not fit into the cache together: suspended, restored, the same in the end."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hogdsl.commands import CloseInput, Hear
from hogdsl.plan import Gen, Input, Region, Text
from runtime.blocks import Block
from tests.scheduler.drawn import regions
from tests.scheduler.test_prefill import prompted, told
from tests.scheduler.world import Client, FakeCache, World, region, script, stream

LINES = script(A="1234567890" * 2, B="abcdefghij" * 2)


def team() -> Region:
    return region(stream("A", Gen(), sees=("B",)), stream("B", Gen(), sees=("A",)))


def test_runs_in_a_cache_that_is_too_small_for_all_write_what_they_write_in_a_large_one() -> None:
    world = World(LINES, FakeCache(n_tokens_most=60))
    clients = [world.run() for _ in range(4)]
    for client in clients:
        client.start(team())
    while any(client.run.present for client in clients):
        assert world.step() is not None
    assert {tuple(client.texts.items()) for client in clients} == {
        (("A", "A:" + "1234567890" * 2), ("B", "B:" + "abcdefghij" * 2))
    }
    assert clients[0].run.usage.suspensions == 0, "the oldest keeps its pages"
    assert sum(client.run.usage.suspensions for client in clients) > 0
    for client in clients:
        world.scheduler.remove(client.run)
    assert not world.cache.living


def test_runs_that_cannot_begin_together_begin_one_after_another() -> None:
    world = World(LINES, FakeCache(n_tokens_most=60))
    clients = [world.run() for _ in range(3)]
    for client in clients:
        client.start(prompted("A", "x" * 30))
    first = world.step()
    assert first is not None
    assert first.runs == [clients[0].run]
    assert first.passed_over == (clients[1].run, clients[2].run)
    while any(client.run.present for client in clients):
        assert world.step() is not None
    assert {client.texts["A"] for client in clients} == {"A:" + "1234567890" * 2}


def test_a_run_that_begins_waits_for_room_and_suspends_nobody_who_is_older() -> None:
    world = World(LINES, FakeCache(n_tokens_most=60))
    old, young = world.run(), world.run()
    old.start(region(stream("A", Gen())))
    world.step()
    third = world.run()
    young.start(region(stream("A", Gen())))
    world.step()
    third.start(prompted("A", "x" * 55))
    step = world.step()
    assert step is not None
    assert step.passed_over == (third.run,)
    assert not young.run.is_suspended


def test_a_run_whose_texts_do_not_fit_is_refused_at_once_with_the_numbers() -> None:
    client = World(LINES, FakeCache(n_tokens_most=60)).run()
    client.start(region(stream("A", Text(text="x" * 70), Gen())))
    failed = client.events[-1]
    assert failed.kind == "failed"
    assert failed.error == "CapacityError"
    assert "72 tokens" in failed.message
    assert "the cache holds 60" in failed.message


def test_a_run_that_grows_too_large_fails_and_the_others_go_on() -> None:
    world = World(LINES, FakeCache(n_tokens_most=40))
    large, small = world.run(), world.run()
    large.start(team())
    small.start(region(stream("A", Gen())))
    while large.run.present or small.run.present:
        assert world.step() is not None
    failed = large.events[-1]
    assert failed.kind == "failed"
    assert failed.error == "CapacityError"
    assert "too large for the cache" in failed.message
    assert small.texts == {"A": "A:" + "1234567890" * 2}


def listening() -> Region:
    mic = stream("mic", input=Input())
    return region(mic, stream("A", Gen(max_tokens=1), sees=("mic",)))


def suspended_listener() -> tuple[World, Client, Client]:
    """A run that waits for its input, suspended for a younger one that writes."""
    world = World(LINES, FakeCache(n_tokens_most=26))
    waits, writes = world.run(), world.run()
    waits.start(listening())
    waits.go_on()
    writes.start(region(stream("A", Gen())))
    while not waits.run.is_suspended:
        assert world.step() is not None
    return world, waits, writes


def test_who_only_waits_is_suspended_first_and_hears_what_came_meanwhile() -> None:
    world, waits, writes = suspended_listener()
    waits.tell(Hear(stream="mic", text="hi"), CloseInput(stream="mic"))
    assert "heard" not in {event.kind for event in waits.events}
    while waits.run.present or writes.run.present:
        assert world.step() is not None
    assert waits.texts["mic"] == "mic:hi"
    assert writes.texts == {"A": "A:" + "1234567890" * 2}


def test_a_run_whose_restoration_fails_is_over_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, waits, writes = suspended_listener()

    whole = world.cache.restore

    def broken(*blocks: Block) -> None:
        monkeypatch.setattr(world.cache, "restore", whole)
        raise RuntimeError("the device failed")

    monkeypatch.setattr(world.cache, "restore", broken)
    waits.tell(Hear(stream="mic", text="hi"))
    for _ in range(40):
        world.step()
    assert not waits.run.is_running
    failed = waits.events[-1]
    assert failed.kind == "failed"
    assert failed.error == "InternalError"
    assert "the device failed" in failed.message
    assert writes.texts == {"A": "A:" + "1234567890" * 2}


def test_a_suspended_run_can_be_cancelled_and_leaves_nothing() -> None:
    world, waits, writes = suspended_listener()
    world.scheduler.remove(waits.run)
    writes.go_on()
    assert writes.run.present is None
    world.scheduler.remove(writes.run)
    assert not world.cache.living


@pytest.mark.parametrize("of", ["run", "stream"])
def test_deadlines_hold_for_a_suspended_run(of: str) -> None:
    world = World(LINES, FakeCache(n_tokens_most=26))
    waits = world.run(max_seconds=5 if of == "run" else None)
    writes = world.run()
    waits.start(listening().model_copy(update={"max_seconds": None if of == "run" else 5}))
    waits.go_on()
    writes.start(region(stream("A", Gen())))
    while not waits.run.is_suspended:
        world.step()
    world.now_s = 6.0
    writes.go_on()
    assert waits.run.present is None
    assert waits.events[-1].kind == ("failed" if of == "run" else "joined")


@settings(max_examples=40, deadline=None)
@given(made=st.lists(regions(), min_size=2, max_size=4), most=st.integers(60, 120))
def test_any_runs_tell_the_same_in_a_small_cache_as_in_a_large_one(
    made: list[Region], most: int
) -> None:
    for events, expected in zip(told(made, most), told(made), strict=True):
        last = events[-1]
        if last.kind == "failed" and last.error == "CapacityError":
            assert "the cache" in last.message
        else:
            assert events == expected
