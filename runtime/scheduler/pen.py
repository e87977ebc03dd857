"""Text goes into a stream and is told of: fixed pieces, headers, inserted texts, chosen ones."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hogdsl import events
from hogdsl.events import GenReason
from hogdsl.plan import Commit, FixedPiece
from hogdsl.plan import Text as TextPiece
from runtime.scheduler.life import Surroundings
from runtime.scheduler.steps import Steps
from runtime.scheduler.turns import TurnState, begins_plainly, render
from runtime.scheduler.written import Written


@dataclass(slots=True, kw_only=True)
class Pen:
    """Writes one stream.

    Attributes:
        written: all that was written so far.
        turns: where in a chat the stream stands.
        steps: if it has steps, where it stands in them.
        floor: less than this of the text never stays: it opens the sequence, or a chat turn.
    """

    stream: str
    around: Surroundings
    written: Written
    turns: TurnState = field(default_factory=TurnState)
    steps: Steps | None = None
    floor: int = 0

    # ---------------------------------------------------------------- text in

    def insert_pieces(self, pieces: Sequence[FixedPiece]) -> None:
        """Write fixed pieces; chat turns as the model's template has them."""
        rendered, turns = render(self.around.text, pieces, self.turns)
        first = begins_plainly(pieces, self.turns)
        opens = first or any(not isinstance(piece, TextPiece) for piece in pieces)
        self.insert(rendered, first=first)
        self.turns = turns
        if opens:
            self.floor = len(self.written.text)

    def insert(self, text: str, *, first: bool | None = None) -> None:
        """Write a text that the model did not choose.

        Args:
            text: it.
            first: it begins a sequence with plain text; None: if nothing stands before it.
        """
        if text:
            self.tell_header()
            self.put(text, first=first)
            self.tell(events.Inserted, text=text)

    def put(self, text: str, *, first: bool | None = None, chosen: bool = False) -> None:
        """Have text appended, without a word of it."""
        first = self.turns.first if first is None else first
        tokens = self.around.text.encode(text, first=first)
        self.turns = replace(self.turns, first=False)
        self.written.put(text, tokens, chosen=chosen)
        self.around.count_encoded(len(tokens))

    def hear(self, text: str, *, final: bool) -> None:
        """Take text from outside, to be appended in the next step."""
        if text:
            self.put(text)
        self.tell(events.Heard, text=text, final=final)

    def keep(self, n_chars: int) -> None:
        """Take off all behind so much of the text, but not what opens a sequence or a turn."""
        n_chars = max(n_chars, self.floor)
        if n_chars < len(self.written.text):
            rest = self.written.cut(n_chars, self.around.cache)
            if rest.text:
                self.put(rest.text, chosen=rest.is_chosen)

    # ---------------------------------------------------------------- steps

    def begin_steps(self, commit: Commit, index: int) -> None:
        """Steps are to be committed; the next one is number `index + 1`."""
        self.steps = Steps(commit=commit, stream=self.stream, written=self.written, index=index)
        self.begin_step()

    def begin_step(self) -> None:
        """Write the header of the next step."""
        header = self.steps.begin() if self.steps is not None else ""
        if header:
            self.put(header)

    def turn_over(self, steps: Steps) -> None:
        """The step is finished: go on in a fresh block with the next one."""
        steps.turn_over(self.around.block())
        self.begin_step()

    # ---------------------------------------------------------------- events

    def tell_header(self) -> None:
        """Tell of a step's header, now that something follows it."""
        header = self.steps.tell_header() if self.steps is not None else ""
        if header:
            self.tell(events.Inserted, text=header)

    def tell(self, kind: type[events.Event], *, text: str, **fields: object) -> None:
        """An event with text that was written."""
        self.written.n_told += len(text)
        self.around.emit(kind, stream=self.stream, text=text, **fields)

    def tell_token(self, token: int | None, text: str) -> None:
        """The model chose a token, or text that it chose before is certain now."""
        self.written.n_told += len(text)
        self.around.emit(events.Token, stream=self.stream, token=token, text=text)

    def show(self, text: str) -> None:
        """Text that the model chose before is certain now, if there is any."""
        if text:
            self.tell_token(None, text)

    def tell_value(
        self,
        n: int,
        name: str | None,
        value: str,
        reason: GenReason,
        *,
        scores: dict[str, float] | None = None,
        logprobs: tuple[events.ChosenToken, ...] | None = None,
    ) -> None:
        """A `gen` or `select` is complete."""
        self.around.emit(
            events.Value,
            stream=self.stream,
            n=n,
            name=name,
            value=value,
            reason=reason,
            scores=scores,
            logprobs=logprobs,
        )
