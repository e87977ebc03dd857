"""What attention is given for a step, and what every implementation does with it.

A row sees its view: a list of **spans**. The keys of a span lie in consecutive slots of the cache
and stand at consecutive places of the view, so the *place* of a span is the number of tokens
before it. Its keys were rotated for the positions from `rotated_for` on; the **shift** is its place
minus that. The new tokens of a row are the last of its view.

With `P = n_tokens - n_new + i` the position of new token `i`, its query

- sees the keys at places `0 … P`: all of the blocks before its own, causal inside its own;
- meets keys rotated for `place - shift` as if it stood at `P - shift` itself (RoFormer, arXiv
  2104.09864, section 3.2.2: a score depends on the difference of positions only).

All new keys of a step are in the cache before the first query reads it, so a row sees of what the
others add in the same step as much as its spans have: all of it when streams write, and less when
`runtime.restore` computes many steps at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

from torch import Tensor

PreparedStep = TypeVar("PreparedStep")


class Span(NamedTuple):
    """Cached tokens in consecutive slots, their keys rotated for consecutive positions."""

    slot: int
    n_tokens: int
    rotated_for: int
    """Position that the first key is rotated for."""


@dataclass(frozen=True, slots=True)
class SpanRow:
    """What one row of a step sees, its new tokens included. Spans are not empty.

    Attributes:
        spans: its view, in order.
        n_tokens: of the whole view.
        n_new: tokens at the end of the view that are new in this step.
    """

    spans: Sequence[Span]
    n_tokens: int
    n_new: int

    @property
    def first_position(self) -> int:
        """Position of the first new token."""
        return self.n_tokens - self.n_new

    def new_spans(self) -> list[Span]:
        """Where the keys of the new tokens go, in order."""
        found: list[Span] = []
        missing = self.n_new
        for slot, n_tokens, rotated_for in reversed(self.spans):
            n = min(n_tokens, missing)
            skipped = n_tokens - n
            found.append(Span(slot + skipped, n, rotated_for + skipped))
            missing -= n
            if not missing:
                break
        return found[::-1]


class Attention(Protocol[PreparedStep]):
    """Attention over views, with the cache that it reads and writes.

    An implementation keeps keys as it likes (rotated or not): all that touches them is here.
    """

    def prepare(self, rows: Sequence[SpanRow]) -> PreparedStep:
        """Everything about a step that is the same in all layers. Changes nothing."""
        ...

    def attend(self, step: PreparedStep, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Write the new keys and values of one layer, then read.

        Args:
            step: what `prepare` made of the rows.
            layer: index of the layer.
            q: [n, n_heads, head_dim], the new tokens of all rows one after another, not rotated.
            k: [n, n_kv_heads, head_dim], not rotated.
            v: [n, n_kv_heads, head_dim].

        Returns:
            [n, n_heads, head_dim] in the dtype of `q`.
        """
        ...

    def move(self, sources: Sequence[Span], targets: Sequence[Span]) -> None:
        """Copy the keys and values of all layers to other slots, keys turned to their new place.

        Args:
            sources: the tokens to move, in order.
            targets: as many slots, not among the sources, with the positions to rotate for.
        """
        ...
