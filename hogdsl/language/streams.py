"""The streams of a concurrent region that the model writes: they think or speak."""

from dataclasses import dataclass
from typing import Literal, Self, cast, final

from hogdsl.compiler.ir import AskIR, StreamIR, WaitIR
from hogdsl.compiler.nodes import Place
from hogdsl.compiler.writers import Pen
from hogdsl.language.draft import Draft
from hogdsl.language.handles import Handle
from hogdsl.language.pieces import Piece
from hogdsl.language.source import here
from hogdsl.language.speaker import Speaker
from hogdsl.language.views import View
from hogdsl.language.writer import Writer


@final
@dataclass(frozen=True, slots=True)
class AskRef:
    """A question that was put to a stream, for `waits_for`."""

    ask: AskIR


@final
class Stream(Writer):
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
        speaker: Speaker | None = None,
        place: Place,
    ) -> None:
        super().__init__(
            draft, name, role, max_tokens=max_tokens, max_seconds=max_seconds, place=place
        )
        self._view = View(draft, name, prompt, place)
        self._speaks = speaker is not None
        if speaker is not None:
            _bind(draft, name, speaker, place)
        self._n_asks = 0
        self._own_pen: Pen = "unopened"

    def __enter__(self) -> Self:
        self._draft.check_open(f"the stream {self._name!r}", here())
        self._own_pen = "open"
        return self

    def __exit__(self, *exc: object) -> None:
        self._own_pen = "closed"

    def sees(self, *items: Handle | str | Piece) -> None:
        """What stands between the stream's prompt and its own text, in this order.

        Args:
            items: streams of this region, and texts or chat turns; a text is encoded once when
                the region starts and keeps its place while the streams before it grow.

        Raises:
            ProgramError: the view is given twice, or an item is neither.
        """
        self._view.give(items, here())

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
        self._draft.rules.asks.append(ask)
        return AskRef(ask)

    def waits_for(self, ask: AskRef, answer: str = "yes", *, each: str | None = None) -> None:
        """Hold this stream until the newest answer to `ask` is `answer`.

        Args:
            ask: a question to another stream of this region.
            answer: the one that lets it go on.
            each: one such answer lets it write up to the next `each`, and one more that comes
                by then lets it go on; by default it goes on until another answer comes.

        Raises:
            ProgramError: the region is not being declared.
        """
        place = here()
        self._draft.check_open(f"a wait of {self._name!r}", place)
        if not isinstance(cast(object, ask), AskRef):
            raise place.error(
                f"{self._name!r} waits for a question, and {ask!r} is none. "
                "Put one to another stream with ask().",
                code="no-question",
            )
        self._draft.rules.waits.append(
            WaitIR(stream=self._name, ask=ask.ask, answer=answer, each=each, place=place)
        )

    def declared(self) -> StreamIR:
        """The stream as data."""
        return StreamIR(
            name=self._name,
            role=self._role,
            block=f"{self._draft.name}.{self._name}",
            prompt=self._view.prompt,
            sees=self._view.items,
            writes=tuple(self._writes),
            max_tokens=self._max_tokens,
            max_seconds=self._max_seconds,
            reports_delivery=self._speaks,
            place=self._place,
        )

    def _pen(self) -> Pen:
        return self._own_pen


def _bind(draft: Draft, name: str, speaker: object, place: Place) -> None:
    if not isinstance(speaker, Speaker):
        raise place.error(
            f"speaker= takes a hog.Speaker, and {speaker!r} is none. Make one with hog.Speaker().",
            code="no-speaker",
        )
    bound = draft.rules.speakers
    for other in (stream for stream, there in bound.items() if there is speaker):
        raise place.error(
            f"{name!r} and {other!r} have the same speaker, which could not say whose text was "
            "delivered. Give each its own.",
            code="speaker-twice",
        )
    bound[name] = speaker
