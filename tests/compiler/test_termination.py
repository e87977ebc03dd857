"""Termination on plain data."""

import pytest

from hogdsl.compiler.flatten import flatten
from hogdsl.compiler.ir import RegionIR
from hogdsl.compiler.termination import check_termination, generates, is_bounded
from hogdsl.plan import RegexConstraint
from tests.compiler.build import (
    ended,
    gen,
    listen,
    nested,
    region,
    select,
    stream,
    text,
    until,
    until_,
    worker,
)
from tests.compiler.stops import stops


@pytest.mark.parametrize(
    "bounded",
    [
        stream("a", gen(), max_tokens=4),
        stream("a", gen(), max_seconds=4.0),
        stream("a", gen(max_tokens=4), gen(stop="!")),
        stream("a", gen(stop_regex=("x",)), gen(stop_tokens=(3,))),
        stream("a", gen(constraint=RegexConstraint(regex="x"))),
        stream("a", select("x", "y")),
        stream("a", text("note")),
    ],
)
def test_a_stream_is_bounded_by_a_budget_or_by_all_its_gens(bounded):
    assert is_bounded(bounded)


def test_one_unbounded_gen_makes_a_stream_unbounded():
    assert not is_bounded(stream("a", gen(max_tokens=4), gen()))


def test_a_stream_generates_if_the_model_chooses_something():
    assert generates(stream("a", gen()))
    assert generates(stream("a", select("x", "y")))
    assert not generates(stream("a", text("note")))


@pytest.mark.parametrize(
    "ending",
    [
        region(stream("a", gen(stop="!")), stream("b", gen())),
        region(stream("a", gen()), max_seconds=1.0),
        region(stream("a", gen()), max_tokens=9),
        region(stream("a", text("note"))),
        region(stream("main", gen(), role="main")),
        region(stream("a", gen()), listen("mic"), untils=(until_(ended("mic")),)),
        region(listen("mic"), untils=(until_(ended("mic")),)),
        region(stream("a", text("note")), listen("mic")),
        region(worker("a", nested("f", worker("x", gen(max_tokens=3))), gen())),
    ],
)
def test_a_region_ends_if_somebody_promises_it(ending: RegionIR):
    check_termination(flatten(ending))


def test_a_bounded_stream_that_does_not_generate_does_not_help():
    faulty = region(stream("a", gen()), stream("b", text("note"), max_tokens=4))
    assert stops(check_termination, faulty) == (
        99,
        "the region cannot end: 'a' has no budget and no stop. Give the region max_seconds=, or a "
        "stream or its gen max_tokens= or stop=.",
    )


def test_parts_of_a_worker_are_named_once():
    faulty = region(worker("a", gen(), nested("f", worker("x", text("-"))), gen()))
    _, rule = stops(check_termination, faulty)
    assert rule.startswith("the region cannot end: 'a' has no budget and no stop.")


@pytest.mark.parametrize("condition", [until(), until_(ended("a"))])
def test_an_until_about_what_the_model_does_promises_nothing(condition):
    line, _ = stops(check_termination, region(stream("a", gen()), untils=(condition,)))
    assert line == 99


def test_a_region_of_inputs_alone_hears_nothing():
    assert stops(check_termination, region(listen("mic"), listen("ear"))) == (
        99,
        "nothing is heard: only 'ear' and 'mic' run here, and a region does not wait for its "
        "inputs. End it with until=hog.closed(...).",
    )


def test_a_region_has_a_stream_and_every_stream_writes():
    assert stops(check_termination, region())[0] == 99
    silent = stream("b", text(""), line=7)
    assert stops(check_termination, region(stream("a"), silent))[0] == 7


def test_a_worker_that_only_forks_writes_enough():
    check_termination(flatten(region(worker("a", nested("f", worker("x"))))))
