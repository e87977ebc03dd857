"""Callbacks as they are declared: watches in the plan, functions in the bindings."""

import hogdsl as hog
from hogdsl import plan
from hogdsl.language.bindings import Bindings
from hogdsl.plan import Region
from tests.language.played import Played, play


def watched(s: hog.Scope) -> None:
    with s.concurrent() as now:
        with now.think("t", max_tokens=4) as t:
            t += hog.gen()

        @now.on_step
        def each_step(live: hog.Live) -> None: ...

        @now.on_step(every=8)
        def sometimes(live: hog.Live) -> None: ...

        @t.on(r"CALL (\w+)")
        def called(live: hog.Live, match: hog.Match) -> str:
            return "ok"

        @t.on(hog.regex("NOTE"), hold=False)
        def noted(live: hog.Live, match: hog.Match) -> None: ...

    assert [f.__name__ for f in (each_step, sometimes, called, noted)] == [
        "each_step",
        "sometimes",
        "called",
        "noted",
    ]


def declared() -> tuple[Region, Bindings]:
    driver = Played({"t": ["x"]})
    play(watched, driver)
    (region,) = driver.regions
    return region, driver.bindings[region.name]


def test_what_the_program_wants_to_know_is_in_the_plan():
    assert declared()[0].watches == (
        plan.Watch(name="on_step.0", every=1, hold="region"),
        plan.Watch(name="on_step.1", every=8, hold="region"),
        plan.Watch(name="t.on.2", streams=("t",), regex=r"CALL (\w+)", hold="stream"),
        plan.Watch(name="t.on.3", streams=("t",), regex="NOTE", hold="nothing"),
    )


def test_functions_are_bound_by_the_names_of_their_watches_with_their_places():
    region, bindings = declared()
    assert list(bindings.callbacks) == [watch.name for watch in region.watches]
    assert [c.regex for c in bindings.callbacks.values()] == [w.regex for w in region.watches]
    first = watched.__code__.co_firstlineno
    assert [c.place.line - first for c in bindings.callbacks.values()] == [5, 8, 11, 15]


def test_several_callbacks_of_one_pattern_are_told_apart():
    @hog.program
    def twice(s: hog.Scope) -> None:
        with s.fork("a") as team:
            team["a"] += hog.gen(max_tokens=4)
            for _ in range(2):
                team["a"].on("x")(lambda live, match: None)

    assert [watch.name for watch in twice.compile().regions[0].watches] == ["a.on.0", "a.on.1"]
