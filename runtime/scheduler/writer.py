"""One stream: what it writes next, and what becomes of a token that was chosen for it.

A writer goes through its pieces. Fixed text becomes tokens that wait (`pending`) until the next
row appends them; a `gen` appends one chosen token per row; a `select` is decided in one step. When
a finished step is to be committed, the writer *turns over*: its pending token completes the
finished block while a fresh block begins with the next header, both in the same step.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from hashlib import blake2b

from hogdsl import events
from hogdsl.events import EndReason, GenReason
from hogdsl.plan import FixedPiece, Gen, Select, Stream
from runtime.blocks import Block
from runtime.scheduler.generation import Cut, Generation
from runtime.scheduler.turns import TurnState, begins_plainly, render
from runtime.scheduler.work import Cache, Sample, Text


class Phase(Enum):
    """The life of a writer; `_NEXT` says what may follow what."""

    RUNNING = auto()
    FLUSHING = auto()
    """Nothing more will be chosen; what is pending is still to be appended."""
    ENDED = auto()


_NEXT: dict[Phase, frozenset[Phase]] = {
    Phase.RUNNING: frozenset({Phase.FLUSHING, Phase.ENDED}),
    Phase.FLUSHING: frozenset({Phase.ENDED}),
    Phase.ENDED: frozenset(),
}


@dataclass(slots=True, kw_only=True)
class TurnOver:
    """A finished step on its way into the history: its block, and the tokens that complete it."""

    block: Block
    pending: tuple[int, ...]
    index: int
    text: str
    is_complete: bool = False
    """The pending tokens have been appended."""

    def appended(self) -> None:
        self.is_complete = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a writer needs from its run."""

    cache: Cache
    text: Text
    seed: str
    """Names the run's seed and the region; a choice depends on it, the stream and the index."""
    emit: Callable[..., None]
    count_encoded: Callable[[int], None]


@dataclass(slots=True, kw_only=True)
class Writer:
    """The state of one stream.

    Attributes:
        block: its own block; after a turn-over a fresh one.
        turns: where in a chat it stands.
        max_tokens: how many tokens may be chosen for it in all.
        pending: tokens that the next row appends.
        text: all that it wrote, inserted texts included.
        generated: the part of it that the model chose, pieces and steps run together.
        turning: the finished step that the next step of the engine completes, if any.
        reason: why it ended, from the moment that nothing more is chosen for it.
    """

    plan: Stream
    block: Block
    around: Surroundings
    turns: TurnState
    max_tokens: int | None
    phase: Phase = Phase.RUNNING
    pending: list[int] = field(default_factory=list[int])
    text: str = ""
    generated: str = ""
    n_generated: int = 0
    generation: Generation | None = None
    choosing: Select | None = None
    turning: TurnOver | None = None
    reason: EndReason | None = None
    _cursor: int = 0
    _n_steps: int = 0
    _step_start: int = 0
    """Where in `text` the present step begins, its header included."""
    _header: str = ""
    """The present step's header, until it is told."""
    _step_text: str = ""
    """What the model has chosen in the present step."""
    _n_in_block: int = 0
    """Tokens of the running `gen` that were chosen for the present block."""

    def start(self) -> None:
        """Write the first header, if steps have one, and go to the first piece to be chosen."""
        self._begin_step()
        self._advance()

    @property
    def is_between_steps(self) -> bool:
        """The present step has nothing but its header."""
        return self.plan.commit is not None and not self._step_text and self.turning is None

    # ---------------------------------------------------------------- fixed text

    def _advance(self) -> None:
        """Go through fixed pieces to the next one that the model decides, or to the end."""
        fixed: list[FixedPiece] = []
        pieces = self.plan.pieces
        while self._cursor < len(pieces):
            piece = pieces[self._cursor]
            self._cursor += 1
            if isinstance(piece, Gen):
                self._insert_pieces(fixed)
                self.generation = Generation(piece, self.around.text)
                self._n_in_block = 0
                return
            if isinstance(piece, Select):
                self._insert_pieces(fixed)
                self.choosing = piece
                return
            fixed.append(piece)
        self._insert_pieces(fixed)
        self.end("finished")

    def _insert_pieces(self, pieces: list[FixedPiece]) -> None:
        rendered, turns = render(self.around.text, pieces, self.turns)
        self._insert(rendered, first=begins_plainly(pieces, self.turns))
        self.turns = turns

    def _insert(self, text: str, *, first: bool = False) -> None:
        if text:
            self._tell_header()
            self._put(text, first=first)
            self.around.emit(events.Inserted, stream=self.plan.name, text=text)

    def _put(self, text: str, *, first: bool) -> None:
        """Have text appended, without a word of it."""
        tokens = self.around.text.encode(text, first=first)
        self.turns = replace(self.turns, first=False)
        self.pending += tokens
        self.text += text
        self.around.count_encoded(len(tokens))

    # ---------------------------------------------------------------- chosen text

    def sample(self) -> Sample:
        """How the next token of the running `gen` is to be chosen."""
        assert self.generation is not None
        name = f"{self.around.seed}/{self.plan.name}/{self.n_generated}"
        digest = blake2b(name.encode(), digest_size=8).digest()
        return Sample(
            sampling=self.generation.piece.sampling, uniform=int.from_bytes(digest) / 2**64
        )

    def take(self, token: int) -> None:
        """A token was chosen for the running `gen`; all that was pending has been appended."""
        generation = self.generation
        assert generation is not None
        assert not self.pending
        self.n_generated += 1
        if token in self.around.text.end_tokens:
            self._finish(generation, "end_token", token)
            return
        self._tell_header()
        increment, shown = generation.push(token)
        self.pending = [token]
        self._n_in_block += 1
        self._add_text(increment)
        cut = generation.cut()
        if cut is not None:
            self._emit_token(token, shown)
            self._cut(generation, cut)
        elif generation.piece.max_tokens == generation.n_tokens:
            self._finish(generation, "max_tokens", token, shown)
        else:
            self._emit_token(token, shown)
            self._turn_over_if_due()
        if self.max_tokens is not None and self.n_generated >= self.max_tokens:
            self.end("budget")

    def choose(self, scores: list[float]) -> None:
        """A `select` was scored: write the best choice, the first of equals."""
        piece = self.choosing
        assert piece is not None
        self.choosing = None
        choice = piece.choices[max(range(len(scores)), key=scores.__getitem__)]
        self._insert(choice, first=self.turns.first)
        self._emit_value(piece.name, choice, "selected")
        self._advance()

    def _cut(self, generation: Generation, cut: Cut) -> None:
        """A stop was found: its tokens leave the block, text before it in them comes back."""
        n_surplus = min(generation.n_tokens - cut.n_tokens, self._n_in_block) - 1
        if n_surplus > 0:
            self.around.cache.crop(self.block, self.block.n_tokens - n_surplus)
        self.pending = self.around.text.encode(cut.rest) if cut.rest else []
        if cut.n_chars:
            self.text = self.text[: -cut.n_chars]
            self.generated = self.generated[: -cut.n_chars]
        self.generation = None
        self._emit_value(generation.piece.name, generation.text, "stop")
        self._advance()

    def _finish(
        self, generation: Generation, reason: GenReason, token: int | None, shown: str = ""
    ) -> None:
        """The running `gen` is over without a stop: show what it held back, and go on."""
        self.generation = None
        n_before = len(generation.text)
        shown += generation.flush()
        self._add_text(generation.text[n_before:])
        if token is not None or shown:
            self._emit_token(token, shown)
        self._emit_value(generation.piece.name, generation.text, reason)
        if reason != "stream_ended":
            self._advance()

    def _add_text(self, text: str) -> None:
        self.text += text
        self.generated += text
        self._step_text += text

    # ---------------------------------------------------------------- steps

    def _begin_step(self) -> None:
        if self.plan.commit is None:
            return
        self._n_steps += 1
        self._step_start = len(self.text)
        self._step_text = ""
        self._n_in_block = 0
        self._header = self.plan.commit.header.format(name=self.plan.name, step=self._n_steps)
        if self._header:
            self._put(self._header, first=self.turns.first)

    def _tell_header(self) -> None:
        """Tell of the header when something follows; a step that stays empty is no text."""
        header, self._header = self._header, ""
        if header:
            self.around.emit(events.Inserted, stream=self.plan.name, text=header)

    def _turn_over_if_due(self) -> None:
        """If the step is complete, let a fresh block take its place (docs/adr/0003)."""
        if self.plan.commit is None or self.plan.commit.step not in self._step_text:
            return
        self.turning = TurnOver(
            block=self.block,
            pending=tuple(self.pending),
            index=self._n_steps,
            text=self.text[self._step_start :],
        )
        self.block, self.pending = self.around.cache.block(), []
        self._begin_step()

    # ---------------------------------------------------------------- the end

    def end(self, reason: EndReason) -> None:
        """Choose nothing more. What is pending is still appended unless `close` comes first."""
        if self.phase is not Phase.RUNNING:
            return
        self.reason = reason
        if self.generation is not None:
            self._finish(self.generation, "stream_ended", None)
        self.choosing = None
        if self.is_between_steps or self.turning is not None:
            self.pending = []
        self._go(Phase.FLUSHING)
        if not self.pending and self.turning is None:
            self.close()

    def appended(self) -> None:
        """What was pending is in the cache; a stream that only waited for that is over."""
        self.pending = []
        if self.phase is Phase.FLUSHING and self.turning is None:
            self.close()

    def turned_over(self) -> TurnOver:
        """The finished step is complete and goes into the history; its block is given away."""
        turning = self.turning
        assert turning is not None
        self.turning = None
        if self.phase is Phase.FLUSHING and not self.pending:
            self.close()
        return turning

    def close(self) -> None:
        """The stream is over: nothing is appended to its block any more."""
        self.pending = []
        self._go(Phase.ENDED)
        assert self.reason is not None
        if self.is_between_steps:  # a header with nothing behind it is no part of the text
            self.text = self.text[: self._step_start]
        self.around.emit(
            events.StreamEnded, stream=self.plan.name, reason=self.reason, text=self.text
        )

    def _go(self, phase: Phase) -> None:
        if phase not in _NEXT[self.phase]:
            raise AssertionError(f"a stream cannot go from {self.phase.name} to {phase.name}")
        self.phase = phase

    # ---------------------------------------------------------------- events

    def _emit_token(self, token: int | None, text: str) -> None:
        self.around.emit(events.Token, stream=self.plan.name, token=token, text=text)

    def _emit_value(self, name: str | None, value: str, reason: GenReason) -> None:
        self.around.emit(events.Value, stream=self.plan.name, name=name, value=value, reason=reason)
