"""One stream: what it writes next, and what becomes of a token that was chosen for it.

A writer goes through its pieces. Fixed text becomes tokens that wait (`pending`) until the next
row appends them; a `gen` appends one chosen token per row; a `select` is decided in one step. A
stream that listens writes its fixed pieces, then what it hears.
"""

from dataclasses import dataclass, field

from hogdsl import events
from hogdsl.events import EndReason, GenReason
from hogdsl.plan import CloseTurn, FixedPiece, Gen, Select, Stream, Turn
from runtime.blocks import Block
from runtime.scheduler.generation import Generation, Recipe
from runtime.scheduler.life import NEXT_PHASES, Phase
from runtime.scheduler.pen import Pen
from runtime.scheduler.steps import TurnOver
from runtime.scheduler.turns import TurnState
from runtime.scheduler.work import Origin, Sample
from runtime.scheduler.written import Written

_WRITTEN: frozenset[EndReason] = frozenset({"finished", "budget"})
"""Reasons of streams that have written all that they could."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The `gen` that came last, for when some of it is taken back.

    Attributes:
        end: where in the stream's generated text its own ends.
        cursor: the piece behind it.
    """

    generation: Generation
    end: int
    cursor: int


@dataclass(slots=True, kw_only=True)
class Writer:
    """The state of one stream.

    Attributes:
        recipes: for every piece that is a `gen`, how it is run.
        max_tokens: how many tokens may be chosen for it in all.
        n_generated: tokens that were chosen for it; those that were taken back count, too.
        began_at_s: from when its seconds count.
        n_delivered: characters of its text that were played, if whoever plays it says so.
        may_be_taken_back: an input is open that could break in.
        has_begun: it was its turn to write.
        reason: why it ended, or will end, from the moment that nothing more is chosen for it.
    """

    plan: Stream
    pen: Pen
    recipes: tuple[Recipe | None, ...]
    max_tokens: int | None
    phase: Phase = Phase.WAITING
    n_generated: int = 0
    began_at_s: float = 0.0
    generation: Generation | None = None
    choosing: Select | None = None
    n_delivered: int = 0
    may_be_taken_back: bool = False
    reason: EndReason | None = None
    has_begun: bool = False
    _last: Finished | None = None
    _cursor: int = 0
    _n_decided: int = 0
    """Pieces that the model decides, up to the present one."""
    _to_write: list[str] = field(default_factory=list[str])
    """Texts that are put into it as soon as no character is incomplete."""

    # ---------------------------------------------------------------- what others see of it

    @property
    def written(self) -> Written:
        return self.pen.written

    @property
    def block(self) -> Block:
        return self.pen.written.block

    @property
    def is_over(self) -> bool:
        """Nothing more will be chosen for it, or heard by it."""
        return self.phase is Phase.FLUSHING or self.phase is Phase.ENDED

    @property
    def has_written(self) -> bool:
        """Nothing more will be chosen for it, unless some of it is taken back."""
        return self.phase is Phase.DELIVERING or self.is_over

    @property
    def opens_turns(self) -> bool:
        """It moves the chat on that its block is part of."""
        return any(isinstance(piece, Turn | CloseTurn) for piece in self.plan.pieces)

    @property
    def turning(self) -> TurnOver | None:
        return self.pen.steps.turning if self.pen.steps is not None else None

    @property
    def n_settled(self) -> int:
        """How much of the generated text cannot turn out to be a stop any more."""
        n_held = self.generation.n_held if self.generation is not None else 0
        return len(self.written.generated) - n_held

    # ---------------------------------------------------------------- its beginning

    def begin(self, turns: TurnState, now_s: float, parent: "Writer | None") -> None:
        """Write the first header, if steps have one, and go to the first piece to be chosen.

        Args:
            turns: where in a chat the view ends.
            now_s: the time.
            parent: the stream whose budget and steps it goes on with, if there is one.
        """
        self._go(Phase.RUNNING)
        self.has_begun = True
        self.pen.turns, self.began_at_s = turns, now_s
        n_steps = 0
        if parent is not None:
            self.n_generated, self.began_at_s = parent.n_generated, parent.began_at_s
            n_steps = parent.pen.steps.n_begun if parent.pen.steps is not None else 0
        if self.plan.commit is not None:
            self.pen.begin_steps(self.plan.commit, n_steps)
        self._advance()
        self._write_all()
        if self.max_tokens is not None and self.n_generated >= self.max_tokens:
            self.end("budget")

    # ---------------------------------------------------------------- fixed text

    def _advance(self) -> None:
        """Go through fixed pieces to the next one that the model decides, or to the end."""
        fixed: list[FixedPiece] = []
        pieces = self.plan.pieces
        while self._cursor < len(pieces):
            piece, recipe = pieces[self._cursor], self.recipes[self._cursor]
            self._cursor += 1
            if isinstance(piece, Gen | Select):
                self.pen.insert_pieces(fixed)
                self._decide(piece, recipe)
                return
            fixed.append(piece)
        self.pen.insert_pieces(fixed)
        if self.plan.input is None:
            self._write_all()
            self.end("finished")

    def _decide(self, piece: Gen | Select, recipe: Recipe | None) -> None:
        """The model decides what comes next."""
        self._n_decided += 1
        if isinstance(piece, Select):
            self.choosing = piece
            return
        assert recipe is not None
        start = len(self.written.generated)
        self.generation = Generation(recipe, self.pen.around.text, start)

    def write(self, text: str) -> None:
        """Put a text into it that is not among its pieces, behind what it has written."""
        if text and not self.is_over:
            self._to_write.append(text)
            self._write_all()

    def _write_all(self) -> None:
        generation = self.generation
        mid_character = generation is not None and generation.is_mid_character
        if not self._to_write or self.phase is not Phase.RUNNING or mid_character:
            return
        if generation is not None:
            self._show(self._release(generation))
        for text in self._to_write:
            self.pen.insert(text)
        self._to_write.clear()

    # ---------------------------------------------------------------- chosen text

    def sample(self) -> Sample:
        """How the next token of the running `gen` is to be chosen."""
        assert self.generation is not None
        recipe = self.generation.recipe
        return Sample(
            sampling=recipe.piece.sampling,
            uniform=self.pen.around.uniform(self.plan.name, self.n_generated),
            forbidden=recipe.forbidden,
            allowed=self.generation.allowed(),
            origin=self.origin,
        )

    @property
    def origin(self) -> Origin:
        """The `gen` or `select` for which its next row is."""
        kind = "gen" if self.choosing is None else "select"
        return self.pen.around.origin(self.plan.name, kind, max(0, self._n_decided - 1))

    def take(self, token: int) -> None:
        """A token was chosen for the running `gen`; all that was pending has been appended."""
        generation = self.generation
        assert generation is not None
        assert not self.written.pending
        self.n_generated += 1
        generation.n_tokens += 1
        if token in generation.recipe.stop_tokens:
            self._finish(generation, "stop", token)
        elif token in generation.recipe.end_tokens:
            self._finish(generation, "end_token", token)
        else:
            self._add(generation, token)
        self._write_all()
        if self.max_tokens is not None and self.n_generated >= self.max_tokens:
            self.end("budget")

    def _add(self, generation: Generation, token: int) -> None:
        self.pen.tell_header()
        increment, shown = generation.push(token)
        self.written.choose(token, increment)
        if generation.n_lost is not None:
            self.pen.tell_token(token, shown)
            self._cut(generation, generation.n_lost)
        elif generation.is_complete:
            self._finish(generation, "complete", token, shown)
        elif generation.recipe.piece.max_tokens == generation.n_tokens:
            self._finish(generation, "max_tokens", token, shown)
        elif self.pen.steps is not None and self.pen.steps.is_finished:
            self.pen.tell_token(token, shown + self._release(generation))
            self.pen.turn_over(self.pen.steps)
        else:
            self.pen.tell_token(token, shown)

    def choose(self, scores: list[float]) -> None:
        """A `select` was scored: write the best choice, the first of equals."""
        piece = self.choosing
        assert piece is not None
        self.choosing = None
        choice = piece.choices[max(range(len(scores)), key=scores.__getitem__)]
        self.pen.insert(choice)
        by_choice = dict(zip(piece.choices, scores, strict=True))
        self.pen.tell_value(self._n_decided - 1, piece.name, choice, "selected", by_choice)
        self._last = None
        self._advance()

    def _cut(self, generation: Generation, n_lost: int) -> None:
        """A stop was found: its tokens leave the block, text before it in them comes back."""
        self.pen.keep(len(self.written.text) - n_lost)
        self.generation = None
        self._tell_value(generation, "stop")
        self._advance()

    def _finish(
        self, generation: Generation, reason: GenReason, token: int | None, shown: str = ""
    ) -> None:
        """The running `gen` is over without a stop: show what it held back, and go on."""
        self.generation = None
        shown += self._release(generation)
        if token is not None:
            self.pen.tell_token(token, shown)
        else:
            self._show(shown)
        self._tell_value(generation, reason)
        if reason != "stream_ended":
            self._advance()

    def _tell_value(self, generation: Generation, reason: GenReason) -> None:
        value = self.written.generated[generation.start :]
        self._last = Finished(generation, len(self.written.generated), self._cursor)
        self.pen.tell_value(self._n_decided - 1, generation.recipe.piece.name, value, reason)

    def _release(self, generation: Generation) -> str:
        """No stop may begin before this place: the text that was held back."""
        rest, shown = generation.release()
        self.written.complete(rest)
        return shown

    def _show(self, text: str) -> None:
        if text:
            self.pen.tell_token(None, text)

    def take_back(self, n_chars: int) -> str:
        """Take back all behind so much of the text; the running `gen` goes on from there.

        Not within what opens the sequence or a chat turn. Of a `gen` with a grammar that would be
        cut inside a token, nothing stays.

        Returns:
            All of the text that stays.
        """
        written, generation = self.written, self.generation
        self.pen.keep(n_chars)
        if generation is not None:
            self._go_back(generation)
        written.n_told = min(written.n_told, len(written.text))
        return written.text

    def _go_back(self, generation: Generation) -> None:
        """The `gen` goes on behind what has stayed of the text."""
        written = self.written
        tokens = written.tokens_since(generation.start)
        if tokens is None and generation.is_constrained:
            n_own = len(written.generated) - generation.start
            self.pen.keep(len(written.text) - n_own)
            tokens = []
        generation.go_back(tokens, len(written.generated))

    def go_on(self) -> None:
        """All was written and some of it was taken back: the last `gen` goes on, if it may."""
        last = self._last
        if self.phase is not Phase.DELIVERING or last is None or not self._may_go_on(last):
            return
        self._go_back(last.generation)
        self.written.n_told = min(self.written.n_told, len(self.written.text))
        self.generation, self._cursor, self._last = last.generation, last.cursor, None
        self.reason = None
        self._go(Phase.RUNNING)

    def _may_go_on(self, last: Finished) -> bool:
        own = last.generation.recipe.piece.max_tokens
        has_own = own is None or last.generation.n_tokens < own
        has_any = self.max_tokens is None or self.n_generated < self.max_tokens
        return has_own and has_any and len(self.written.generated) < last.end

    # ---------------------------------------------------------------- delivery

    @property
    def _must_deliver(self) -> bool:
        is_played = self.plan.reports_delivery and self.may_be_taken_back
        return is_played and self.n_delivered < len(self.written.text)

    def delivered(self, n_chars: int) -> None:
        """So much of its text has been played."""
        self.n_delivered = min(n_chars, self.written.n_told)

    def end_if_delivered(self) -> None:
        """All was written: end when all has been played, or when nobody can break in any more."""
        if self.phase is Phase.DELIVERING and not self._must_deliver:
            assert self.reason is not None
            self.end(self.reason)

    # ---------------------------------------------------------------- the end

    def end(self, reason: EndReason) -> None:
        """Choose nothing more. What is pending is still appended unless `close` comes first.

        A stream that wrote all that it could ends when it has been delivered, as long as somebody
        may break in.
        """
        waits = reason in _WRITTEN and self._must_deliver
        if self.is_over or (waits and self.phase is Phase.DELIVERING):
            return
        self.reason = reason
        if self.phase is Phase.WAITING:
            self.close()
            return
        if self.generation is not None:
            self._finish(self.generation, "stream_ended", None)
        self.choosing = None
        if waits:
            self._go(Phase.DELIVERING)
            return
        self._tell_shorter()
        if self.pen.steps is not None and self.pen.steps.is_bare:
            self.written.pending = []
        self._go(Phase.FLUSHING)
        if not self.written.pending and self.turning is None:
            self.close()

    def _tell_shorter(self) -> None:
        """Tell again of a value of which the end was taken back."""
        last = self._last
        if last is not None and len(self.written.generated) < last.end:
            last.generation.start = min(last.generation.start, len(self.written.generated))
            self._tell_value(last.generation, "stream_ended")

    def appended(self) -> None:
        """What was pending is in the cache; a stream that only waited for that is over."""
        self.written.appended()
        if self.phase is Phase.FLUSHING and self.turning is None:
            self.close()

    def turned_over(self) -> TurnOver:
        """The finished step is complete and goes into the history; its block is given away."""
        assert self.pen.steps is not None
        turning = self.pen.steps.turned_over()
        if self.phase is Phase.FLUSHING and not self.written.pending:
            self.close()
        return turning

    def close(self) -> None:
        """The stream is over: nothing is appended to its block any more."""
        self.written.pending = []
        self._go(Phase.ENDED)
        if self.pen.steps is not None:
            self.pen.steps.drop_bare(self.pen.around.cache)
        self.pen.around.emit(
            events.StreamEnded, stream=self.plan.name, reason=self.reason, text=self.written.text
        )

    def _go(self, phase: Phase) -> None:
        if phase not in NEXT_PHASES[self.phase]:
            raise AssertionError(f"a stream cannot go from {self.phase.name} to {phase.name}")
        self.phase = phase
