"""What a constrained `gen` may write next, as a mask over tokens, by llguidance.

A grammar is about bytes. A vocabulary says which bytes each token stands for; the grammar engine
walks all tokens at once and tells which of them keep the text inside the grammar. Special tokens
are no text: none of them is ever allowed, but end tokens where the text may end.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import assert_never

from llguidance import LLMatcher, LLParserLimits, LLTokenizer, TokenizerWrapper

from hogdsl.errors import PlanError
from hogdsl.plan import ChoicesConstraint, Constraint, JsonConstraint, RegexConstraint

MAX_GRAMMARS = 256
"""So many compiled grammars are kept; beyond that those used longest ago are dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The tokens of a model as a grammar needs them.

    Attributes:
        tokens: the bytes of each; empty if unknown, and then it is never allowed.
        special: tokens that are no text.
        end_tokens: those that end a text.
        encode: the tokens of a text.
    """

    tokens: Sequence[bytes]
    special: Collection[int]
    end_tokens: Collection[int]
    encode: Callable[[str], list[int]]


class Grammars:
    """Compiles constraints for one vocabulary, each only once."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """
        Raises:
            ValueError: the vocabulary has no end token.
        """
        if not vocabulary.end_tokens:
            raise ValueError("the model has no end token, so no text of it could end by a grammar")
        ends = sorted(vocabulary.end_tokens)
        self._tokenizer = LLTokenizer(
            TokenizerWrapper(_Source(vocabulary, ends[0])), eos_token=ends
        )
        self._compiled = lru_cache(MAX_GRAMMARS)(self._compile)

    def matcher(self, constraint: Constraint) -> "GrammarMatcher":
        """A matcher at the beginning of what the constraint allows.

        Raises:
            ValueError: the grammar engine refuses it, with the reason.
        """
        return GrammarMatcher(self._compiled(grammar_of(constraint)).deep_copy())

    def _compile(self, grammar: str) -> LLMatcher:
        limits = LLParserLimits(verbose_errors=False)
        matcher = LLMatcher(self._tokenizer, grammar, log_level=0, limits=limits)
        if matcher.is_error():
            raise ValueError(_one_line(matcher.get_error()))
        return matcher


def grammar_of(constraint: Constraint) -> str:
    """The constraint as llguidance reads it.

    Raises:
        ValueError: its document is no JSON object.
    """
    match constraint:
        case RegexConstraint():
            return LLMatcher.grammar_from_regex(constraint.regex)
        case ChoicesConstraint():
            texts = " | ".join(json.dumps(text) for text in constraint.choices)
            return LLMatcher.grammar_from_lark(f"start: {texts}")
        case JsonConstraint():
            return LLMatcher.grammar_from_json_schema(
                constraint.document, overrides={"whitespace_flexible": False}
            )
        case _:
            assert_never(constraint)


class GrammarMatcher:
    """A `runtime.scheduler.work.Matcher`."""

    def __init__(self, matcher: LLMatcher) -> None:
        self._matcher = matcher

    def allowed(self) -> bytes:
        """Which tokens may come next: token i if bit i % 8 of byte i // 8 is set.

        Raises:
            PlanError: the grammar is too costly to follow.
        """
        mask = self._matcher.compute_bitmask()
        self._check()
        return mask

    def push(self, token: int) -> None:
        """This token was chosen.

        Raises:
            PlanError: it was not allowed, or the grammar is too costly to follow.
        """
        self._matcher.consume_token(token)
        self._check()

    @property
    def is_complete(self) -> bool:
        """Nothing but an end token may come."""
        return self._matcher.is_stopped()

    def _check(self) -> None:
        if self._matcher.is_error():
            raise PlanError(f"constraint: {_one_line(self._matcher.get_error())}")


class _Source:
    """A vocabulary as `TokenizerWrapper` wants it."""

    bos_token_id = None

    def __init__(self, vocabulary: Vocabulary, end_token: int) -> None:
        self.eos_token_id = end_token
        self.tokens = list(vocabulary.tokens)
        self.special_token_ids = sorted({*vocabulary.special, *vocabulary.end_tokens})
        self._encode = vocabulary.encode

    def __call__(self, text: str) -> list[int]:
        if not isinstance(text, str):  # the wrapper tries bytes first
            raise TypeError("only str is encoded")
        return self._encode(text)


def _one_line(message: str) -> str:
    return " ".join(message.split())
