"""How tokens are drawn, how many there are, and what is told: settings that break a rule."""

from typing import Any

import pytest

import hogdsl as hog
from tests.language.faults import fault_of
from tests.language.played import Played, play


def test_a_penalty_that_is_too_great():
    @hog.program
    def strict(s: hog.Scope) -> None:
        s += hog.gen(frequency_penalty=3)  # here: hog.gen(frequency_penalty=3)

    assert fault_of(strict) == (
        "frequency_penalty is a number from -2 to 2, not 3. Use 0.0 to switch it off."
    )


def test_a_stream_checks_the_settings_of_its_gens():
    @hog.program
    def forks(s: hog.Scope) -> None:
        with s.fork("a") as team:
            team["a"].gen(min_p=2.0)  # here: team["a"].gen(min_p=2.0)

    assert fault_of(forks) == (
        "min_p is a share of the likeliest token's probability, 0 to 1, not 2.0. "
        "Use 0.0 to switch it off."
    )


@pytest.mark.parametrize(
    ("settings", "code", "rule"),
    [
        (
            {"min_p": -0.1},
            "min-p",
            "min_p is a share of the likeliest token's probability, 0 to 1, not -0.1. "
            "Use 0.0 to switch it off.",
        ),
        (
            {"presence_penalty": -2.5},
            "penalty",
            "presence_penalty is a number from -2 to 2, not -2.5. Use 0.0 to switch it off.",
        ),
        (
            {"frequency_penalty": float("nan")},
            "penalty",
            "frequency_penalty is a number from -2 to 2, not nan. Use 0.0 to switch it off.",
        ),
        (
            {"repetition_penalty": 0},
            "penalty",
            "repetition_penalty is a number, more than 0 and at most 2, not 0. "
            "Use 1.0 to switch it off.",
        ),
        (
            {"logit_bias": ["yes"]},
            "logit-bias",
            "logit_bias= gives a number for each token, and ['yes'] does not. "
            "Write for example {'yes': 2.0}.",
        ),
        (
            {"logit_bias": {"yes": float("-inf")}},
            "logit-bias",
            "logit_bias adds a finite number to a token's logit, and token 'yes' is given -inf. "
            "To rule a token out, use forbid=.",
        ),
        (
            {"logit_bias": {-1: 2.0}},
            "token",
            "a token is given by its text or its number, and -1 is neither.",
        ),
        (
            {"min_tokens": -1},
            "min-tokens",
            "min_tokens is a whole number, 0 or more, not -1. Leave it out for 0.",
        ),
        (
            {"min_tokens": 9, "max_tokens": 8},
            "min-tokens",
            "a gen has to write at least 9 tokens and may write 8. "
            "Give it a smaller min_tokens= or a greater max_tokens=.",
        ),
        (
            {"ignore_eos": "no"},
            "ignore-eos",
            "ignore_eos is True or False, not 'no'. Leave it out for False.",
        ),
        (
            {"ignore_eos": True, "regex": "a+"},
            "ends-by-form",
            "a gen that is held by schema=, regex= or choices= ends where these say, whatever "
            "ignore_eos is. Leave ignore_eos= out.",
        ),
        (
            {"min_tokens": 2, "choices": ["a", "b"]},
            "ends-by-form",
            "a gen that is held by schema=, regex= or choices= ends where these say, whatever "
            "min_tokens is. Leave min_tokens= out.",
        ),
        (
            {"logprobs": 5},
            "logprobs",
            "logprobs is True or False, not 5. For a number of likeliest tokens, use "
            "top_logprobs=.",
        ),
        (
            {"top_logprobs": 21},
            "logprobs",
            "top_logprobs is a whole number from 0 to 20, not 21. "
            "Leave it out for the written tokens' own log-probabilities.",
        ),
        (
            {"top_logprobs": -1},
            "logprobs",
            "top_logprobs is a whole number from 0 to 20, not -1. "
            "Leave it out for the written tokens' own log-probabilities.",
        ),
    ],
    ids=str,
)
def test_a_gen_checks_how_it_is_drawn(settings: dict[str, Any], code: str, rule: str):
    with pytest.raises(hog.ProgramError) as caught:
        hog.gen(**settings)
    assert (caught.value.code, caught.value.rule) == (code, rule)


def test_log_probabilities_that_nobody_asked_for():
    def asks(s: hog.Scope) -> None:
        s += hog.gen("x")
        s.logprobs("x")

    with pytest.raises(hog.ProgramError) as caught:
        play(asks, Played({"main": ["text"]}))
    assert (caught.value.code, caught.value.rule) == (
        "no-logprobs",
        "log-probabilities are told of a gen that asks for them, and this one does not. "
        "Write hog.gen(..., logprobs=True).",
    )
