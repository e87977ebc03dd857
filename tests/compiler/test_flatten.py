"""Nested forks, taken apart: golden text of what comes out."""

from hogdsl.compiler.flatten import flatten
from hogdsl.compiler.lower import lower
from hogdsl.compiler.show import show
from tests.compiler.build import (
    at,
    commit,
    ended,
    gen,
    history,
    hold,
    insert,
    matches,
    nested,
    region,
    sees,
    text,
    until,
    until_,
    worker,
)


def test_a_region_without_forks_stays_as_it_is_with_its_names_written_out():
    whole = region(worker("a"), worker("b"), untils=(until(None),), inserts=(insert("b"),))
    assert (
        show(flatten(whole))
        == """region r
  worker a
    sees ..., r.a
    gen max_tokens=4
  worker b
    sees ..., r.b
    gen max_tokens=4
  until all of a,b /done/
  insert insert0 into each every 8: 'check: ' streams=b
"""
    )


def test_a_flat_region_comes_out_equal():
    forks = nested("f", worker("x"), until=(until(),))
    once = flatten(region(worker("a", forks), worker("b"), untils=(until(2),)))
    assert flatten(once) == once


def test_a_worker_becomes_a_stream_for_each_stretch_of_writing():
    forks = nested(
        "f",
        worker("x", others=("y",), of="f", max_seconds=9.0),
        worker("y", others=("x",), of="f"),
        max_seconds=5.0,
    )
    alice = worker("Alice", text("I "), forks, gen("so"), others=("Bob",), max_tokens=64)
    bob = worker("Bob", others=("Alice",))
    assert (
        show(flatten(region(alice, bob)))
        == """region r keep=Alice,Alice/x,Alice/y,Alice#2,Bob
  worker Alice max_tokens=64
    sees ..., Bob, r.Alice
    'I '
  worker Alice/x after=Alice parent=Alice max_seconds=5.0
    sees ..., Alice/y, r.Alice/x
    gen max_tokens=4
  worker Alice/y after=Alice parent=Alice max_seconds=5.0
    sees ..., Alice/x, r.Alice/y
    gen max_tokens=4
  worker Alice#2 after=Alice,Alice/x,Alice/y parent=Alice continues max_tokens=64
    sees ..., Alice/x, Alice/y, r.Alice#2
    gen so
  worker Bob
    sees ..., Alice, Alice/x, Alice/y, Alice#2, r.Bob
    gen max_tokens=4
"""
    )


def test_a_second_fork_follows_the_part_that_the_first_one_left():
    whole = region(
        worker("a", nested("f", worker("x"), keep=()), text("-"), nested("g", worker("y")))
    )
    assert (
        show(flatten(whole))
        == """region r keep=a,a#2,a/y,a#3
  worker a
    sees ..., r.a
  worker a/x after=a parent=a
    sees ..., r.a/x
    gen max_tokens=4
  worker a#2 after=a,a/x parent=a continues
    sees ..., r.a#2
    '-'
  worker a/y after=a#2 parent=a#2
    sees ..., r.a/y
    gen max_tokens=4
  worker a#3 after=a#2,a/y parent=a#2 continues
    sees ..., a/y, r.a#3
"""
    )


def test_a_fork_within_a_fork_is_named_by_its_workers():
    inner = nested("g", worker("p"))
    outer = nested("f", worker("x", inner, gen("v")))
    flat = flatten(region(worker("a", outer), worker("b", others=("a",))))
    assert [s.name for s in flat.streams] == ["a", "a/x", "a/x/p", "a/x#2", "a#2", "b"]
    assert flat.streams[4].after == ("a", "a/x", "a/x/p", "a/x#2")
    names = ("a", "a/x", "a/x/p", "a/x#2", "a#2")
    assert flat.streams[5].sees == tuple(sees(name) for name in names)
    assert flat.streams[4].sees == tuple(sees(name) for name in names[1:4])


def test_steps_go_on_in_every_part_and_headers_have_the_name_of_the_program():
    steps = commit("f/history")
    forks = nested("f", worker("x", commit=steps), worker("y", commit=steps))
    whole = region(worker("a", gen("u"), forks, gen("v"), views=(history(),), commit=commit()))
    flat = flatten(whole)
    assert [s.commit.header for s in flat.streams if s.commit] == ["a: ", "x: ", "y: ", "a: "]
    assert flat.streams[3].sees == (history("f/history"), sees("a/x"), sees("a/y"))
    assert lower(whole).keep == ("r/history", "r.a", "f/history", "r.a/x", "r.a/y", "r.a#2")


def test_a_header_keeps_its_other_fields_and_its_braces():
    rule = commit()
    header = "{{{name:>3}}} [{step:02}] "
    steps = type(rule)(history=rule.history, step=rule.step, header=header)
    flat = flatten(region(worker("{", nested("f", worker("x")), gen("v"), commit=steps)))
    assert flat.streams[2].commit is not None
    assert flat.streams[2].commit.header.format(step=3) == "{  {} [03] "


def test_rules_of_a_fork_are_about_its_streams():
    forks = nested(
        "f",
        worker("x"),
        worker("y"),
        until=(until(None), until_(ended("x")), until_(matches("b"))),
        inserts=(insert("random"), insert("y", name="insert1")),
    )
    lowered = lower(region(worker("a", forks), worker("b")))
    ends = ("a/x", "a/y")
    assert [(u.condition.streams, u.condition.n, u.ends) for u in lowered.until] == [
        (("a/x", "a/y"), 2, ends),
        (("a/x",), 1, ends),
        (("b",), 1, ends),
    ]
    assert [(i.streams, i.into) for i in lowered.inserts] == [
        (("a/x", "a/y"), "random"),
        (("a/y",), "each"),
    ]


def test_a_hold_of_a_nested_worker_is_about_the_workers_of_its_fork():
    forks = nested("f", worker("x"), worker("y"))
    whole = region(
        worker("a", forks),
        worker("y"),
        holds=(hold("a/x", ended("y")), hold("a/x", matches(n=None)), hold("y", ended("a"))),
    )
    holds = flatten(whole).holds
    assert [h.until.streams for h in holds] == [("a/y",), ("a/x", "a/y"), ("a",)]


def test_an_until_of_a_fork_ends_the_forks_inside_of_it():
    inner = nested("g", worker("p"))
    forks = nested("f", worker("x", inner), until=(until(),))
    lowered = lower(region(worker("a", forks)))
    assert lowered.until[0].ends == ("a/x", "a/x#2", "a/x/p")


def test_places_stay():
    forks = nested("f", worker("x", line=7), line=5)
    flat = flatten(region(worker("a", forks, line=3)))
    assert [s.place for s in flat.streams] == [at(3), at(7), at(3)]
