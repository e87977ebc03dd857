"""The streams of a region: declared inside its `with` block, read after it."""

from dataclasses import dataclass
from typing import Literal, Self, final

from hogdsl.compiler.ir import (
    AskIR,
    CommitRule,
    Item,
    SeesStream,
    StreamIR,
    StreamRole,
    WaitIR,
)
from hogdsl.compiler.names import check_stream_name
from hogdsl.compiler.nodes import Fixed, Node, Place, check_count
from hogdsl.compiler.writers import Pen, check_pen
from hogdsl.events import EndReason
from hogdsl.language.draft import Draft
from hogdsl.language.pieces import Piece, as_fixed, as_piece
from hogdsl.language.source import here


@final
@dataclass(frozen=True, slots=True)
class AskRef:
    """A question that was put to a stream, for `waits_for`."""

    ask: AskIR


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
        check_count("max_seconds", max_seconds, place)
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


@final
class Worker(Handle):
    """A worker of a fork."""

    def declared(self, opening: str, sees: tuple[Item, ...], commit: CommitRule | None) -> StreamIR:
        """The worker as data; `opening` begins its block."""
        first = as_piece(opening, self._place).nodes if opening and self._writes else ()
        return StreamIR(
            name=self._name,
            role="worker",
            block=f"{self._draft.name}.{self._name}",
            sees=sees,
            writes=(*first, *self._writes),
            max_tokens=self._max_tokens,
            max_seconds=self._max_seconds,
            commit=commit,
            place=self._place,
        )


@final
class Stream(Handle):
    """A stream that thinks or speaks; a context manager in which it is written to."""

    def __init__(
        self,
        draft: Draft,
        name: str,
        role: Literal["think", "say"],
        *,
        prompt: str | Piece | None,
        max_tokens: int | None,
        max_seconds: float | None,
        place: Place,
    ) -> None:
        super().__init__(
            draft, name, role, max_tokens=max_tokens, max_seconds=max_seconds, place=place
        )
        self._prompt: tuple[Fixed, ...] = ()
        if prompt is not None:
            self._prompt = as_fixed(prompt, f"the prompt of {name!r}", place)
        self._sees: tuple[Item, ...] | None = None
        self._n_asks = 0
        self._own_pen: Pen = "unopened"

    def __enter__(self) -> Self:
        self._draft.check_open(f"the stream {self._name!r}", here())
        self._own_pen = "open"
        return self

    def __exit__(self, *exc: object) -> None:
        self._own_pen = "closed"

    def sees(self, *items: "Stream | str | Piece") -> None:
        """What stands between the stream's prompt and its own text, in this order.

        Args:
            items: streams of this region, and texts or chat turns; a text is encoded once when
                the region starts and keeps its place while the streams before it grow.

        Raises:
            ProgramError: the view is given twice, or an item is neither.
        """
        place = here()
        self._draft.check_open(f"the view of {self._name!r}", place)
        if self._sees is not None:
            raise place.error(
                f"the view of {self._name!r} is given twice. Give all its items in one sees()."
            )
        self._sees = tuple(i for item in items for i in self._item(item, place))

    def ask(
        self,
        question: str,
        *,
        every: int | None = None,
        at: str | None = None,
        answers: tuple[str, ...] = ("yes", "no"),
    ) -> AskRef:
        """Put a question to this stream while it runs; nothing of it stays in the cache.

        Args:
            question: text that is read after the stream's view.
            every: ask after this many of its tokens since it was last asked.
            at: ask when it has written this text.
            answers: texts whose odds are compared.

        Raises:
            ProgramError: the region is not being declared.
        """
        place = here()
        self._draft.check_open(f"a question to {self._name!r}", place)
        ask = AskIR(
            name=f"{self._name}?{self._n_asks}",
            region=self._draft.name,
            stream=self._name,
            question=question,
            answers=tuple(answers),
            every=every,
            at=at,
            place=place,
        )
        self._n_asks += 1
        self._draft.asks.append(ask)
        return AskRef(ask)

    def waits_for(self, ask: AskRef, answer: str = "yes", *, each: str | None = None) -> None:
        """Hold this stream until the newest answer to `ask` is `answer`.

        Args:
            ask: a question to another stream of this region.
            answer: the one that lets it go on.
            each: one such answer lets it write up to the next `each`; by default it goes on
                until another answer comes.

        Raises:
            ProgramError: the region is not being declared.
        """
        place = here()
        self._draft.check_open(f"a wait of {self._name!r}", place)
        if not _is_ask(ask):
            raise place.error(
                f"{self._name!r} waits for a question, and {ask!r} is none. "
                "Put one to another stream with ask()."
            )
        self._draft.waits.append(
            WaitIR(stream=self._name, ask=ask.ask, answer=answer, each=each, place=place)
        )

    def declared(self) -> StreamIR:
        """The stream as data."""
        return StreamIR(
            name=self._name,
            role=self._role,
            block=f"{self._draft.name}.{self._name}",
            prompt=self._prompt,
            sees=self._sees,
            writes=tuple(self._writes),
            max_tokens=self._max_tokens,
            max_seconds=self._max_seconds,
            place=self._place,
        )

    def _pen(self) -> Pen:
        return self._own_pen

    def _item(self, item: object, place: Place) -> tuple[Item, ...]:
        if isinstance(item, Stream):
            return (SeesStream(region=item._draft.name, stream=item._name, place=place),)
        return as_fixed(item, f"a text that {self._name!r} sees", place)


def _is_ask(ask: object) -> bool:
    return isinstance(ask, AskRef)
