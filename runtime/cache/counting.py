"""A cache that only counts: blocks of tokens without keys, for scripts and for tests."""

from collections.abc import Mapping, Sequence

from hogdsl.errors import CapacityError, InternalError
from runtime.blocks import Ahead, Block

UNLIMITED_TOKENS = 1 << 40


class CountingCache:
    """A `runtime.scheduler.work.Cache` in which every token takes one page.

    Attributes:
        n_tokens_most: how many tokens it holds.
        blocks: those that nobody has freed, by their numbers.
    """

    def __init__(self, n_tokens_most: int = UNLIMITED_TOKENS) -> None:
        self.n_tokens_most = n_tokens_most
        self.blocks: dict[int, Block] = {}
        self._suspended: set[int] = set()
        self._n_ever = 0

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {len(self.blocks)} blocks, {self.n_tokens} tokens, "
            f"{len(self._suspended)} suspended>"
        )

    @property
    def n_tokens(self) -> int:
        """Tokens that it holds now."""
        living = (b for b in self.blocks.values() if b.number not in self._suspended)
        return sum(block.n_tokens for block in living)

    def block(self, *, namespace: str = "") -> Block:
        block = Block(self._n_ever, namespace=namespace)
        self._n_ever += 1
        self.blocks[block.number] = block
        return block

    def append(self, block: Block, tokens: Sequence[int]) -> None:
        """Write tokens, as a forward pass does.

        Raises:
            CapacityError: there is no room for them.
            InternalError: the block is suspended.
        """
        if block.number in self._suspended:
            raise InternalError(f"{block!r} is suspended and was written to.")
        if self.n_tokens + len(tokens) > self.n_tokens_most:
            raise CapacityError(f"{len(tokens)} more tokens do not fit into {self!r}.")
        block.tokens += tokens

    def commit(self, block: Block, *, into: Block) -> None:
        into.tokens += block.tokens
        block.tokens = []

    def crop(self, block: Block, n_tokens: int) -> None:
        if block.number in self._suspended:
            raise InternalError(f"{block!r} is suspended and was cropped.")
        del block.tokens[n_tokens:]

    def free(self, *blocks: Block) -> None:
        for block in set(blocks):
            del self.blocks[block.number]
            self._suspended.discard(block.number)
            block.state, block.tokens = "freed", []

    def find(self, block: Block, after: Sequence[Ahead], tokens: Sequence[int]) -> int:
        """It knows nothing from before."""
        return 0

    def remember(self, *blocks: Block) -> None:
        """It keeps nothing."""

    def make_room(self, growth: Mapping[Block, int]) -> int:
        again = (b.n_tokens for b in growth if b.number in self._suspended)
        return max(0, self.n_tokens + sum(again) + sum(growth.values()) - self.n_tokens_most)

    def suspend(self, *blocks: Block) -> None:
        self._suspended |= {block.number for block in blocks}

    def restore(self, *blocks: Block) -> None:
        if self.make_room(dict.fromkeys(blocks, 0)):
            raise CapacityError(f"{len(blocks)} blocks cannot be restored in {self!r}.")
        self._suspended -= {block.number for block in blocks}
