"""Detached texts: where they may stand, and what becomes of them in a plan and on a script."""

from typing import Any

import pytest

import hogdsl as hog
from hogdsl import plan
from hogdsl.testing import script
from tests.language.faults import fault_of

NOTE = hog.detached("It rained. ")


def detached_in(region: plan.Region) -> list[plan.DetachedBlock]:
    return [block for block in region.blocks if isinstance(block, plan.DetachedBlock)]


@hog.program
def asks(s: hog.Scope) -> str:
    s += hog.user("Read: " + NOTE + "Why?") + hog.turn("assistant") + hog.gen("why", max_tokens=4)
    return s["why"]


def test_what_follows_it_in_the_scope_is_written_to_a_new_block_that_goes_on_with_the_turn():
    first, second = asks.compile().regions
    assert first.streams[0].pieces == (plan.Turn(role="user", prefix="Read: "),)
    assert second.streams[0].view == ("main.0", "main.1/detached.0", "main.1")
    assert second.streams[0].pieces[:2] == (plan.Text(text="Why?"), plan.CloseTurn())
    assert second.keep == ("main.1/detached.0", "main.1")
    assert detached_in(second) == [
        plan.DetachedBlock(name="main.1/detached.0", text="It rained. ", after=())
    ]


def test_a_value_behind_it_is_read_by_its_name_and_by_its_place():
    @hog.program
    def twice(s: hog.Scope) -> list[str]:
        s += hog.gen("one") + NOTE + hog.gen("two")
        three = s.gen()
        return [s["one"], s["two"], three]

    assert twice.on(script({"main": ["1", "2", "3"]}))() == ["1", "2", "3"]


def test_one_name_for_two_values_on_both_sides_of_it_is_still_refused():
    @hog.program
    def twice(s: hog.Scope) -> None:
        s += hog.gen("x") + NOTE
        s += hog.gen("x")  # here: hog.gen("x")

    assert fault_of(twice).startswith("the name 'x' is used twice")


def test_a_region_right_behind_it_has_it_at_the_end_of_its_scope_and_keeps_it():
    @hog.program
    def fork(s: hog.Scope) -> str:
        s += "Read: " + NOTE
        with s.fork("a", "b", keep=()) as team:
            for worker in team:
                worker += hog.gen(max_tokens=2)
        s += "So: " + hog.gen("end", max_tokens=2)
        return s["end"]

    main, workers, end = fork.compile().regions
    assert [region.name for region in (main, workers, end)] == ["main.0", "fork.1", "main.2"]
    assert workers.streams[0].view[:2] == ("main.0", "fork.1/detached.0")
    assert workers.keep == ("fork.1/detached.0",)
    assert end.streams[0].view == ("main.0", "fork.1/detached.0", "main.2")
    assert fork.on(script({"a": "x", "b": "y", "main": "it is wet"}))() == "it is "


def test_behind_the_last_value_it_runs_nothing():
    @hog.program
    def ends(s: hog.Scope) -> str:
        s += hog.gen("x", max_tokens=2)
        value = s["x"]
        s += NOTE
        return value

    runtime = script({"main": "1"})
    assert ends.on(runtime)() == "1"
    assert [len(session.regions) for session in runtime.sessions] == [1]


def test_it_is_one_block_for_all_views_of_a_region():
    @hog.program
    def pair(s: hog.Scope) -> None:
        with s.concurrent() as now:
            with now.think("a", prompt="Near: " + NOTE, max_tokens=2) as a:
                a += hog.gen()
            with now.say("b", max_tokens=2) as b:
                b += hog.gen()
            b.sees("Far, far away: ", a, hog.detached("It rained. "))

    (region,) = pair.compile().regions
    (block,) = detached_in(region)
    assert all(block.name in stream.view for stream in region.streams)


def test_a_text_behind_it_is_encoded_behind_all_that_stands_before_it():
    @hog.program
    def one(s: hog.Scope) -> None:
        prompt = "Near: " + NOTE + "Why?"
        with s.concurrent() as now, now.think("a", prompt=prompt, max_tokens=2) as a:
            a += hog.gen()

    (region,) = one.compile().regions
    texts = {b.name: b for b in region.blocks if isinstance(b, plan.TextBlock)}
    assert texts["concurrent.0/1"].after == ("concurrent.0/0", "concurrent.0/detached.0")


def test_what_it_is_encoded_after_is_in_no_view_and_may_be_detached_itself():
    @hog.program
    def one(s: hog.Scope) -> None:
        second = hog.detached("And then? ", after=hog.system("Read.") + NOTE)
        with s.concurrent() as now, now.think("a", prompt="Near: " + second) as a:
            a += hog.gen(max_tokens=2)

    (region,) = one.compile().regions
    inner, outer = detached_in(region)
    assert (inner.text, inner.after) == ("It rained. ", ())
    assert (outer.text, outer.after) == ("And then? ", ("concurrent.0/1", inner.name))
    assert region.streams[0].view == ("concurrent.0/0", outer.name, "concurrent.0.a")


def test_a_layout_can_show_it():
    def around(me: hog.Worker, others: object, shared: hog.Shared) -> list[hog.ViewItem]:
        return [NOTE, shared]

    @hog.program
    def pair(s: hog.Scope) -> None:
        s += "Why?"
        with s.fork("a", "b", layout=around) as team:
            for worker in team:
                worker += hog.gen(max_tokens=2)

    assert pair.compile().regions[1].streams[0].view[:2] == ("fork.1/detached.0", "main.0")


def test_a_worker_cannot_write_it():
    @hog.program
    def writes(s: hog.Scope) -> None:
        with s.fork("a") as team:
            team["a"] += "Read: " + NOTE  # here

    assert fault_of(writes) == (
        "what 'a' writes is one block, and a detached text has a block of its own. Show it with "
        "prompt=, sees() or a layout, or write it to the scope before the region."
    )


def test_what_listens_cannot_write_it():
    @hog.program
    def hears(s: hog.Scope, mic: hog.Channel) -> None:
        with s.concurrent() as now:
            heard = now.listen("mic", mic)
            heard += NOTE  # here

    assert fault_of(hears, hog.Channel()).startswith("the text of 'mic' is one block")


@pytest.mark.parametrize("where", ["prompt", "scope"])
def test_a_view_that_shows_it_twice(where: str):
    @hog.program
    def twice(s: hog.Scope) -> None:
        if where == "scope":
            s += NOTE
        with s.concurrent() as now:
            with now.think("a", prompt=NOTE if where == "prompt" else None) as a:
                a += hog.gen(max_tokens=2)
            a.sees("Again: " + hog.detached("It rained. "))  # here

    assert fault_of(twice) == (
        "'a' sees the detached text 'It rained. ' twice, and it would count twice. Name it once."
    )


def test_it_is_text_without_turns():
    @hog.program
    def turns(s: hog.Scope) -> None:
        turn: Any = hog.user("Hello")
        s += hog.detached(turn)  # here

    assert fault_of(turns) == (
        "a detached text is text, not a Piece: chat turns, and what the model writes, depend on "
        "what stands before them. Write them before or behind it."
    )


def test_the_model_does_not_write_in_what_it_is_encoded_after():
    @hog.program
    def writes(s: hog.Scope) -> None:
        s += hog.detached("Hello", after="Say: " + hog.gen())  # here

    assert fault_of(writes).startswith("what a detached text is encoded after is encoded before")
