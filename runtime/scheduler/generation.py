"""One `gen` while it runs: tokens become text, and the text may hold a stop."""

from dataclasses import dataclass

from hogdsl.plan import Gen
from runtime.scheduler.record import Record, speller
from runtime.scheduler.stops import StopMatcher
from runtime.scheduler.work import Matcher, Numbers, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A `gen` of a plan, with its tokens resolved for the model.

    Attributes:
        end_tokens: the model's own, if they end it.
        stop_tokens: those of the `gen`.
        forbidden: tokens that are never chosen.
        too_early: these and all that would end it, for as long as it has to go on.
        bias: what is added to the logits of some tokens.
    """

    piece: Gen
    end_tokens: frozenset[int]
    stop_tokens: frozenset[int]
    forbidden: tuple[int, ...]
    too_early: tuple[int, ...] = ()
    bias: Numbers | None = None


class Generation:
    """The state of one `gen`.

    Attributes:
        start: where in the stream's generated text its own begins.
        n_tokens: tokens chosen so far; those that were taken back count, too.
        n_lost: after a stop: characters at the end of the text that do not stay.
        record: the tokens chosen so far that were not taken back, for penalties and
            log-probabilities.
    """

    def __init__(self, recipe: Recipe, source: Text, start: int) -> None:
        self.recipe, self.start = recipe, start
        self.n_tokens = 0
        self.n_lost: int | None = None
        self.is_mid_character = False
        """The last token completed no text."""
        self._source = source
        piece = recipe.piece
        self.record = Record(
            spell=speller(source),
            counts=Numbers() if piece.sampling.has_penalties else None,
            keeps_logprobs=piece.logprobs is not None,
        )
        self._matcher = self._new_matcher()
        self._refresh()

    @property
    def n_held(self) -> int:
        """Characters that may yet turn out to be a stop."""
        return self._stops.n_held

    @property
    def is_complete(self) -> bool:
        """Nothing can follow in its grammar."""
        return self._matcher is not None and self._matcher.is_complete

    def allowed(self) -> bytes | None:
        """Which tokens its grammar lets follow; see `Sample.allowed`."""
        return None if self._matcher is None else self._matcher.allowed()

    @property
    def forbidden(self) -> tuple[int, ...]:
        """Tokens that are not chosen next."""
        too_early = self.n_tokens < self.recipe.piece.min_tokens
        return self.recipe.too_early if too_early else self.recipe.forbidden

    def push(self, token: int) -> tuple[str, str]:
        """Take a token; give the text that it completes, and the text that may be shown now."""
        if self._matcher is not None:
            self._matcher.push(token)
        increment = self._detokenizer.push(token)
        self.is_mid_character = not increment
        self._n_fed += len(increment)
        shown = self._stops.feed(increment)
        if self._stops.found is not None:
            self.n_lost = self._n_fed - self._stops.found.start
        return increment, shown

    def release(self) -> tuple[str, str]:
        """No stop may begin before this place: the text of an unfinished character, and all that
        was held back, that text included."""
        rest = self._detokenizer.flush()
        shown = self._stops.feed(rest) if rest and self._stops.found is None else ""
        shown += self._stops.flush()
        self._refresh()
        return rest, shown

    def go_back(self, tokens: list[int] | None, n_generated: int) -> None:
        """The stream has so much generated text left, and these tokens of the gen.

        Args:
            tokens: those that stay; None where the text of one was cut through.
            n_generated: characters of the stream's generated text that stay.
        """
        self.start = min(self.start, n_generated)
        self.record.cut(n_generated)
        self._refresh()
        if self._matcher is not None:
            self._matcher = self._new_matcher()
            assert self._matcher is not None
            for token in tokens or ():
                self._matcher.push(token)

    @property
    def is_constrained(self) -> bool:
        return self._matcher is not None

    def _new_matcher(self) -> Matcher | None:
        constraint = self.recipe.piece.constraint
        return None if constraint is None else self._source.matcher(constraint)

    def _refresh(self) -> None:
        self._detokenizer = self._source.detokenizer()
        self._stops = StopMatcher(self.recipe.piece.stop, self.recipe.piece.stop_regex)
        self._n_fed = 0
        self.is_mid_character = False
