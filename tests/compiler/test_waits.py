"""Questions, waits and circles on plain data."""

from collections.abc import Mapping

import pytest

from hogdsl.compiler.flatten import flatten
from hogdsl.compiler.ir import RegionIR
from hogdsl.compiler.waits import check_waits, find_circle
from tests.compiler.build import (
    ask,
    ended,
    gen,
    hold,
    listen,
    matches,
    nested,
    region,
    stream,
    text,
    wait,
    worker,
)
from tests.compiler.stops import stops

A, B, C = stream("a"), stream("b"), stream("c")


def needs(arrows: Mapping[str, str]) -> dict[str, list[tuple[tuple[str, ...], int]]]:
    """Every letter on the right is needed; of letters in brackets one is enough."""
    found: dict[str, list[tuple[tuple[str, ...], int]]] = {}
    for fact, needed in arrows.items():
        groups = needed.split()
        found[fact] = [(tuple(group.strip("()")), 1) for group in groups]
    return found


@pytest.mark.parametrize(
    ("arrows", "circle"),
    [
        ({"a": "b c", "b": "c", "c": ""}, None),
        ({"a": "a"}, "a"),
        ({"a": "b", "b": "a"}, "ab"),
        ({"x": "a", "a": "b", "b": "c", "c": "a"}, "abc"),
        ({"a": "b", "b": "", "c": "d", "d": "c"}, "cd"),
        ({"a": "z b", "b": "a", "z": ""}, "ab"),
        ({"a": "(bz)", "b": "a", "z": ""}, None),
        ({"a": "(bc)", "b": "a", "c": "a"}, "ab"),
    ],
)
def test_a_circle_is_what_is_left_when_all_that_can_come_about_has(
    arrows: dict[str, str], circle: str | None
):
    assert find_circle(needs(arrows)) == (None if circle is None else tuple(circle))


def test_as_many_as_are_needed_must_come_about():
    two = {"a": [(("b", "c", "z"), 2)], "b": [(("a",), 1)], "c": [], "z": []}
    assert find_circle(two) is None
    assert find_circle({**two, "c": [(("a",), 1)]}) == ("a", "b")


CIRCLES = [
    (region(A, waits=(wait("a", ask("a"), line=5),)), "a -> a"),
    (
        region(A, B, waits=(wait("b", ask("a"), line=5), wait("a", ask("b"), line=6))),
        "b -> a -> b",
    ),
    (
        region(A, B, holds=(hold("a", ended("b"), line=5), hold("b", ended("a"), line=6))),
        "a -> b -> a",
    ),
    (region(A, B, holds=(hold("a", matches(n=None), line=5),)), "a -> a"),
    (region(A, B, holds=(hold("a", matches("a"), at_text=".", line=5),)), "a -> a"),
    (
        region(A, B, waits=(wait("a", ask("b"), line=5),), holds=(hold("b", matches("a")),)),
        "a -> b -> a",
    ),
    (
        region(
            A,
            B,
            C,
            holds=(
                hold("a", ended("b"), at_text="\n", line=5),
                hold("b", ended("c"), line=6),
                hold("c", ended("a"), line=7),
            ),
        ),
        "a -> b -> c -> a",
    ),
]


@pytest.mark.parametrize(("faulty", "circle"), CIRCLES)
def test_streams_that_wait_for_each_other_are_shown_as_the_circle(faulty: RegionIR, circle: str):
    assert stops(check_waits, faulty) == (
        5,
        f"streams wait for each other in a circle: {circle}. Let one of them go on without "
        "waiting.",
    )


def test_a_nested_worker_that_waits_for_its_own_worker_waits_in_a_circle():
    forks = nested("f", worker("x"))
    faulty = region(worker("a", forks), holds=(hold("a/x", ended("a"), line=5),))
    line, rule = stops(check_waits, faulty)
    assert line == 5
    assert "in a circle: a/x -> a#2 -> a/x." in rule


def test_a_worker_that_waits_for_its_own_text_waits_in_a_circle_whatever_it_forks():
    forks = nested("f", worker("x"))
    faulty = region(worker("a", forks, gen()), holds=(hold("a", matches("a"), line=5),))
    assert "in a circle: a -> a." in stops(check_waits, faulty)[1]


@pytest.mark.parametrize(
    "whole",
    [
        region(worker("a", gen(), nested("f", worker("x"))), holds=(hold("a/x", matches("a")),)),
        region(A, B, C, waits=(wait("b", ask("a")), wait("c", ask("b")), wait("c", ask("a")))),
        region(A, B, holds=(hold("a", matches()),)),
        region(A, B, holds=(hold("a", matches("b"), at_text="."), hold("b", matches("a")))),
        region(
            A, B, holds=(hold("a", matches("b"), at_text="."), hold("b", matches("a"), at_text="."))
        ),
        region(A, listen("mic"), holds=(hold("a", ended("mic")),)),
        region(
            worker("a", nested("f", worker("x"))), worker("b"), holds=(hold("b", ended("a/x")),)
        ),
    ],
)
def test_waiting_for_what_can_come_about_is_no_circle(whole: RegionIR):
    check_waits(flatten(whole))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (ask("a", every=None, line=6), "the question to 'a' is never put: it has neither"),
        (ask("a", every=0, line=6), "every is a whole number, 1 or more, not 0."),
        (ask("a", answers=("yes",), line=6), "a question has two or more different answers"),
        (ask("a", answers=("y", "n", "y"), line=6), "a question has two or more different"),
        (ask("a", answers=("yes", ""), line=6), "an answer is not empty text."),
        (ask("fixed", line=6), "the question to 'fixed' is never put: the model writes nothing"),
    ],
)
def test_an_ask_can_be_put_and_answered(asked, found: str):
    faulty = region(A, stream("fixed", text("note")), asks=(asked,))
    line, rule = stops(check_waits, faulty)
    assert line == 6
    assert rule.startswith(found)


@pytest.mark.parametrize(
    ("waiting", "found"),
    [
        (wait("b", ask("a"), "maybe", line=6), "'b' waits for the answer 'maybe', which is never"),
        (wait("b", ask("a"), each="", line=6), "each= is the text at which a stream is held"),
        (wait("b", ask("a", region="r0"), line=6), "'b' waits for a question of another region"),
    ],
)
def test_a_wait_can_be_over(waiting, found: str):
    line, rule = stops(check_waits, region(A, B, waits=(waiting,)))
    assert line == 6
    assert rule.startswith(found)
