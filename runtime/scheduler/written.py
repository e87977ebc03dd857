"""What a stream has written: its text, and the tokens of its block.

Tokens that wait for the next row (`pending`) count as part of the block. For every token that was
chosen, and every text that was put there, a mark says how far all had come; so any end of the text
can be taken off again. Where that cuts through a token, what stays of its text is encoded anew.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from runtime.blocks import Block
from runtime.scheduler.work import Cache


class Mark(NamedTuple):
    """How much there was when a token, or a text, had been written."""

    n_tokens: int
    n_chars: int
    n_generated: int
    token: int | None
    """The token, if it was chosen and its text is whole."""


class Rest(NamedTuple):
    """Text that stays although its token does not."""

    text: str
    is_chosen: bool


@dataclass(slots=True, kw_only=True)
class Written:
    """The text of a stream and its present block.

    Attributes:
        block: its own block; after a turn-over a fresh one.
        pending: tokens that the next row appends.
        text: all that it wrote, inserted texts included.
        generated: the part of it that the model chose, pieces and steps run together.
        n_told: how much of `text` was told by events.
    """

    block: Block
    pending: list[int] = field(default_factory=list[int])
    text: str = ""
    generated: str = ""
    n_told: int = 0
    _marks: list[Mark] = field(default_factory=list[Mark])
    _base: Mark = field(init=False)
    """Where the present block began."""

    def __post_init__(self) -> None:
        self._base = Mark(self.block.n_tokens, 0, 0, None)

    def put(self, text: str, tokens: Sequence[int], *, chosen: bool = False) -> None:
        """Write a text of which nobody asks for less than the whole."""
        self.pending += tokens
        self._add(text, None, chosen=chosen)

    def choose(self, token: int, text: str) -> None:
        """Write a token that the model chose, with the text that it completes."""
        self.pending.append(token)
        self._add(text, token, chosen=True)

    def complete(self, text: str) -> None:
        """Add text to what was chosen last: it was held back because it was incomplete."""
        if text:
            self._marks.pop() if self._marks else None
            self._add(text, None, chosen=True)

    def _add(self, text: str, token: int | None, *, chosen: bool) -> None:
        self.text += text
        if chosen:
            self.generated += text
        n_tokens = len(self.block.tokens) + len(self.pending)
        self._marks.append(Mark(n_tokens, len(self.text), len(self.generated), token))

    def tokens_since(self, n_generated: int) -> list[int] | None:
        """The chosen tokens behind so much generated text; None if one of them was cut through."""
        tokens: list[int] = []
        n_before = self._base.n_generated
        for mark in self._marks:
            if n_before >= n_generated and mark.token is not None:
                tokens.append(mark.token)
            elif n_before >= n_generated and mark.n_generated > n_before:
                return None
            n_before = mark.n_generated
        return tokens

    def cut(self, n_chars: int, cache: Cache) -> Rest:
        """Take off all behind `n_chars` of the text, with the tokens; give back what of it stays
        and is to be put again. Not further than to the beginning of the present block."""
        n_chars = min(max(n_chars, self._base.n_chars), len(self.text))
        n_kept = bisect_left(self._marks, n_chars, key=lambda mark: mark.n_chars)
        if n_chars == self._base.n_chars:
            n_kept = 0
        elif self._marks[n_kept].n_chars == n_chars:
            n_kept += 1
        last = self._marks[n_kept - 1] if n_kept else self._base
        following = self._marks[n_kept] if n_kept < len(self._marks) else last
        rest = Rest(self.text[last.n_chars : n_chars], following.n_generated > last.n_generated)
        del self._marks[n_kept:]
        self._keep_tokens(last.n_tokens, cache)
        self.text = self.text[: last.n_chars]
        self.generated = self.generated[: last.n_generated]
        return rest

    def _keep_tokens(self, n_tokens: int, cache: Cache) -> None:
        if n_tokens < self.block.n_tokens:
            cache.crop(self.block, n_tokens)
            self.pending.clear()
        else:
            del self.pending[n_tokens - self.block.n_tokens :]

    def appended(self, n_tokens: int | None = None) -> None:
        """What was pending is in the cache, or the first of it."""
        self.pending = [] if n_tokens is None else self.pending[n_tokens:]

    def turn_over(self, block: Block) -> None:
        """Go on in a fresh block; nothing before it can be cut any more."""
        self.block, self.pending = block, []
        self._marks.clear()
        self._base = Mark(block.n_tokens, len(self.text), len(self.generated), None)
