"""Budgets against the model's context, on plain data."""

import pytest

from hogdsl.compiler.budgets import budget, check_budgets
from hogdsl.compiler.flatten import flatten
from hogdsl.compiler.ir import RegionIR, StreamIR
from tests.compiler.build import commit, gen, history, nested, region, sees, stream, text, worker
from tests.compiler.stops import stops


@pytest.mark.parametrize(
    ("of", "n_tokens"),
    [
        (stream("a", gen(max_tokens=3), text("long"), gen(max_tokens=4)), 7),
        (stream("a", gen(max_tokens=3), gen()), 3),
        (stream("a", gen(max_tokens=3), gen(), max_tokens=9), 9),
        (stream("a", gen(max_tokens=3), max_tokens=2), 2),
        (stream("a", gen(max_tokens=3), max_tokens=9), 3),
        (stream("a", text("long"), max_tokens=9), 0),
    ],
)
def test_a_budget_is_the_smaller_of_the_streams_and_what_its_gens_allow(
    of: StreamIR, n_tokens: int
):
    assert budget((of,)) == n_tokens


def within(n_tokens: int, whole: RegionIR) -> None:
    check_budgets(flatten(whole), n_tokens)


def test_a_stream_may_come_to_see_what_all_in_its_view_write():
    whole = region(
        stream("a", gen(max_tokens=40), views=(sees("b"), sees("c")), line=3),
        stream("b", gen(max_tokens=30)),
        stream("c", gen()),
    )
    within(70, whole)
    assert stops(lambda flat: check_budgets(flat, 69), whole) == (
        3,
        "'a' may come to see 70 tokens (40 of its own, 30 of 'b'), and the model's context holds "
        "69. Give smaller max_tokens=.",
    )


def test_committed_steps_count_with_those_who_write_them_once():
    steps = [
        worker(name, gen(max_tokens=10), commit=commit(), views=(history(), sees(other)))
        for name, other in (("a", "b"), ("b", "a"))
    ]
    within(20, region(*steps))
    assert stops(lambda flat: check_budgets(flat, 19), region(*steps))[0] == 1


def test_parts_of_a_worker_share_its_budget():
    forks = nested("f", worker("x", gen(max_tokens=5)))
    whole = region(worker("a", gen(), forks, gen(), max_tokens=10))
    within(15, whole)
    _, rule = stops(lambda flat: check_budgets(flat, 14), whole)
    assert "15 tokens (5 of its own, 10 of 'a')" in rule


def test_a_regions_budget_bounds_the_sum():
    within(50, region(stream("a", gen(max_tokens=400)), max_tokens=50))
