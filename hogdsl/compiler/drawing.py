"""The rules of a `gen`: its tokens, how they are drawn, and how many there have to be.

Ranges are those of the wire (`hogdsl.plan.Sampling`), said in words for the author of a program.
"""

import math
from typing import TYPE_CHECKING

from hogdsl.compiler.kinds import is_number, is_text, is_token
from hogdsl.plan import MAX_TOP_LOGPROBS

if TYPE_CHECKING:
    from hogdsl.compiler.nodes import Gen


def check_gen(gen: "Gen") -> None:
    """Check all settings of a `gen` but its name and its counts.

    Raises:
        ProgramError: one is out of its range, or two do not go together.
    """
    _check_texts_and_tokens(gen)
    _check_sampling(gen)
    _check_penalties(gen)
    _check_bias(gen)
    _check_length(gen)
    top = gen.logprobs
    if top is not None and (type(top) is not int or not 0 <= top <= MAX_TOP_LOGPROBS):
        raise gen.place.error(
            f"top_logprobs is a whole number from 0 to {MAX_TOP_LOGPROBS}, not {top!r}. "
            "Leave it out for the written tokens' own log-probabilities.",
            code="logprobs",
        )


def _check_texts_and_tokens(gen: "Gen") -> None:
    for stop in (*gen.stop, *gen.stop_regex):
        if not is_text(stop):
            raise gen.place.error(
                f"a stop is text at which a gen ends, and not empty: {stop!r} is none. "
                "Leave it out.",
                code="no-stop",
            )
    for token in (*gen.stop_tokens, *gen.forbidden, *(token for token, _ in gen.logit_bias)):
        if not is_token(token):
            raise gen.place.error(
                f"a token is named by its text or its number, 0 or more: {token!r} is none. "
                "Write for example hog.token('<|im_end|>').",
                code="token",
            )


def _check_sampling(gen: "Gen") -> None:
    if not is_number(gen.temperature) or not 0 <= gen.temperature < math.inf:
        raise gen.place.error(
            f"temperature is a number, 0 (greedy) or more, not {gen.temperature!r}. "
            "Leave it out for 0.",
            code="temperature",
        )
    if not is_number(gen.top_p) or not 0 < gen.top_p <= 1:
        raise gen.place.error(
            "top_p is a share of the probability, more than 0 and at most 1, "
            f"not {gen.top_p!r}. Use 1.0 to switch it off.",
            code="top-p",
        )
    if not is_number(gen.min_p) or not 0 <= gen.min_p <= 1:
        raise gen.place.error(
            "min_p is a share of the likeliest token's probability, 0 to 1, "
            f"not {gen.min_p!r}. Use 0.0 to switch it off.",
            code="min-p",
        )


def _check_penalties(gen: "Gen") -> None:
    penalties = {
        "frequency_penalty": gen.frequency_penalty,
        "presence_penalty": gen.presence_penalty,
    }
    for name, penalty in penalties.items():
        if not is_number(penalty) or not -2 <= penalty <= 2:
            raise gen.place.error(
                f"{name} is a number from -2 to 2, not {penalty!r}. Use 0.0 to switch it off.",
                code="penalty",
            )
    if not is_number(gen.repetition_penalty) or not 0 < gen.repetition_penalty <= 2:
        raise gen.place.error(
            "repetition_penalty is a number, more than 0 and at most 2, "
            f"not {gen.repetition_penalty!r}. Use 1.0 to switch it off.",
            code="penalty",
        )


def _check_bias(gen: "Gen") -> None:
    for token, bias in gen.logit_bias:
        if not is_number(bias) or not math.isfinite(bias):
            raise gen.place.error(
                f"logit_bias adds a finite number to a token's logit, and token {token!r} is given "
                f"{bias!r}. To rule a token out, use forbid=.",
                code="logit-bias",
            )


def _check_length(gen: "Gen") -> None:
    n_tokens = gen.min_tokens
    if type(n_tokens) is not int or n_tokens < 0:
        raise gen.place.error(
            f"min_tokens is a whole number, 0 or more, not {n_tokens!r}. Leave it out for 0.",
            code="min-tokens",
        )
    if gen.max_tokens is not None and n_tokens > gen.max_tokens:
        raise gen.place.error(
            f"a gen has to write at least {n_tokens} tokens and may write {gen.max_tokens}. "
            "Give it a smaller min_tokens= or a greater max_tokens=.",
            code="min-tokens",
        )
    if type(gen.ignore_eos) is not bool:
        raise gen.place.error(
            f"ignore_eos is True or False, not {gen.ignore_eos!r}. Leave it out for False.",
            code="ignore-eos",
        )
    if gen.constraint is not None and (n_tokens or gen.ignore_eos):
        name = "ignore_eos" if gen.ignore_eos else "min_tokens"
        raise gen.place.error(
            f"a gen that is held by schema=, regex= or choices= ends where these say, whatever "
            f"{name} is. Leave {name}= out.",
            code="ends-by-form",
        )
