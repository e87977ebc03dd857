"""Functions of the program that the runtime calls back for, as they are declared.

A callback becomes a **watch** in the plan, which says what the program wants to know and what
stands still meanwhile, and a binding of the watch's name to the function, which stays here.
"""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from hogdsl.compiler.ir import WatchIR
from hogdsl.compiler.nodes import Place, check_count
from hogdsl.language.bindings import Callback
from hogdsl.language.conditions import Regex, as_pattern
from hogdsl.language.draft import Rules
from hogdsl.language.live import Live
from hogdsl.language.match import Match

OnStep = Callable[[Live], None]
"""Is given the running region, between two steps."""
OnMatch = Callable[[Live, Match], str | None]
"""Is given the running region and what matched; a text that it returns is written."""

OnStepT = TypeVar("OnStepT", bound=OnStep)
OnMatchT = TypeVar("OnMatchT", bound=OnMatch)


def watch_steps(rules: Rules, every: int, place: Place) -> Callable[[OnStepT], OnStepT]:
    """A decorator: the function is called after every `every` steps, and all stands still."""
    check_count("every", every, place)

    def declare(function: OnStepT) -> OnStepT:
        _check_callable(function, 1, place)
        name = f"on_step.{len(rules.watches)}"
        rules.watch(
            WatchIR(name=name, stream=None, regex=None, every=every, hold="region", place=place),
            Callback(function=lambda live, _: function(live), place=place),
        )
        return function

    return declare


def watch_text(
    rules: Rules, stream: str, pattern: str | Regex, *, hold: bool, place: Place
) -> Callable[[OnMatchT], OnMatchT]:
    """A decorator: the function is called when the stream's text matches anew."""
    regex = as_pattern(pattern, place)

    def declare(function: OnMatchT) -> OnMatchT:
        _check_callable(function, 2, place)
        watch_regex(rules, stream, regex, function, hold=hold, place=place)
        return function

    return declare


def watch_regex(
    rules: Rules, stream: str, regex: str, function: OnMatch, *, hold: bool, place: Place
) -> None:
    """Note that the function is called when the stream's text matches anew."""
    name = f"{stream}.on.{len(rules.watches)}"
    rules.watch(
        WatchIR(
            name=name,
            stream=stream,
            regex=regex,
            every=None,
            hold="stream" if hold else "nothing",
            place=place,
        ),
        Callback(
            function=lambda live, match: function(live, cast(Match, match)),
            place=place,
            regex=regex,
        ),
    )


def _check_callable(function: Callable[..., Any], n_arguments: int, place: Place) -> None:
    given = "the running region" + (" and the match" if n_arguments == 2 else "")
    try:
        inspect.signature(function).bind(*range(n_arguments))
        if inspect.iscoroutinefunction(function):
            raise TypeError("it is a coroutine")
    except (TypeError, ValueError) as error:
        raise place.error(
            f"a callback is called with {given}, and this one cannot be: {error}. "
            f"Write `def f(live{', match' if n_arguments == 2 else ''}): ...`.",
            code="callback-arguments",
        ) from error
