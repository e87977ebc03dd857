"""Who writes what, when and under which name."""

from typing import Any

import pytest

import hogdsl as hog
from tests.language.faults import fault_of

HERE = "tests/language/test_errors_writing.py"


def test_the_scope_has_two_writers_while_a_region_is_open():
    @hog.program
    def both(s: hog.Scope) -> None:
        with s.fork("a") as team:
            for worker in team:
                worker += hog.gen(max_tokens=8)
            s += "meanwhile"  # here: s += "meanwhile"

    assert fault_of(both) == (
        "the scope has two writers: a region is open, and the scope is sealed until it ends. "
        "Write to the region's streams, or move this line out of the `with` block."
    )


def test_a_worker_has_two_writers_after_its_region():
    @hog.program
    def late(s: hog.Scope) -> None:
        with s.fork("a") as team:
            team["a"] += hog.gen(max_tokens=8)
        team["a"] += "one more thing"  # here

    assert fault_of(late) == (
        "the stream 'a' has two writers: its `with` block has ended, and its stream goes on "
        "without the program. Write to it inside the `with` block."
    )


def test_a_thought_has_two_writers_after_its_own_block():
    @hog.program
    def late(s: hog.Scope) -> None:
        with s.concurrent() as now:
            with now.think("a") as a:
                a += hog.gen(max_tokens=8)
            a += "one more thing"  # here

    assert fault_of(late) == (
        "the stream 'a' has two writers: its `with` block has ended, and its stream goes on "
        "without the program. Write to it inside the `with` block."
    )


def test_a_stream_is_written_before_it_is_open():
    @hog.program
    def early(s: hog.Scope) -> None:
        with s.concurrent() as now:
            a = now.think("a")
            a += hog.gen(max_tokens=8)  # here

    assert fault_of(early) == (
        "the stream 'a' is written before its block is open. Open it with `with` first."
    )


def test_a_fork_without_with_is_found_at_the_first_write():
    @hog.program
    def careless(s: hog.Scope) -> None:
        for worker in s.fork("a", "b"):
            worker += hog.gen(max_tokens=8)  # here

    assert fault_of(careless) == (
        "the stream 'a' is written before its block is open. Open it with `with` first."
    )


def test_two_streams_of_the_same_name():
    @hog.program
    def twins(s: hog.Scope) -> None:
        with s.concurrent() as now:
            with now.think("a") as a:
                a += hog.gen(max_tokens=8)
            with now.say("a") as b:  # here: now.say("a")
                b += hog.gen(max_tokens=8)

    rule = fault_of(twins)
    assert rule.startswith(f"the stream 'a' has two writers: {HERE}:")
    assert rule.endswith(" declares it already. Give each stream a name of its own.")


def test_a_name_of_the_scope_is_used_twice():
    @hog.program
    def again(s: hog.Scope) -> None:
        s += hog.gen("x", max_tokens=8)
        with s.fork("a") as team:
            team["a"] += hog.gen("x", max_tokens=8)
        s += hog.gen("x", max_tokens=8)  # here: hog.gen("x", max_tokens=8)

    rule = fault_of(again)
    assert rule.startswith(f"the name 'x' is used twice: {HERE}:")
    assert rule.endswith(" has it already. Give each value a name of its own.")


def test_a_name_of_a_stream_is_used_twice():
    @hog.program
    def again(s: hog.Scope) -> None:
        with s.fork("a") as team:
            team["a"] += hog.gen("x", max_tokens=8)
            team["a"] += hog.select("x", ["yes", "no"])  # here

    assert fault_of(again).startswith("the name 'x' is used twice: ")


def test_a_stream_that_takes_the_name_of_the_scope():
    @hog.program
    def usurper(s: hog.Scope) -> None:
        with s.fork("main"):  # here
            pass

    assert fault_of(usurper) == "the name 'main' is the scope's own. Give the stream another."


@pytest.mark.parametrize("name", ["each", "random"])
def test_a_stream_that_takes_the_name_of_several(name: str):
    @hog.program
    def usurper(s: hog.Scope) -> None:
        with s.fork(name):  # here
            pass

    assert fault_of(usurper) == (
        f"the name {name!r} says into which streams every(..., into=) puts its text, and is no "
        "stream's own. Give the stream another."
    )


def test_a_region_inside_a_region():
    @hog.program
    def nested(s: hog.Scope) -> None:
        with s.fork("a") as team:
            team["a"] += hog.gen(max_tokens=8)
            with s.concurrent():  # here: s.concurrent()
                pass

    rule = fault_of(nested)
    assert rule.startswith(f"regions do not nest: the one at {HERE}:")
    assert rule.endswith(
        " is still being declared. Open this one after the other's `with` block, or "
        "fork from one of its workers."
    )


def test_a_region_that_is_opened_twice():
    @hog.program
    def again(s: hog.Scope) -> None:
        team = s.fork("a")
        with team:
            team["a"] += hog.gen(max_tokens=8)
        with team:  # here
            pass

    assert fault_of(again) == "a region is opened once. Make a new one for the next `with`."


def test_a_region_that_is_still_open_at_the_end():
    @hog.program
    def unfinished(s: hog.Scope) -> None:
        team = s.fork("a")  # here
        team.__enter__()

    assert fault_of(unfinished) == (
        "the program ends while this region is open, so it never runs. Open it with a `with` block."
    )


def test_a_stream_that_is_declared_outside_its_region():
    @hog.program
    def outside(s: hog.Scope) -> None:
        now = s.concurrent()
        now.think("a")  # here

    assert fault_of(outside) == (
        "the stream 'a' is declared outside the `with` block of its region, which cannot see it "
        "there. Move it into the block."
    )


def test_a_rule_that_is_declared_outside_its_region():
    @hog.program
    def outside(s: hog.Scope) -> None:
        with s.fork("a") as team:
            team["a"] += hog.gen(max_tokens=8)
        team.until(hog.regex("done"))  # here

    assert fault_of(outside).startswith(
        "an until is declared outside the `with` block of its region"
    )


def test_a_fork_of_nobody():
    @hog.program
    def nobody(s: hog.Scope) -> None:
        with s.fork():  # here
            pass

    assert fault_of(nobody) == ("a fork names no worker. Give it names, or a number of workers.")


def test_a_fork_that_is_given_a_list():
    @hog.program
    def listed(s: hog.Scope) -> None:
        names: Any = ["a", "b"]
        with s.fork(names):  # here
            pass

    assert fault_of(listed) == (
        "a fork takes names of workers, or one number, not ['a', 'b']. Unpack a list with `*`."
    )


def test_an_error_in_a_helper_points_into_the_helper():
    def ask(s: hog.Scope) -> None:
        s += hog.select("way", [])

    @hog.program
    def delegating(s: hog.Scope) -> None:
        ask(s)

    with pytest.raises(hog.ProgramError) as caught:
        delegating.compile()
    assert caught.value.line == ask.__code__.co_firstlineno + 1


def test_a_worker_is_written_while_its_fork_is_open():
    @hog.program
    def both(s: hog.Scope) -> None:
        with s.fork("a") as team:
            a = team["a"]
            with a.fork("b") as inner:
                inner["b"] += hog.gen(max_tokens=4)
                a += "meanwhile"  # here: a += "meanwhile"

    assert fault_of(both) == (
        "the stream 'a' has two writers: a region is open, and the stream 'a' is sealed until it "
        "ends. Write to the region's streams, or move this line out of the `with` block."
    )


def test_a_worker_forks_while_its_fork_is_open():
    @hog.program
    def both(s: hog.Scope) -> None:
        with s.fork("a") as team, team["a"].fork("b") as inner:
            inner["b"] += hog.gen(max_tokens=4)
            with team["a"].fork("c"):  # here: team["a"].fork("c")
                pass

    rule = fault_of(both)
    assert rule.startswith(f"a worker has one fork open at a time, and the one at {HERE}:")
    assert rule.endswith(
        " still is. Open this one after the other's `with` block, or from one of its workers."
    )


def test_a_worker_forks_after_its_region():
    @hog.program
    def late(s: hog.Scope) -> None:
        with s.fork("a") as team:
            team["a"] += hog.gen(max_tokens=8)
        with team["a"].fork("b"):  # here
            pass

    assert fault_of(late).startswith("the stream 'a' has two writers: its `with` block has ended")


def test_a_fork_of_a_worker_that_is_still_open_at_the_end():
    @hog.program
    def unfinished(s: hog.Scope) -> None:
        with s.fork("a") as team:
            team["a"] += hog.gen(max_tokens=8)
            team["a"].fork("b").__enter__()  # here: team["a"].fork("b")

    assert fault_of(unfinished) == (
        "the program ends while this region is open, so it never runs. Open it with a `with` block."
    )


def test_two_forks_of_a_worker_with_the_same_name_in_them():
    @hog.program
    def twins(s: hog.Scope) -> None:
        with s.fork("a") as team:
            for _ in range(2):
                with team["a"].fork("b") as inner:  # here
                    inner["b"] += hog.gen(max_tokens=8)

    rule = fault_of(twins)
    assert rule.startswith(f"the stream 'a/b' has two writers: {HERE}:")
    assert rule.endswith(" declares it already. Give each stream a name of its own.")


def test_a_listener_is_written_with_a_gen():
    @hog.program
    def talkative(s: hog.Scope) -> None:
        with s.concurrent() as now, now.listen("mic", hog.Channel()) as heard:
            heard += hog.gen()  # here: heard += hog.gen()

    assert fault_of(talkative) == (
        "the text of 'mic' is encoded before the streams run, so the model cannot write in it. "
        "Write the gen to a stream with `+=`."
    )


def test_a_worker_is_assigned_another():
    @hog.program
    def swaps(s: hog.Scope) -> None:
        with s.fork("a", "b") as team:
            team["a"] = team["b"]  # here: team["a"]

    assert fault_of(swaps) == ("the worker 'a' is assigned another worker. Write to it with `+=`.")
