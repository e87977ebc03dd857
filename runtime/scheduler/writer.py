"""One stream: when it begins, what bounds it, when it ends.

What it writes next is its agenda's business, what becomes of a chosen token its composer's. A
stream that listens writes its fixed pieces, then what it hears.
"""

from dataclasses import dataclass, field

from hogdsl import events
from hogdsl.events import EndReason
from hogdsl.plan import CloseTurn, Select, Stream, Turn
from runtime.blocks import Block
from runtime.scheduler.agenda import Agenda
from runtime.scheduler.composer import Composer
from runtime.scheduler.generation import Generation, Recipe
from runtime.scheduler.life import NEXT_PHASES, Phase
from runtime.scheduler.pen import Pen
from runtime.scheduler.steps import TurnOver
from runtime.scheduler.taking_back import cut_gen, go_on, take_back, tell_shorter
from runtime.scheduler.turns import TurnState
from runtime.scheduler.work import Chosen, Origin, Sample
from runtime.scheduler.written import Written

_WRITTEN: frozenset[EndReason] = frozenset({"finished", "budget"})
"""Reasons of streams that have written all that they could."""


@dataclass(slots=True, kw_only=True)
class Writer:
    """The state of one stream.

    Attributes:
        recipes: for every piece that is a `gen`, how it is run.
        max_tokens: how many tokens may be chosen for it in all.
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
    began_at_s: float = 0.0
    n_delivered: int = 0
    may_be_taken_back: bool = False
    reason: EndReason | None = None
    has_begun: bool = False
    _agenda: Agenda = field(init=False)
    _composer: Composer = field(init=False)

    def __post_init__(self) -> None:
        self._agenda = Agenda(pen=self.pen, pieces=self.plan.pieces, recipes=self.recipes)
        self._composer = Composer(pen=self.pen, agenda=self._agenda)

    # ---------------------------------------------------------------- what others see of it

    @property
    def written(self) -> Written:
        return self.pen.written

    @property
    def block(self) -> Block:
        return self.pen.written.block

    @property
    def generation(self) -> Generation | None:
        """The `gen` that runs, if one does."""
        return self._agenda.generation

    @property
    def choosing(self) -> Select | None:
        """The `select` that is to be decided, if one is."""
        return self._agenda.choosing

    @property
    def origin(self) -> Origin:
        """The `gen` or `select` for which its next row is."""
        return self._agenda.origin

    @property
    def n_generated(self) -> int:
        """Tokens that were chosen for it; those that were taken back count, too."""
        return self._composer.n_generated

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

    @property
    def _has_budget(self) -> bool:
        return self.max_tokens is None or self._composer.n_generated < self.max_tokens

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
            self._composer.n_generated, self.began_at_s = parent.n_generated, parent.began_at_s
            n_steps = parent.pen.steps.n_begun if parent.pen.steps is not None else 0
        if self.plan.commit is not None:
            self.pen.begin_steps(self.plan.commit, n_steps)
        self._agenda.advance()
        self._went_on()

    # ---------------------------------------------------------------- while it writes

    def write(self, text: str) -> None:
        """Put a text into it that is not among its pieces, behind what it has written."""
        if text and not self.is_over:
            self._agenda.put(text)
            self._write_texts()

    def sample(self) -> Sample:
        """How the next token of the running `gen` is to be chosen."""
        return self._composer.sample()

    def take(self, chosen: Chosen) -> None:
        """A token was chosen for the running `gen`; all that was pending has been appended."""
        self._composer.take(chosen)
        self._went_on()

    def choose(self, scores: list[float]) -> None:
        """A `select` was scored: write the best choice, the first of equals."""
        self._composer.choose(scores)
        self._went_on()

    def _went_on(self) -> None:
        """Something was written: put texts from elsewhere behind it; see whether it is the end."""
        self._write_texts()
        if self._agenda.is_done and self.plan.input is None:
            self.end("finished")
        if not self._has_budget:
            self.end("budget")

    def _write_texts(self) -> None:
        if self.phase is Phase.RUNNING:
            self._agenda.write_texts()

    # ---------------------------------------------------------------- taking back, and delivery

    def take_back(self, n_chars: int) -> str:
        """Take back all behind so much of the text (`taking_back.take_back`); what stays of it."""
        return take_back(self._composer, n_chars)

    def go_on(self) -> None:
        """All was written and some of it was taken back: the last `gen` goes on, if it may."""
        last = cut_gen(self._composer)
        if self.phase is not Phase.DELIVERING or last is None or not self._has_budget:
            return
        go_on(self._composer, last)
        self.reason = None
        self._go(Phase.RUNNING)

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
        self._composer.stop()
        if waits:
            self._go(Phase.DELIVERING)
            return
        tell_shorter(self._composer)
        if self.pen.steps is not None and self.pen.steps.is_bare:
            self.written.pending = []
        self._go(Phase.FLUSHING)
        if not self.written.pending and self.turning is None:
            self.close()

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
