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
from typing import Literal, NamedTuple

from hogdsl.errors import EngineError
from runtime.cache.tree import Node
from runtime.history import Log
from runtime.pages import Run

BlockState = Literal["open", "sealed", "suspended", "freed"]


class Mark(NamedTuple):
    """Some first tokens of a block, as something behind them saw it (`runtime.cache.plain`)."""

    block: int | None
    """Its number; None for the start of a view."""
    revision: int
    n_tokens: int


START = Mark(None, 0, 0)


class Block:
    """An append-only run of tokens with their keys and values.

    Attributes:
        number: its name within its engine, also in messages.
        tokens: ids of its tokens, in order.
        state: see the table above.
        base: the position that its first key is rotated for; None while it has no tokens.
        log: what its tokens saw when they were written.
        namespace: in which its text may be found again.
        revision: how many times tokens were taken away from it.
        n_plain: how many of its first tokens are plain (`runtime.cache.plain`).
        behind: what it was written behind; says something only if it has plain tokens.
        node: the last page of the radix cache that it reads, locked by it; None if it reads none.
        shared: the pages of the radix cache that its tokens begin in.
    """

    __slots__ = (
        "base",
        "behind",
        "log",
        "n_plain",
        "namespace",
        "node",
        "number",
        "revision",
        "shared",
        "state",
        "tokens",
    )

    def __init__(self, number: int, *, base: int | None = None, namespace: str = "") -> None:
        self.number = number
        self.tokens: list[int] = []
        self.state: BlockState = "open"
        self.base = base
        self.log = Log()
        self.namespace = namespace
        self.revision = self.n_plain = 0
        self.behind = START
        self.node: Node | None = None
        self.shared: tuple[Run, ...] = ()

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


class Ahead(NamedTuple):
    """A block of a view, and the tokens that it is still to get before anything is behind it."""

    block: Block
    coming: tuple[int, ...]


class Row(NamedTuple):
    """What one stream adds in one step.

    Attributes:
        view: what it sees, in order; the last is its own block, to which `tokens` are written.
        tokens: its new tokens, at least one.
        n_logits: logits are wanted after this many of the last tokens; may be 0.
    """

    view: Sequence[Block | BlockPrefix]
    tokens: Sequence[int]
    n_logits: int = 1
