"""Conditions: at what a region ends, and until when a stream is held.

    hog.regex(r"\\d+")                    the text of any one stream matches
    hog.any_worker(hog.regex(...))        the same, said aloud
    hog.all_workers(hog.regex(...))       every stream's text matches
    hog.first(2, hog.regex(...))          the texts of two of them match
    hog.quorum(2, hog.regex(...))         two of them match the same
    handle.matches(r"\\d+")               this one's text matches
    hog.ended("notes")                    a stream has ended
    hog.closed("mic")                     an input is closed, and all of it is heard

A condition is checked at every step, at token speed, by the runtime.
"""

from dataclasses import dataclass, field
from typing import cast, final

from hogdsl.compiler.ir import ConditionIR
from hogdsl.compiler.nodes import Place
from hogdsl.language.source import here

Condition = ConditionIR
"""Something that streams come to; made by the functions of this module."""


@final
@dataclass(frozen=True, slots=True)
class Regex:
    """A regular expression: a condition on texts, or a stop of a `gen`."""

    pattern: str
    place: Place = field(compare=False, repr=False)


def regex(pattern: str) -> Regex:
    """A regular expression in Python's syntax, as of the `regex` package.

    As a condition it holds when the text that one of the streams wrote matches it somewhere.

    Raises:
        ProgramError: `pattern` is no regular expression.
    """
    place = here()
    return Regex(checked_pattern(pattern, place), place)


def any_worker(condition: Regex) -> Condition:
    """One of the streams matches."""
    return _counted(condition, 1, here())


def all_workers(condition: Regex) -> Condition:
    """Every stream of the region matches."""
    return _counted(condition, None, here())


def first(n: int, condition: Regex) -> Condition:
    """`n` of the streams match.

    Raises:
        ProgramError: `n` is less than 1.
    """
    return _counted(condition, n, here())


def quorum(n: int, condition: Regex) -> Condition:
    """`n` of the streams match and agree: what the expression's first group matched is the same,
    or all that it matched if it has no group.

    Raises:
        ProgramError: `n` is less than 1.
    """
    return _counted(condition, n, here(), agree=True)


def ended(*names: str) -> Condition:
    """All streams of these names have ended.

    Raises:
        ProgramError: no name is given, or one is no text.
    """
    place = here()
    if not names:
        raise place.error(
            "ended() names no stream, and so never holds. Name the streams that must have ended.",
            code="ended-of-nobody",
        )
    return ConditionIR(regex=None, streams=_names(names, place), n=None, place=place)


def closed(name: str) -> Condition:
    """The input of that name is closed, and all that came is heard.

    Raises:
        ProgramError: the name is no text.
    """
    place = here()
    return ConditionIR(regex=None, streams=_names((name,), place), place=place)


def as_condition(given: object, what: str, place: Place) -> Condition:
    """A condition, or a regular expression as one.

    Raises:
        ProgramError: it is neither.
    """
    match given:
        case ConditionIR():
            return given
        case Regex():
            return ConditionIR(regex=given.pattern, place=given.place)
        case _:
            raise place.error(
                f"{what} takes a condition, and {given!r} is none. "
                "Write hog.any_worker(hog.regex(...)).",
                code="no-condition",
            )


def as_pattern(pattern: str | Regex, place: Place) -> str:
    """The pattern of a regular expression, or the text of one.

    Raises:
        ProgramError: it is no regular expression.
    """
    return pattern.pattern if isinstance(pattern, Regex) else checked_pattern(pattern, place)


def checked_pattern(pattern: object, place: Place) -> str:
    """The pattern itself.

    Raises:
        ProgramError: it is no regular expression.
    """
    if not isinstance(pattern, str):
        raise place.error(
            f"a regular expression is text, and {pattern!r} is none. Write its pattern.",
            code="no-regex",
        )
    import regex as expressions  # `import hogdsl` stays quick

    try:
        expressions.compile(pattern)
    except expressions.error as error:
        raise place.error(
            f"{pattern!r} is no regular expression: {error}. Write a backslash before a character "
            "that stands for itself.",
            code="no-regex",
        ) from error
    return pattern


def _counted(condition: object, n: object, place: Place, *, agree: bool = False) -> Condition:
    if not isinstance(condition, Regex):
        given = "another condition" if isinstance(condition, ConditionIR) else repr(condition)
        raise place.error(
            f"streams are counted whose text matches hog.regex(...), and {given} is none. "
            "Write hog.regex(...) here.",
            code="no-condition",
        )
    if n is not None and (type(n) is not int or n < 1):
        raise place.error(
            f"n is the number of streams that must match, 1 or more, not {n!r}.", code="count"
        )
    return ConditionIR(regex=condition.pattern, n=n, agree=agree, place=place)


def _names(names: tuple[object, ...], place: Place) -> tuple[str, ...]:
    for name in names:
        if not isinstance(name, str):
            raise place.error(
                f"a condition names streams by text, and {name!r} is none. Give the stream's name.",
                code="no-name",
            )
    return cast(tuple[str, ...], names)
