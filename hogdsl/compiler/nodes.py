"""What a stream writes, as the compiler sees it: frozen nodes that validate themselves.

A node knows the place in the program where it was made, which takes no part in equality. A node
that breaks a rule cannot exist: making one raises `ProgramError`.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, cast, get_args

from hogdsl.errors import ProgramError

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the user's program; `line` counts from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def error(self, rule: str) -> ProgramError:
        """The error that `rule` is broken here."""
        return ProgramError(rule, file=self.file, line=self.line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Text as it stands."""

    text: str
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Opens a chat turn, then writes `prefix`."""

    role: Role
    prefix: str = ""
    place: Place = field(compare=False)

    def __post_init__(self) -> None:
        if cast(object, self.role) not in get_args(Role):
            raise self.place.error(
                f"a chat turn has the role 'system', 'user' or 'assistant', not {self.role!r}. "
                "Use one of the three."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseTurn:
    """Closes the open chat turn."""

    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gen:
    """The model writes until a stop, its end token or a budget."""

    name: str | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int | None = None
    place: Place = field(compare=False)

    def __post_init__(self) -> None:
        _check_name("gen", self.name, self.place)
        check_count("max_tokens", self.max_tokens, self.place)
        check_count("top_k", self.top_k, self.place)
        for stop in self.stop:
            if not _is_text(stop):
                raise self.place.error(
                    f"a stop is text at which a gen ends, and not empty: {stop!r} is none. "
                    "Leave it out."
                )
        if not _is_number(self.temperature) or not 0 <= self.temperature < math.inf:
            raise self.place.error(
                f"temperature is a number, 0 (greedy) or more, not {self.temperature!r}."
            )
        if not _is_number(self.top_p) or not 0 < self.top_p <= 1:
            raise self.place.error(
                "top_p is a share of the probability, more than 0 and at most 1, "
                f"not {self.top_p!r}. Use 1.0 to switch it off."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    """The most likely of several texts."""

    name: str | None
    choices: tuple[str, ...]
    place: Place = field(compare=False)

    def __post_init__(self) -> None:
        _check_name("select", self.name, self.place)
        label = "select" if self.name is None else f"select {self.name!r}"
        if not self.choices:
            raise self.place.error(f"{label} has no choices. Give it at least one.")
        for choice in self.choices:
            if not _is_text(choice):
                raise self.place.error(
                    f"a choice is text, and not empty: {label} has {choice!r}. Leave it out."
                )
        if len(set(self.choices)) < len(self.choices):
            raise self.place.error(f"{label} has a choice twice. Give each choice once.")


Fixed = Text | Turn | CloseTurn
Node = Text | Turn | CloseTurn | Gen | Select


def check_count(what: str, value: object, place: Place) -> None:
    """A budget of tokens is a whole number, 1 or more, or None.

    Raises:
        ProgramError: it is not.
    """
    if value is not None and (type(value) is not int or value < 1):
        raise place.error(f"{what} is a whole number, 1 or more, not {value!r}. None is no bound.")


def check_seconds(what: str, value: object, place: Place) -> None:
    """A budget of seconds is a number, more than 0, or None.

    Raises:
        ProgramError: it is not.
    """
    if value is not None and (not _is_number(value) or not 0 < cast(float, value) < math.inf):
        raise place.error(f"{what} is a number of seconds, not {value!r}. None is no bound.")


def merge_texts(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Join neighbouring texts and drop empty ones.

    How an author cuts text into `+=` lines must not change which tokens it becomes.
    """
    merged: list[Node] = []
    for node in nodes:
        last = merged[-1] if merged else None
        if isinstance(node, Text):
            if isinstance(last, Text):
                merged[-1] = Text(text=last.text + node.text, place=last.place)
                continue
            if not node.text:
                continue
        merged.append(node)
    return tuple(merged)


def _check_name(what: str, name: object, place: Place) -> None:
    if name is not None and not _is_text(name):
        raise place.error(
            f"the name of a {what} is text, and not empty: {name!r} is none. "
            "Give it a name, or leave it out."
        )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
