"""Forks inside of workers, in the plan."""

import hogdsl as hog
from hogdsl import plan
from hogdsl.plan import Region


@hog.program
def nested(s: hog.Scope, keep: str = "all") -> None:
    s += "q"
    with s.fork("Alice", "Bob", max_tokens=9) as team:
        for worker in team:
            worker += hog.gen("plan")
        alice = team["Alice"]
        with alice.fork("x", "y", max_tokens=3, max_seconds=2, keep=keep) as inner:
            for worker in inner:
                worker += f"I am {worker.name}" + hog.gen("work")
            inner.until(hog.all_workers(hog.regex("done")))
            inner.until(inner["x"].matches("enough"))
            inner.every(2, insert="hm ", into=inner["y"])
        alice += "So: " + hog.gen("sum")
        team.until(alice.matches("found"))


def region_of(keep: str = "all") -> Region:
    return nested.compile(keep).regions[1]


def view(region: Region, stream: str) -> tuple[str, ...]:
    (found,) = [s.view for s in region.streams if s.name == stream]
    return tuple(name.removeprefix("fork.1.") for name in found)


def test_a_worker_that_forks_is_written_in_parts():
    assert [(s.name, s.after, s.parent, s.continues) for s in region_of().streams] == [
        ("Alice", (), None, False),
        ("Alice/x", ("Alice",), "Alice", False),
        ("Alice/y", ("Alice",), "Alice", False),
        ("Alice#2", ("Alice", "Alice/x", "Alice/y"), "Alice", True),
        ("Bob", (), None, False),
    ]


def test_inner_workers_see_all_that_their_worker_sees_then_each_other():
    assert view(region_of(), "Alice/x") == ("main.0", "Bob", "Alice", "Alice/y", "Alice/x")


def test_the_worker_goes_on_after_what_it_keeps_of_its_fork():
    assert view(region_of(), "Alice#2") == (
        "main.0",
        "Bob",
        "Alice",
        "Alice/x",
        "Alice/y",
        "Alice#2",
    )
    assert view(region_of("y"), "Alice#2") == ("main.0", "Bob", "Alice", "Alice/y", "Alice#2")


def test_rules_of_an_inner_fork_are_about_its_workers():
    region = region_of()
    inner = ("Alice/x", "Alice/y")
    assert [until for until in region.until if until.ends] == [
        plan.Until(condition=plan.Matches(streams=inner, regex="done", n=2), ends=inner),
        plan.Until(condition=plan.Matches(streams=("Alice/x",), regex="enough"), ends=inner),
    ]
    assert [insert.streams for insert in region.inserts] == [("Alice/y",)]
    assert [s.max_seconds for s in region.streams] == [None, 2, 2, None, None]
    assert [s.max_tokens for s in region.streams] == [9, 3, 3, 9, 9]


def test_forks_nest_to_any_depth_and_several_times():
    @hog.program
    def deep(s: hog.Scope) -> None:
        with s.fork("a", max_tokens=9) as team:
            a = team["a"]
            a += hog.gen()
            for i in range(2):
                with a.fork(f"b{i}", layout=hog.layouts.combined()) as middle:
                    b = middle[f"b{i}"]
                    b += hog.gen()
                    with b.fork("c") as inner:
                        inner["c"] += hog.gen()
            a += hog.gen()

    (region,) = deep.compile().regions
    assert [stream.name for stream in region.streams] == [
        "a",
        "a/b0",
        "a/b0/c",
        "a/b0#2",
        "a#2",
        "a/b1",
        "a/b1/c",
        "a/b1#2",
        "a#3",
    ]
    histories = [b.name for b in region.blocks if isinstance(b, plan.HistoryBlock)]
    assert histories == ["fork.0.a.fork.0/history", "fork.0.a.fork.1/history"]


def test_rules_about_inner_workers_may_be_given_after_their_fork():
    @hog.program
    def holds(s: hog.Scope) -> None:
        with s.fork("a", "b", max_tokens=9) as team:
            for worker in team:
                worker += hog.gen()
            with team["a"].fork("x") as inner:
                inner["x"] += hog.gen(max_tokens=2)
            team["b"].pauses(until=inner["x"].matches("go"))

    assert holds.compile().regions[0].holds == (
        plan.Hold(stream="b", until=plan.Matches(streams=("a/x",), regex="go")),
    )


def test_a_worker_that_forked_counts_once():
    @hog.program
    def counted(s: hog.Scope) -> None:
        with s.fork("a", "b", max_tokens=9) as team:
            for worker in team:
                worker += hog.gen()
            with team["a"].fork("x") as inner:
                inner["x"] += hog.gen(max_tokens=2)
            team["a"] += hog.gen()
            team.until(hog.all_workers(hog.regex("done")))
            team.until(hog.ended("a"))

    assert [until.condition for until in counted.compile().regions[0].until] == [
        plan.Matches(streams=(("a", "a#2"), "b"), regex="done", n=2),
        plan.Ended(streams=("a#2",)),
    ]
