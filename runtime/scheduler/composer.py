"""What becomes of the tokens that are chosen for one stream.

A token belongs to the running `gen`: it ends it, or its text is added, and that may complete a
stop. A `select` is decided in one step. When either is over its value is told, and the pieces go
on.
"""

from dataclasses import dataclass

from hogdsl.events import GenReason
from runtime.scheduler.agenda import Agenda
from runtime.scheduler.generation import Generation
from runtime.scheduler.pen import Pen
from runtime.scheduler.work import Chosen, Sample
from runtime.scheduler.written import Written


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
class Composer:
    """Turns chosen tokens into the text of one stream.

    Attributes:
        pen: writes the stream.
        agenda: its pieces.
        n_generated: tokens that were chosen for it; those that were taken back count, too.
        last: the `gen` that came last, unless a `select` came since.
    """

    pen: Pen
    agenda: Agenda
    n_generated: int = 0
    last: Finished | None = None

    @property
    def written(self) -> Written:
        return self.pen.written

    def sample(self) -> Sample:
        """How the next token of the running `gen` is to be chosen."""
        generation = self.agenda.generation
        assert generation is not None
        recipe = generation.recipe
        sampling, uniform = recipe.piece.sampling, 0.0
        if sampling.temperature > 0:  # nothing else is drawn
            uniform = self.pen.around.uniform(self.pen.stream, self.n_generated)
        return Sample(
            sampling,
            uniform,
            self.agenda.origin,
            forbidden=generation.forbidden,
            allowed=generation.allowed(),
            bias=recipe.bias,
            counts=generation.record.counts,
            n_top=recipe.piece.logprobs,
        )

    def take(self, chosen: Chosen) -> None:
        """A token was chosen for the running `gen`; all that was pending has been appended."""
        generation, token = self.agenda.generation, chosen.token
        assert generation is not None
        assert not self.written.pending
        self.n_generated += 1
        generation.n_tokens += 1
        recipe = generation.recipe
        if token in recipe.stop_tokens:
            self._end_with(generation, chosen, "stop")
        elif token in recipe.end_tokens:
            self._end_with(generation, chosen, "end_token")
        else:
            self._add(generation, chosen)

    def _end_with(self, generation: Generation, chosen: Chosen, reason: GenReason) -> None:
        """The token ends the `gen`, and is no text."""
        n_before = len(self.written.generated)
        generation.record.add(chosen, n_before, n_before)
        self._finish(generation, reason, chosen.token)

    def _add(self, generation: Generation, chosen: Chosen) -> None:
        token, written = chosen.token, self.pen.written
        n_before = len(written.generated)
        self.pen.tell_header()
        increment, shown = generation.push(token)
        written.choose(token, increment)
        generation.record.add(chosen, n_before, n_before + len(increment))
        if generation.n_lost is not None:
            self.pen.tell_token(token, shown)
            self._cut(generation, generation.n_lost)
        elif generation.is_complete:
            self._finish(generation, "complete", token, shown)
        elif generation.recipe.piece.max_tokens == generation.n_tokens:
            self._finish(generation, "max_tokens", token, shown)
        elif self.pen.steps is not None and self.pen.steps.is_finished:
            self.pen.tell_token(token, shown + self.agenda.release(generation))
            self.pen.turn_over(self.pen.steps)
        else:
            self.pen.tell_token(token, shown)

    def choose(self, scores: list[float]) -> None:
        """A `select` was scored: write the best choice, the first of equals."""
        piece = self.agenda.choosing
        assert piece is not None
        self.agenda.choosing = None
        choice = piece.choices[max(range(len(scores)), key=scores.__getitem__)]
        self.pen.insert(choice)
        by_choice = dict(zip(piece.choices, scores, strict=True))
        self.pen.tell_value(
            self.agenda.n_decided - 1, piece.name, choice, "selected", scores=by_choice
        )
        self.last = None
        self.agenda.advance()

    def stop(self) -> None:
        """The stream ends: the running `gen` or `select` goes no further."""
        if self.agenda.generation is not None:
            self._finish(self.agenda.generation, "stream_ended", None)
        self.agenda.choosing = None

    def _cut(self, generation: Generation, n_lost: int) -> None:
        """A stop was found: its tokens leave the block, text before it in them comes back."""
        self.pen.keep(len(self.written.text) - n_lost)
        self.agenda.generation = None
        self.tell_value(generation, "stop")
        self.agenda.advance()

    def _finish(
        self, generation: Generation, reason: GenReason, token: int | None, shown: str = ""
    ) -> None:
        """The running `gen` is over without a stop: show what it held back, and go on."""
        self.agenda.generation = None
        shown += self.agenda.release(generation)
        if token is not None:
            self.pen.tell_token(token, shown)
        else:
            self.pen.show(shown)
        self.tell_value(generation, reason)
        if reason != "stream_ended":
            self.agenda.advance()

    def tell_value(self, generation: Generation, reason: GenReason) -> None:
        """A `gen` is over: what the model has written for it is its value."""
        value = self.written.generated[generation.start :]
        self.last = Finished(generation, len(self.written.generated), self.agenda.cursor)
        self.pen.tell_value(
            self.agenda.n_decided - 1,
            generation.recipe.piece.name,
            value,
            reason,
            logprobs=generation.record.logprobs,
        )
