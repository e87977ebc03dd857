"""When a region ends before its streams do."""

import re
from dataclasses import dataclass

from hogdsl.language.source import here


@dataclass(frozen=True, slots=True)
class Regex:
    """The text of a stream matches somewhere."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Quorum:
    """As many streams of the region match; `n` None means all."""

    of: Regex
    n: int | None


def regex(pattern: str) -> Regex:
    """The text that a stream wrote matches `pattern` somewhere (Python's `re.search`).

    Raises:
        ProgramError: `pattern` is no regular expression.
    """
    try:
        re.compile(pattern)
    except re.error as error:
        raise here().error(
            f"{pattern!r} is no regular expression: {error}. Write a backslash before a character "
            "that stands for itself."
        ) from error
    return Regex(pattern)


def any_worker(condition: Regex, n: int = 1) -> Quorum:
    """`n` of the streams match.

    Raises:
        ProgramError: `n` is less than 1.
    """
    if n < 1:
        raise here().error(f"n is the number of streams that must match, 1 or more, not {n}.")
    return Quorum(condition, n)


def all_workers(condition: Regex) -> Quorum:
    """Every stream of the region matches."""
    return Quorum(condition, None)
