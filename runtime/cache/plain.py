"""Which tokens are a plain continuation of what stands before them in the view.

A token is **plain** if its keys and values are those of one text, read from the start without any
view: when it was written, its writer saw the tokens before it and nothing else, each of them plain.
Only plain tokens go into the radix cache, for only they are told by the chain of tokens alone.

A block remembers behind what it was written, as a **mark**: the block right before it, how many
tokens that had, and its revision, which changes when tokens are taken away. Marks make chains: the
block before has a mark itself. So a view is plain if each of its blocks is marked with the one
before it, as that stands in this view; that is one comparison per block, whatever their lengths.
"""

from collections.abc import Sequence
from typing import NamedTuple

from runtime.blocks import START, Block, Mark

ViewItems = Sequence[tuple[Block, int]]
"""Blocks of a view, each with the number of its first tokens that the view has."""


class Written(NamedTuple):
    """What a row of a step wrote.

    Attributes:
        own: the block that it wrote to; its tokens are still those before the step.
        before: what it saw before its own block, with the lengths after the step.
        n_new: how many tokens it wrote.
    """

    own: Block
    before: ViewItems
    n_new: int


def plain_end(items: ViewItems, namespace: str) -> Mark | None:
    """The mark of a block that is written behind these; None if they are no plain chain."""
    end = START
    for block, n_tokens in items:
        if not n_tokens:
            continue
        if n_tokens > block.n_plain or block.behind != end or block.namespace != namespace:
            return None
        end = Mark(block.number, block.revision, n_tokens)
    return end


class Link(NamedTuple):
    """Some first tokens of a block in a chain, and what is still coming to it."""

    block: Block
    n_tokens: int
    coming: Sequence[int] = ()

    @property
    def n_all(self) -> int:
        return self.n_tokens + len(self.coming)

    @property
    def tokens(self) -> list[int]:
        return [*self.block.tokens[: self.n_tokens], *self.coming]


def chain_end(chain: Sequence[Link], namespace: str) -> Mark | None:
    """As `plain_end`, when all that is coming will have come."""
    end = START
    for link in chain:
        block, n_tokens, _ = link
        if not link.n_all:
            continue
        is_whole = not link.coming or block.n_plain == block.n_tokens == n_tokens
        goes_on = not n_tokens or block.behind == end
        if n_tokens > block.n_plain or not (is_whole and goes_on) or block.namespace != namespace:
            return None
        end = Mark(block.number, block.revision, link.n_all)
    return end


def note_written(step: Sequence[Written]) -> None:
    """Count the plain tokens of all blocks that a step wrote to, whose bases are known by now.

    Blocks that are not plain as a whole may be left out.

    A row may see what another row of the same step writes. A plain one sees fewer blocks than those
    that it is plain for, so rows that see few are told first; where two see each other, the first
    one finds tokens of the other that are not counted as plain, and never will be.
    """
    may_be_plain = [written for written in step if _goes_on(written)]
    for written in sorted(may_be_plain, key=_n_seen):
        _note_row(written)


def note_moved(block: Block, into: Block) -> None:
    """All tokens of `block` are about to move to the end of `into`, which has its base by now."""
    if block.namespace != into.namespace:
        return
    begins = not into.tokens and into.base == block.base
    if begins:
        into.behind = block.behind
    goes_on = into.n_plain == into.n_tokens and block.behind == _mark(into)
    if begins or goes_on:
        into.n_plain += block.n_plain


def note_cropped(block: Block) -> None:
    """Tokens of `block` were taken away."""
    block.revision += 1
    block.n_plain = min(block.n_plain, block.n_tokens)


def _goes_on(written: Written) -> bool:
    """All before it in its block is plain, and its keys are rotated for their place in the view."""
    own = written.own
    return own.n_plain == len(own.tokens) and own.base == sum([n for _, n in written.before])


def _n_seen(written: Written) -> int:
    return sum([n > 0 for _, n in written.before])


def _note_row(written: Written) -> None:
    own = written.own
    end = plain_end(written.before, own.namespace)
    if end is None or (own.tokens and end != own.behind):
        return
    own.behind = end
    own.n_plain += written.n_new


def _mark(block: Block) -> Mark:
    return Mark(block.number, block.revision, block.n_tokens)
