"""What a stream writes, as the compiler sees it: frozen nodes that validate themselves.

A node knows the place in the program where it was made, which takes no part in equality. A node
that breaks a rule cannot exist: making one raises `ProgramError`.
"""

import linecache
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import CodeType
from typing import Literal, cast, get_args, overload

from hogdsl.compiler.drawing import check_gen
from hogdsl.compiler.kinds import is_number, is_text
from hogdsl.errors import ProgramError
from hogdsl.plan import Constraint, TokenName

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the user's program, and what was being done there.

    Made at every line of a program and seldom shown, so nothing is looked up before it is.

    Attributes:
        filename: path of the source.
        line: counted from 1.
        code, instruction: the function that ran, and the offset in its bytecode.
    """

    filename: str
    line: int
    code: CodeType | None = field(default=None, compare=False, repr=False)
    instruction: int = field(default=0, compare=False, repr=False)

    @property
    def file(self) -> str:
        """The path to show: relative if it lies in the working directory."""
        path, cwd = Path(self.filename), Path.cwd()
        return path.relative_to(cwd).as_posix() if path.is_relative_to(cwd) else self.filename

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def error(self, rule: str, *, code: str = "") -> ProgramError:
        """The error that `rule` is broken here; `code` is its name in `docs/errors.md`."""
        linecache.checkcache(self.filename)  # a file may have been edited since it was read
        source = linecache.getline(self.filename, self.line).rstrip("\n")
        return ProgramError(
            rule,
            code=code,
            file=self.file,
            line=self.line,
            columns=self._columns(source),
            source=source,
        )

    def _columns(self, source: str) -> tuple[int, int] | None:
        """Where in its line the expression stands that was being evaluated."""
        if self.code is None:
            return None
        positions = islice(self.code.co_positions(), self.instruction // 2, None)
        line, end_line, start, end = next(positions, (None, None, None, None))
        if line != self.line or start is None or end is None:
            return None
        octets = source.encode()  # positions count bytes of UTF-8
        first = len(octets[:start].decode(errors="ignore"))
        last = len(octets[:end].decode(errors="ignore")) if end_line == line else len(source)
        return first, last


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
                "Use one of the three.",
                code="turn-role",
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
    stop_regex: tuple[str, ...] = ()
    stop_tokens: tuple[TokenName, ...] = ()
    forbidden: tuple[TokenName, ...] = ()
    constraint: Constraint | None = None
    min_tokens: int = 0
    ignore_eos: bool = False
    logprobs: int | None = None
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int | None = None
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    logit_bias: tuple[tuple[TokenName, float], ...] = ()
    place: Place = field(compare=False)

    def __post_init__(self) -> None:
        _check_name("gen", self.name, self.place)
        check_count("max_tokens", self.max_tokens, self.place)
        check_count("top_k", self.top_k, self.place)
        check_gen(self)


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
            raise self.place.error(
                f"{label} has no choices. Give it at least one.", code="no-choices"
            )
        for choice in self.choices:
            if not is_text(choice):
                raise self.place.error(
                    f"a choice is text, and not empty: {label} has {choice!r}. Leave it out.",
                    code="choice-empty",
                )
        if len(set(self.choices)) < len(self.choices):
            raise self.place.error(
                f"{label} has a choice twice. Give each choice once.", code="choice-twice"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Detached:
    """Text in a block of its own, which is encoded by itself or behind `after`."""

    text: str
    after: "tuple[Shown, ...]" = ()
    place: Place = field(compare=False)

    def __post_init__(self) -> None:
        if not isinstance(cast(object, self.text), str):
            raise self.place.error(
                f"a detached text is text, not a {type(self.text).__name__}: chat turns, and what "
                "the model writes, depend on what stands before them. Write them before or behind "
                "it.",
                code="not-text",
            )


Fixed = Text | Turn | CloseTurn
Shown = Text | Turn | CloseTurn | Detached
"""What a view can show of text."""
Node = Text | Turn | CloseTurn | Gen | Select
"""What a stream writes."""
PieceNode = Text | Turn | CloseTurn | Gen | Select | Detached
"""What a piece is made of."""


def check_count(what: str, value: object, place: Place) -> None:
    """A budget of tokens is a whole number, 1 or more, or None.

    Raises:
        ProgramError: it is not.
    """
    if value is not None and (type(value) is not int or value < 1):
        raise place.error(
            f"{what} is a whole number, 1 or more, not {value!r}. None is no bound.", code="count"
        )


def check_seconds(what: str, value: object, place: Place) -> None:
    """A budget of seconds is a number, more than 0, or None.

    Raises:
        ProgramError: it is not.
    """
    if value is not None and (not is_number(value) or not 0 < value < math.inf):
        raise place.error(
            f"{what} is a number of seconds, more than 0, not {value!r}. None is no bound.",
            code="seconds",
        )


@overload
def merge_texts(nodes: Iterable[Fixed]) -> tuple[Fixed, ...]: ...
@overload
def merge_texts(nodes: Iterable[Node]) -> tuple[Node, ...]: ...
@overload
def merge_texts(nodes: Iterable[PieceNode]) -> tuple[PieceNode, ...]: ...
def merge_texts(nodes: Iterable[PieceNode]) -> tuple[PieceNode, ...]:
    """Join neighbouring texts and drop empty ones.

    How an author cuts text into `+=` lines must not change which tokens it becomes.
    """
    merged: list[PieceNode] = []
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
    if name is not None and not is_text(name):
        raise place.error(
            f"the name of a {what} is text, and not empty: {name!r} is none. "
            "Give it a name, or leave it out.",
            code="value-name",
        )
