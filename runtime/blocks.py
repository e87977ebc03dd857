"""Blocks and rows: what a caller of the engine holds in hand.

    block    open ──seal──▶ sealed          both ──suspend──▶ suspended ──restore──▶ as before
                                            all ──free──▶ freed
             open: one row per step may write to it; commit and crop apply
             sealed: its text is finished; it can only be seen, suspended or freed
             suspended: it has its tokens and its log and no keys; it can only be restored or freed

The engine alone changes a block. Its fields may be read by anyone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hogdsl.errors import EngineError
from runtime.history import Log

BlockState = Literal["open", "sealed", "suspended", "freed"]


class Block:
    """An append-only run of tokens with their keys and values.

    Attributes:
        number: its name within its engine, also in messages.
        tokens: ids of its tokens, in order.
        state: see the table above.
        base: the position that its first key is rotated for; None while it has no tokens.
        log: what its tokens saw when they were written.
    """

    __slots__ = ("base", "log", "number", "state", "tokens")

    def __init__(self, number: int, *, base: int | None = None) -> None:
        self.number = number
        self.tokens: list[int] = []
        self.state: BlockState = "open"
        self.base = base
        self.log = Log()

    def __repr__(self) -> str:
        return f"<Block {self.number} {self.state}, {self.n_tokens} tokens>"

    @property
    def n_tokens(self) -> int:
        return len(self.tokens)

    @property
    def sealed(self) -> bool:
        return self.state == "sealed"

    def first(self, n_tokens: int) -> "BlockPrefix":
        """Its first `n_tokens` tokens, to be put into a view; the length stays while it grows.

        Raises:
            EngineError: the block has fewer tokens now.
        """
        if not 0 <= n_tokens <= self.n_tokens:
            raise EngineError(
                f"A prefix has at most the tokens of its block: the first {n_tokens} of block "
                f"{self.number} were asked for, which has {self.n_tokens}."
            )
        return BlockPrefix(self, n_tokens)


@dataclass(frozen=True, slots=True)
class BlockPrefix:
    """The first `n_tokens` tokens of a block, as an item of a view. Made by `Block.first`."""

    block: Block
    n_tokens: int


@dataclass(frozen=True, slots=True)
class Row:
    """What one stream adds in one step.

    Attributes:
        view: what it sees, in order; the last is its own block, to which `tokens` are written.
        tokens: its new tokens, at least one.
        n_logits: logits are wanted after this many of the last tokens; may be 0.
    """

    view: Sequence[Block | BlockPrefix]
    tokens: Sequence[int]
    n_logits: int = 1
