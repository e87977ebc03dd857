"""Chat turns as text: what opens and closes a turn depends on what is open before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from hogdsl.plan import CloseTurn, FixedPiece, Turn
from hogdsl.plan import Text as TextPiece
from runtime.scheduler.work import Role, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnState:
    """Where in a chat a view ends."""

    first: bool = True
    """Nothing has been written yet."""
    role: Role | None = None
    """Whose turn is open, if any."""


def begins_plainly(pieces: Sequence[FixedPiece], state: TurnState) -> bool:
    """Whether the pieces begin a sequence with plain text, which brings no BOS of its own."""
    return state.first and bool(pieces) and isinstance(pieces[0], TextPiece)


def render(text: Text, pieces: Sequence[FixedPiece], state: TurnState) -> tuple[str, TurnState]:
    """The text of fixed pieces that follow on a view that ends in `state`, and the state after."""
    parts: list[str] = []
    first, role = state.first, state.role
    for piece in pieces:
        match piece:
            case TextPiece():
                parts.append(piece.text)
            case Turn():
                if role is not None:
                    parts.append(text.close_turn(role))
                parts.append(text.open_turn(piece.role, first=first) + piece.prefix)
                role = piece.role
            case CloseTurn():
                if role is not None:
                    parts.append(text.close_turn(role))
                role = None
            case _:
                assert_never(piece)
        first = False
    return "".join(parts), TurnState(first=first, role=role)
