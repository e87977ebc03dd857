"""What a program writes: text and pieces, joined with `+`.

    "So the answer is \\boxed{" + hog.gen("answer", stop="}")

A piece is frozen and can be written any number of times. It carries the line that made it.
"""

from dataclasses import dataclass
from typing import cast, final

from hogdsl.compiler.nodes import (
    CloseTurn,
    Detached,
    Fixed,
    Gen,
    Node,
    PieceNode,
    Place,
    Role,
    Select,
    Shown,
    Text,
    Turn,
    merge_texts,
)
from hogdsl.language.source import here


@final
@dataclass(frozen=True, slots=True)
class Piece:
    """A run of texts, chat turns, detached texts, `gen` and `select`."""

    nodes: tuple[PieceNode, ...]

    def __add__(self, other: "str | Piece") -> "Piece":
        return Piece(self.nodes + as_piece(other, here()).nodes)

    def __radd__(self, other: str) -> "Piece":
        return Piece(as_piece(other, here()).nodes + self.nodes)

    def __format__(self, format_spec: str) -> str:
        raise here().error(
            "a piece cannot stand in an f-string: it has no text before it has run. "
            "Join text and pieces with `+`.",
            code="piece-in-text",
        )


def turn(role: Role, prefix: str = "") -> Piece:
    """Opens a chat turn as the model's template does, then writes `prefix`.

    A turn that is open before it is closed first.

    Raises:
        ProgramError: a role that no chat has.
    """
    return Piece((Turn(role=role, prefix=prefix, place=here()),))


def system(content: str | Piece) -> Piece:
    """A whole system message."""
    return _message("system", content, here())


def user(content: str | Piece) -> Piece:
    """A whole user message."""
    return _message("user", content, here())


def assistant(content: str | Piece) -> Piece:
    """A whole assistant message, which may hold a `gen`."""
    return _message("assistant", content, here())


def detached(text: str, *, after: str | Piece = "") -> Piece:
    """A text that is encoded once, by itself, and may then stand anywhere.

    A text is otherwise encoded behind all that stands before it, and found in the cache only behind
    the same. A detached one does not see what stands before it: its keys are those of the text by
    itself, or behind `after`, and the cache has it for every place and every program. What stands
    behind it sees it as any text.

    It is part of the chat turn that it stands in. It can be written to the scope, or shown in a
    prompt, a view or a layout, where it has a block of its own.

    Args:
        text: without chat turns.
        after: text, chat turns and detached texts that it is encoded behind; they need not be seen
            where it stands.

    Raises:
        ProgramError: it is no text, or the model writes in `after`.
    """
    place = here()
    before = as_shown(after, "what a detached text is encoded after", place) if after else ()
    return Piece((Detached(text=text, after=before, place=place),))


def as_piece(content: object, place: Place) -> Piece:
    """Text or a piece, as a piece.

    Raises:
        ProgramError: it is something else.
    """
    match content:
        case str():
            return Piece((Text(text=content, place=place),))
        case Piece():
            return content
        case _:
            raise place.error(
                f"a stream is written with text and pieces, not with {_shown(content)}. "
                "Turn it into text with str().",
                code="not-text",
            )


def as_written(content: object, what: str, place: Place) -> tuple[Node, ...]:
    """Text or a piece that a stream writes to its block.

    Raises:
        ProgramError: it is something else, or holds a detached text.
    """
    nodes = as_piece(content, place).nodes
    if any(isinstance(node, Detached) for node in nodes):
        raise place.error(
            f"{what} is one block, and a detached text has a block of its own. Show it with "
            "prompt=, sees() or a layout, or write it to the scope before the region.",
            code="detached-in-stream",
        )
    return cast(tuple[Node, ...], nodes)


def as_fixed(content: object, what: str, place: Place) -> tuple[Fixed, ...]:
    """Text or a piece that a stream writes, in which the model chooses nothing.

    Raises:
        ProgramError: it is something else, or holds a detached text, a `gen` or `select`.
    """
    shown = as_shown(content, what, place)
    return cast(tuple[Fixed, ...], as_written(Piece(shown), what, place))


def as_shown(content: object, what: str, place: Place) -> tuple[Shown, ...]:
    """Text or a piece that a view shows: the model chooses nothing in it.

    Raises:
        ProgramError: it is something else, or holds a `gen` or `select`.
    """
    if not isinstance(content, str | Piece):
        raise place.error(
            f"{what} is text or a chat turn, and {_shown(content)} is neither. "
            "Turn it into text with str().",
            code="not-text",
        )
    nodes = as_piece(content, place).nodes
    if any(isinstance(node, Gen | Select) for node in nodes):
        raise place.error(
            f"{what} is encoded before the streams run, so the model cannot write in it. "
            "Write the gen to a stream with `+=`.",
            code="not-fixed",
        )
    return cast(tuple[Shown, ...], nodes)


def _message(role: Role, content: str | Piece, place: Place) -> Piece:
    inner = merge_texts(as_piece(content, place).nodes)
    if any(isinstance(node, Turn | CloseTurn) for node in inner):
        raise place.error(
            f"a {role} message holds another message or turn, and turns do not nest. "
            "Write them one after another.",
            code="turn-in-turn",
        )
    prefix = ""
    if inner and isinstance(first := inner[0], Text):
        prefix, inner = first.text, inner[1:]
    opened = Turn(role=role, prefix=prefix, place=place)
    return Piece((opened, *inner, CloseTurn(place=place)))


def _shown(content: object) -> str:
    return f"the {type(content).__name__} {content!r}"
