"""All checks together."""

import pytest

from hogdsl.compiler.check import check
from hogdsl.errors import ProgramError
from tests.compiler.build import (
    ask,
    at,
    ended,
    gen,
    hold,
    insert,
    listen,
    nested,
    region,
    sees,
    stream,
    until,
    until_,
    wait,
    worker,
)


def test_a_region_that_keeps_all_rules_passes():
    paced = wait("b", ask("a"))
    check(
        region(
            stream("a", gen("x"), gen("y"), max_tokens=3),
            stream("b", gen("x"), role="say"),
            listen("mic", barge_in="pause"),
            waits=(paced,),
            holds=(hold("b", ended("a"), at_text="."),),
            inserts=(insert("random"),),
            untils=(until(2), until_(ended("mic"))),
            keep=("b",),
        ),
        {"x": at(1)},
        context_length=64,
    )


def test_a_team_with_forks_passes():
    forks = nested("f", worker("x", others=("y",), of="f"), worker("y"), until=(until(),))
    check(region(worker("a", gen(), forks, gen()), worker("b", others=("a",))), {})


@pytest.mark.parametrize(
    "faulty",
    [
        region(stream("a"), stream("a")),
        region(stream("a", views=(sees("a"),))),
        region(stream("a"), holds=(hold("a", ended("a")),)),
        region(stream("a"), keep=("b",)),
        region(stream("a"), inserts=(insert("b"),)),
        region(),
        region(stream("a", gen(stop_regex=("(",)))),
        region(stream("a", max_tokens=99)),
        region(worker("a", nested("f", worker("x", views=(sees("x", region="f"),))))),
    ],
)
def test_every_pass_is_asked(faulty):
    with pytest.raises(ProgramError):
        check(faulty, {}, context_length=3)


def test_budgets_are_checked_if_the_context_is_known():
    whole = region(stream("a", gen(max_tokens=99)))
    check(whole, {})
    with pytest.raises(ProgramError):
        check(whole, {}, context_length=98)
