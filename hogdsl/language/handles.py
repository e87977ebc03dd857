"""What all streams of a region have in common: written to while it is declared, read after it."""

from typing import Self

from hogdsl.compiler.ir import StreamRole
from hogdsl.compiler.names import check_stream_name
from hogdsl.compiler.nodes import Node, Place, check_count, check_seconds
from hogdsl.compiler.writers import Pen, check_pen
from hogdsl.events import EndReason
from hogdsl.language.draft import Draft
from hogdsl.language.pieces import Piece, as_piece
from hogdsl.language.source import here


class Handle:
    """A stream: written to while its region is declared, read after the region has run."""

    def __init__(
        self,
        draft: Draft,
        name: str,
        role: StreamRole,
        *,
        max_tokens: int | None,
        max_seconds: float | None,
        place: Place,
    ) -> None:
        check_stream_name(name, place)
        check_count("max_tokens", max_tokens, place)
        check_seconds("max_seconds", max_seconds, place)
        self._draft, self._name, self._place = draft, name, place
        self._role: StreamRole = role
        self._max_tokens, self._max_seconds = max_tokens, max_seconds
        self._writes: list[Node] = []

    @property
    def name(self) -> str:
        """The stream's name."""
        return self._name

    @property
    def text(self) -> str:
        """All that the stream wrote, its fixed texts included.

        Raises:
            ProgramError: the region has not run.
        """
        place = here()
        results = self._draft.results(f"the text of {self._name!r}", place)
        return results.text(self._draft.name, self._name, place)

    @property
    def ended(self) -> EndReason:
        """Why the stream ended.

        Raises:
            ProgramError: the region has not run.
        """
        place = here()
        results = self._draft.results(f"why {self._name!r} ended", place)
        return results.ended(self._draft.name, self._name, place)

    def __getitem__(self, name: str) -> str:
        """The value of a named `gen` or `select` of this stream.

        Raises:
            ProgramError: the region has not run, or the stream has no such value.
        """
        place = here()
        results = self._draft.results(f"{name!r} of {self._name!r}", place)
        return results.value(self._draft.name, self._name, name, place)

    def __iadd__(self, content: str | Piece) -> Self:
        """Append text or a piece.

        Raises:
            ProgramError: the stream's `with` block is not open, or it is neither.
        """
        place = here()
        check_pen(self._pen(), f"the stream {self._name!r}", place)
        self._writes.extend(as_piece(content, place).nodes)
        return self

    def __repr__(self) -> str:
        return f"<{self._role} {self._name!r}>"

    def _pen(self) -> Pen:
        """Whether the stream may be written to now."""
        return self._draft.pen
