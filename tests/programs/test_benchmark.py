"""The benchmark of the programs counts what is right, and only that."""

import random

import pytest

import hogdsl as hog
from benchmarks.programs import Count, judged_list, rngs, trials_of
from runtime.piglet.problems import SumList

PROBLEM = SumList(((17, 25), (38, 41)))


@pytest.mark.parametrize(
    ("worked", "lists", "lines"),
    [
        ("b:38+41=79\na:17+25=42\n", 1, 2),
        ("a:17+25=42\n", 0, 1),
        ("a:17+25=42\nb:38+41=89\n", 0, 1),
        ("a:17+25=42\nb:38+41=79\na:17+25=42\n", 0, 2),
        ("", 0, 0),
    ],
)
def test_a_list_is_right_when_every_line_is_there_once(worked: str, lists: int, lines: int) -> None:
    assert judged_list(PROBLEM, worked) == {"lists": Count(lists, 1), "lines": Count(lines, 2)}


def test_a_problem_is_drawn_from_the_seed_and_its_number() -> None:
    first, again = ([rng.random() for rng in rngs(3, 7)] for _ in range(2))
    assert first == again
    assert len({*first, *(rng.random() for rng in rngs(3, 8))}) == 6


@pytest.mark.parametrize("name", ["solo", "keep_listening fast", "interruptible", "conversation"])
def test_the_same_problem_is_judged_the_same_again(piglet: hog.Runtime, name: str) -> None:
    trial = trials_of(piglet)[name]
    first, again = (trial(random.Random("7/0")) for _ in range(2))
    assert first == again
    assert all(count.n >= 1 for count in first.values())
