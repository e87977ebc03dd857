"""Parts of a plan in words, for `explain`."""

import json
from collections.abc import Sequence
from typing import Literal, assert_never

from hogdsl import plan

_SHOWN_CHARS = 48


def piece(given: plan.Piece) -> str:
    """What a stream writes."""
    match given:
        case plan.Text():
            return quote(given.text)
        case plan.Turn():
            return f"{given.role} turn" + (f" {quote(given.prefix)}" if given.prefix else "")
        case plan.CloseTurn():
            return "end of turn"
        case plan.Gen():
            return gen(given)
        case plan.Select():
            choices = ", ".join(map(quote, given.choices))
            return f"select {given.name or '(unnamed)'}: {choices}"
        case _:
            assert_never(given)


def gen(given: plan.Gen) -> str:
    """What the model writes, and what holds it."""
    parts = [f"gen {given.name}" if given.name else "gen"]
    if given.constraint is not None:
        parts.append(_constraint(given.constraint))
    parts += [f"at least {given.min_tokens} tokens"] * (given.min_tokens > 0)
    if given.max_tokens is not None:
        parts.append(f"at most {given.max_tokens} tokens")
    stops = [quote(text) for text in given.stop]
    stops += [f"/{regex}/" for regex in given.stop_regex]
    stops += [f"the token {_token(token)}" for token in given.stop_tokens]
    parts += [f"up to {' or '.join(stops)}"] * bool(stops)
    parts += ["past the end token"] * given.ignore_eos
    return ", ".join([*parts, *_drawing(given.sampling), *_told(given.logprobs)])


def _drawing(given: plan.Sampling) -> list[str]:
    """How tokens are drawn, as far as it is not the default."""
    parts: list[str] = []
    if given.temperature > 0:
        parts.append(f"temperature {number(given.temperature)}")
        parts += [f"top_p {number(given.top_p)}"] * (given.top_p < 1)
        parts += [f"top_k {given.top_k}"] * (given.top_k is not None)
        parts += [f"min_p {number(given.min_p)}"] * (given.min_p > 0)
    parts += [f"repetition {number(given.repetition_penalty)}"] * (given.repetition_penalty != 1)
    parts += [f"frequency {number(given.frequency_penalty)}"] * (given.frequency_penalty != 0)
    parts += [f"presence {number(given.presence_penalty)}"] * (given.presence_penalty != 0)
    parts += [f"{_token(bias.token)} {bias.bias:+g}" for bias in given.logit_bias]
    forbidden = " and ".join(map(_token, given.forbidden))
    return parts + [f"never {forbidden}"] * bool(forbidden)


def _told(n_top: int | None) -> list[str]:
    """Which log-probabilities are told."""
    likely = f" and the {n_top} likeliest" if n_top else ""
    return [] if n_top is None else [f"tells log-probabilities{likely}"]


def condition(given: plan.Condition) -> str:
    """What streams come to."""
    n, one = given.n, len(given.streams) == 1
    streams = [s if isinstance(s, str) else " + ".join(s) for s in given.streams]
    quorum = "any" if n == 1 else "all" if n == len(streams) else str(n)
    who = streams[0] if one else f"{quorum} of {', '.join(streams)}"
    match given:
        case plan.Matches():
            same = " and they agree" * given.agree
            return f"{who} {'matches' if n == 1 else 'match'} /{given.regex}/{same}"
        case plan.Ended():
            return f"{who} {'has' if n == 1 else 'have'} ended"
        case _:
            assert_never(given)


def holding(what: Literal["nothing", "stream", "region"]) -> str:
    """What stands still until the program has answered."""
    match what:
        case "nothing":
            return ", and does not wait"
        case "stream":
            return ", and holds the stream meanwhile"
        case "region":
            return ", and holds the region meanwhile"
        case _:
            assert_never(what)


def seconds_and_tokens(max_tokens: int | None, max_seconds: float | None) -> str:
    """A budget; empty if there is none."""
    tokens = [] if max_tokens is None else [f"{max_tokens} tokens"]
    seconds = [] if max_seconds is None else [f"{number(max_seconds)} s"]
    return ", ".join(tokens + seconds)


def quote(text: str) -> str:
    """A text as JSON has it, the middle of a long one left out."""
    if len(text) > _SHOWN_CHARS:
        head, tail = text[: _SHOWN_CHARS * 2 // 3], text[-_SHOWN_CHARS // 3 :]
        text = f"{head}…{tail}"
    return json.dumps(text, ensure_ascii=False)


def listed(names: Sequence[str], last: str = "and") -> str:
    """`a, b and c`."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def number(value: float) -> str:
    """A number without needless zeros."""
    return f"{value:g}"


def _constraint(given: plan.Constraint) -> str:
    match given:
        case plan.RegexConstraint():
            return f"as /{given.regex}/"
        case plan.ChoicesConstraint():
            return f"one of {', '.join(map(quote, given.choices))}"
        case plan.JsonConstraint():
            return f"JSON of {quote(given.document)}"
        case _:
            assert_never(given)


def _token(name: plan.TokenName) -> str:
    return str(name) if isinstance(name, int) else quote(name)
