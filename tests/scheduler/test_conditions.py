"""Conditions, region budgets and deadlines: what ends streams."""

import pytest

from hogdsl.events import Value
from hogdsl.plan import Ended, Gen, Matches, Region, Select, Until
from tests.scheduler.world import Client, World, region, stream, tape


def team(*untils: Until, **more: object) -> Region:
    return region(*(stream(name, Gen()) for name in "ABC"), until=untils, **more)


def run(world: World, region: Region) -> Client:
    client = world.run()
    client.finish(region)
    return client


def test_an_until_may_end_some_of_the_streams_only() -> None:
    until = Until(condition=Matches(streams=("A",), regex="2"), ends=("A", "B"))
    client = run(World(tape(A="1234", B="5678", C="90123")), team(until))
    assert client.reasons == {"A": "until", "B": "until", "C": "finished"}
    assert client.texts["C"] == "C:90123"


def test_an_until_may_wait_for_the_end_of_some_of_the_streams() -> None:
    until = Until(condition=Ended(streams=("A", "B", "C"), n=2))
    client = run(World(tape(A="1", B="567", C="9" * 20)), team(until))
    assert client.reasons == {"A": "finished", "B": "finished", "C": "until"}


def test_any_one_of_several_untils_ends_the_region() -> None:
    untils = [Until(condition=Matches(streams=("A",), regex=r)) for r in ("never", "3")]
    client = run(World(tape(A="1234", B="5678", C="9" * 20)), team(*untils))
    assert client.texts["A"] == "A:123"


def test_a_match_may_lie_across_tokens_and_gens() -> None:
    until = Until(condition=Matches(streams=("A",), regex=r"\{(.+?)\}"))
    a = stream("A", Gen(max_tokens=3), Gen())
    client = run(World(tape(A="1{34}67")), region(a, until=(until,)))
    assert client.texts["A"] == "A:1{34}"


def quorum(n: int) -> Until:
    condition = Matches(streams=("A", "B", "C"), regex=r"=(\d+) ", n=n, agree=True)
    return Until(condition=condition, ends=("C",))


def test_a_quorum_wants_the_same_answer_and_the_last_of_each_counts() -> None:
    lines = {"A": "=1 =2    ", "B": "=12 =2   ", "C": "=3" + " " * 20}
    client = run(World(tape(**lines)), team(quorum(2)))
    assert client.reasons["C"] == "until"
    assert client.texts["C"] == "C:=3     ", "ended when B said =2, too"


def test_the_last_match_of_a_quorum_may_become_longer() -> None:
    longer = Matches(streams=("A", "B"), regex=r"=(\d+)", n=2, agree=True)
    until = Until(condition=longer, ends=("C",))
    client = run(World(tape(A="  =12   ", B="=12     ", C="9" * 20)), team(until))
    assert client.texts["C"] == "C:99999", "A said =1 before it said =12"


def test_a_quorum_may_come_after_much_other_text() -> None:
    lines = {name: "=" * n + "=7 " for name, n in (("A", 230), ("B", 240))}
    client = run(World(tape(**lines, C="9" * 300)), team(quorum(2)))
    assert client.texts["C"] == "C:" + "9" * 243


def test_a_quorum_that_does_not_agree_ends_nothing() -> None:
    client = run(World(tape(A="=1", B="=2", C="=3")), team(quorum(2)))
    assert client.reasons["C"] == "finished"


def test_a_regions_budget_counts_the_tokens_of_all_its_streams() -> None:
    client = run(World(tape(A="1234", B="5678", C="9012")), team(max_tokens=7))
    assert client.run.usage.tokens_generated == 7
    assert client.texts == {"A": "A:123", "B": "B:56", "C": "C:90"}
    assert set(client.reasons.values()) == {"budget"}


def test_a_select_whose_region_used_up_its_budget_is_not_decided() -> None:
    a, b = stream("A", Gen()), stream("B", Select(choices=("xy", "z")))
    client = run(World(tape(A="1234", B="x")), region(a, b, max_tokens=1))
    assert client.texts == {"A": "A:1", "B": "B:"}
    assert [e.reason for e in client.events if isinstance(e, Value)] == ["stream_ended"]


# ---------------------------------------------------------------- time


def test_a_run_that_is_not_over_in_time_fails() -> None:
    world = World(tape(A="1" * 50, B="2" * 50, C="3" * 50))
    client = world.run(max_seconds=5.0)
    client.start(team())
    world.step()
    assert client.run.next_deadline_s() == 5.0
    world.now_s = 5.0
    assert world.step() is None
    failed = client.events[-1]
    assert failed.kind == "failed"
    assert failed.error == "RunCancelled"
    assert "5.0 seconds" in failed.message
    assert not world.cache.living


def test_a_region_that_begins_too_late_fails() -> None:
    world = World(tape(A="1", B="2", C="3"))
    client = world.run(max_seconds=5.0)
    client.finish(team())
    world.now_s = 6.0
    client.start(team(name="late"))
    assert client.events[-1].kind == "failed"


@pytest.mark.parametrize("whose", ["stream", "region"])
def test_the_next_deadline_is_that_of_whoever_ends_first(whose: str) -> None:
    world = World(tape(A="1" * 50, B="2" * 50))
    limits = {"stream": (3.0, None), "region": (None, 3.0)}[whose]
    client = world.run()
    client.start(
        region(
            stream("A", Gen(), max_seconds=limits[0]),
            stream("B", Gen(), max_seconds=9.0),
            max_seconds=limits[1],
        )
    )
    assert world.scheduler.next_deadline_s() == 3.0
    world.now_s = 3.0
    assert not world.scheduler.is_waiting(world.now_s)
    world.step()
    assert client.reasons["A"] == "deadline"
    assert world.scheduler.next_deadline_s() == (9.0 if whose == "stream" else None)
