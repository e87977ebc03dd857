"""Runs the rows of a step by a script: no model, and a cache that only counts."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import assert_never

from hogdsl.errors import PlanError
from hogdsl.plan import Gen, Region, Select
from runtime.blocks import Block
from runtime.cache.counting import CountingCache
from runtime.scheduler.work import Chosen, Logprobs, Origin, Pages, Result, RowWork, Sample
from runtime.scripted.texts import ScriptTexts
from runtime.scripted.words import END, Words

CERTAIN, UNLIKELY, NEVER = 0.0, -10.0, float("-inf")
"""Log-probabilities of what the script says, of another choice, and of another answer."""


class ScriptMachine:
    """A `runtime.scheduler.work.Machine` for one run of a script.

    A stream's `gen` writes the next of the stream's texts word by word, then the end token.

    Attributes:
        cache: all blocks of the run.
        text: the words that were met.
    """

    name = "script"
    device = "none"
    context_length = 1_000_000
    pages = Pages()

    def __init__(
        self, texts: ScriptTexts, words: Words, stepped: Callable[[], None] = lambda: None
    ) -> None:
        """
        Args:
            texts: what the model says.
            words: the tokenizer.
            stepped: called once in every step.
        """
        self.cache, self.text = CountingCache(), words
        self._texts, self._stepped = texts, stepped
        self._region: Region | None = None
        self._left: dict[tuple[str, int], deque[int]] = {}
        """Tokens that each `gen` of the region has still to write."""
        self._choices: dict[tuple[str, int], str] = {}

    def begin(self, region: Region) -> None:
        """The rows from now on are those of this region."""
        self._region = region
        self._left.clear()
        self._choices.clear()

    def run(self, rows: Sequence[RowWork]) -> list[Result]:
        """The script's words, scores and answers; the tokens of the rows are written to its blocks.

        Raises:
            PlanError: the script does not fit the program; nothing was written.
        """
        results = [self._result(work) for work in rows]
        for work in rows:
            own = work.view[-1]
            assert isinstance(own, Block)
            self.cache.append(own, work.tokens)
        self._stepped()
        return results

    def _result(self, work: RowWork) -> Result:
        match work.want:
            case None:
                return None
            case Sample():
                return self._next_word(work.want)
            case Logprobs() as want:
                return self._scores(work.tokens, want)
            case _:
                assert_never(work.want)

    def _next_word(self, want: Sample) -> Chosen:
        origin = want.origin
        key = (origin.stream, origin.n)
        if key not in self._left:
            gen = self._piece(origin)
            assert isinstance(gen, Gen)
            self._left[key] = deque(self.text.encode(self._texts.text(origin.stream, gen)))
        left = self._left[key]
        if not left:
            self._check_end(want)
        token = left.popleft() if left else END
        if token in want.forbidden:
            raise PlanError(
                f"the script writes {self.text.spell(token)!r} in the stream {origin.stream!r}, "
                "where it is forbidden. Leave it out."
            )
        if want.n_top is None:
            return Chosen(token)
        return Chosen(token, CERTAIN, ((token, CERTAIN),) * bool(want.n_top))

    def _check_end(self, want: Sample) -> None:
        """A text is over, so its `gen` has to be."""
        gen = self._piece(want.origin)
        assert isinstance(gen, Gen)
        if gen.ignore_eos or END in want.forbidden:
            field = "ignore_eos" if gen.ignore_eos else "min_tokens"
            raise PlanError(
                f"the script's text in the stream {want.origin.stream!r} is over, and its gen goes "
                f"on: {field} does not let it end there. Give the text more words."
            )

    def _scores(self, tokens: tuple[int, ...], want: Logprobs) -> list[list[float]]:
        match want.origin.kind:
            case "ask":
                begins = self._answer(want.origin)
                return [[CERTAIN if token in begins else NEVER for token in want.wanted[0]]]
            case "select":
                return self._select_scores(tokens, want)
            case "gen":
                raise AssertionError("a gen samples")

    def _select_scores(self, tokens: tuple[int, ...], want: Logprobs) -> list[list[float]]:
        """Of the first tokens of all choices, in their order; or of the other tokens of one."""
        origin = want.origin
        select = self._piece(origin)
        assert isinstance(select, Select)
        key = (origin.stream, origin.n)
        if key not in self._choices:
            self._choices[key] = self._texts.choice(origin.stream, select)
        chosen = self._choices[key]
        if len(want.wanted[0]) > 1:
            return [[CERTAIN if text == chosen else UNLIKELY for text in select.choices]]
        whole = [*tokens[:1], *(token for (token,) in want.wanted)]
        score = CERTAIN if whole == self.text.encode(chosen) else UNLIKELY
        return [[score] for _ in want.wanted]

    def _answer(self, origin: Origin) -> set[int]:
        """The tokens that may begin the script's answer to a question."""
        assert self._region is not None
        (ask,) = (ask for ask in self._region.asks if ask.name == origin.ask)
        answer = self._texts.answer(ask)
        forms = (answer, answer.capitalize(), " " + answer, " " + answer.capitalize())
        return {self.text.encode(form)[0] for form in forms}

    def _piece(self, origin: Origin) -> Gen | Select:
        """The piece for which a row is."""
        assert self._region is not None
        (stream,) = (stream for stream in self._region.streams if stream.name == origin.stream)
        return [piece for piece in stream.pieces if isinstance(piece, Gen | Select)][origin.n]
