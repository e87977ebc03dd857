"""Conditions in the plan: at what a region ends, and until when a stream is held."""

from collections.abc import Callable

import hogdsl as hog
from hogdsl import plan

EVERYBODY = ("a", "b", "c")


def until_of(condition: Callable[[hog.Team], hog.Condition | hog.Regex]) -> plan.Condition:
    """What ends a fork of three."""

    @hog.program
    def forks(s: hog.Scope) -> None:
        with s.fork(*EVERYBODY, max_tokens=4) as team:
            for worker in team:
                worker += hog.gen()
            team.until(condition(team))

    (until,) = forks.compile().regions[0].until
    assert until.ends == ()
    return until.condition


def test_a_regex_or_any_worker_is_any_one_stream():
    one = plan.Matches(streams=EVERYBODY, regex="x", n=1)
    assert until_of(lambda _: hog.regex("x")) == one
    assert until_of(lambda _: hog.any_worker(hog.regex("x"))) == one


def test_all_workers_are_as_many_as_there_are():
    assert until_of(lambda _: hog.all_workers(hog.regex("x"))) == plan.Matches(
        streams=EVERYBODY, regex="x", n=3
    )


def test_the_first_n_are_any_n():
    assert until_of(lambda _: hog.first(2, hog.regex("x"))) == plan.Matches(
        streams=EVERYBODY, regex="x", n=2
    )


def test_a_quorum_agrees():
    assert until_of(lambda _: hog.quorum(2, hog.regex(r"=(\d)"))) == plan.Matches(
        streams=EVERYBODY, regex=r"=(\d)", n=2, agree=True
    )


def test_a_handle_matches_alone():
    assert until_of(lambda team: team["b"].matches(hog.regex("x"))) == plan.Matches(
        streams=("b",), regex="x", n=1
    )


def test_streams_have_ended_when_all_of_them_have():
    assert until_of(lambda _: hog.ended("a", "c")) == plan.Ended(streams=("a", "c"), n=2)


def test_a_region_may_end_in_several_ways():
    @hog.program
    def forks(s: hog.Scope) -> None:
        with s.concurrent(until=hog.regex("a")) as now:
            with now.think("t", max_tokens=4) as t:
                t += hog.gen()
            now.until(hog.ended("t"))
            now.until(t.matches("b"))

    assert [until.condition for until in forks.compile().regions[0].until] == [
        plan.Matches(streams=("t",), regex="a"),
        plan.Ended(streams=("t",)),
        plan.Matches(streams=("t",), regex="b"),
    ]


def test_a_stream_is_held_from_its_beginning_or_wherever_it_writes_something():
    @hog.program
    def holds(s: hog.Scope) -> None:
        with s.fork("a", "b", "c", max_tokens=4) as team:
            for worker in team:
                worker += hog.gen()
            team["b"].pauses(until=hog.ended("a"))
            team["a"].pauses(team["c"].matches("go"), at="\n")

    assert holds.compile().regions[0].holds == (
        plan.Hold(stream="b", until=plan.Ended(streams=("a",))),
        plan.Hold(stream="a", until=plan.Matches(streams=("c",), regex="go"), at="\n"),
    )


def test_budgets_of_all_together_are_the_regions():
    @hog.program
    def budgets(s: hog.Scope) -> None:
        with s.fork("a", max_total_tokens=7) as team:
            team["a"] += hog.gen(max_tokens=4)
        with s.concurrent(max_total_tokens=8) as now, now.think("t") as t:
            t += hog.gen(max_tokens=4)

    assert [region.max_tokens for region in budgets.compile().regions] == [7, 8]


def inserts_of(into: str, layout: hog.layouts.Layout | None = None) -> plan.Insert:
    @hog.program
    def inserts(s: hog.Scope) -> None:
        with s.fork(*EVERYBODY, layout=layout or hog.layouts.contiguous(), max_tokens=4) as team:
            for worker in team:
                worker += hog.gen()
            team.every(2, insert="check? ", into=into)

    (insert,) = inserts.compile().regions[0].inserts
    return insert


def test_text_is_put_into_each_worker_or_a_random_one():
    for into in ("each", "random"):
        assert inserts_of(into) == plan.Insert(
            name="insert.0", streams=EVERYBODY, text="check? ", every=2, into=into
        )


def test_text_is_put_into_one_worker_by_its_name():
    assert inserts_of("b").streams == ("b",)
    assert inserts_of("b").into == "each"


def test_inserts_wait_for_the_end_of_a_step_if_there_are_steps():
    assert inserts_of("random", hog.layouts.combined(step="\n")).at == "\n"
    assert inserts_of("random").at is None


def test_text_is_put_into_a_thought_by_its_handle():
    @hog.program
    def inserts(s: hog.Scope) -> None:
        with s.concurrent() as now:
            with now.think("t", max_tokens=4) as t:
                t += hog.gen()
            with now.think("u", max_tokens=4) as u:
                u += hog.gen()
            now.every(2, insert="hm ", into=u, at="\n")

    assert inserts.compile().regions[0].inserts == (
        plan.Insert(name="insert.0", streams=("u",), text="hm ", every=2, at="\n"),
    )
