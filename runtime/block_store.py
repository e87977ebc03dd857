"""Blocks of tokens in one cache: all that is done with them without running a model.

`Engine` builds on it. Every call either does the whole of what it says or raises and leaves blocks
and pages as they were.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

from hogdsl.errors import EngineError
from runtime.blocks import Ahead, Block, BlockPrefix, Row
from runtime.cache.plain import (
    Link,
    ViewItems,
    Written,
    chain_end,
    note_cropped,
    note_moved,
    note_written,
)
from runtime.history import Log
from runtime.holdings import Holdings
from runtime.model.config import ModelConfig
from runtime.reuse import Move, Reuse
from runtime.suspension import Compute, Suspension
from runtime.views import ResolvedRow, check_alive, check_here, resolve


class BlockStore:
    """The blocks of an engine.

    Attributes:
        config: of the model whose keys and values they hold.
        pages: the `PagePool`; `pages.n_used`, `pages.n_free` and `pages.n_total` count pages.
        tree: the `RadixCache`; `tree.n_evictable` of the used pages are free when they are needed.
        radix: whether texts are found in the tree and given to it.
        page_size_tokens: tokens per page.
    """

    def __init__(
        self, config: ModelConfig, holdings: Holdings, move: Move, compute: Compute, *, radix: bool
    ) -> None:
        """
        Args:
            config: the model's.
            holdings: all pages, of which none is taken.
            move: copies keys and values.
            compute: the forward pass, for blocks that are restored.
            radix: read texts that were encoded before again.
        """
        self.config, self.radix = config, radix
        self.pages, self.tree = holdings.pages, holdings.tree
        self.page_size_tokens = holdings.page_size_tokens
        self._holdings, self._reuse = holdings, Reuse(holdings, move)
        self._blocks: dict[int, Block] = {}
        self._suspension = Suspension(self._blocks, self._holdings, self._reuse, compute)
        self._n_blocks_ever = 0
        self._n_steps_ever = 0

    def block(self, *, base: int | None = None, namespace: str = "") -> Block:
        """A new open block without tokens or pages.

        Args:
            base: the position to rotate its first key for. Any gives the same results; by default
                the place where the block stands when it is first written, which saves rotations
                if it stays there, and is what the radix cache needs.
            namespace: texts are found again only within one, such as a tenant's.
        """
        block = Block(self._n_blocks_ever, base=base, namespace=namespace)
        self._n_blocks_ever += 1
        self._blocks[block.number] = block
        return block

    def seal(self, block: Block) -> None:
        """Finish the text of an open block; a sealed one stays as it is."""
        check_here(block, self._blocks, "seal: ")
        block.state = "sealed"

    def crop(self, block: Block, n_tokens: int) -> None:
        """Keep the first `n_tokens` tokens of an open block and free the pages of the others.

        Raises:
            EngineError: the block is not open or has fewer tokens.
        """
        self._check_open(block, "crop")
        if not 0 <= n_tokens <= block.n_tokens:
            raise EngineError(
                f"crop: block {block.number} cannot keep {n_tokens} tokens, it has "
                f"{block.n_tokens}."
            )
        self._crop(block, n_tokens)

    def commit(self, block: Block, *, into: Block) -> None:
        """Move all tokens of `block` to the end of the block `into`; `block` is then empty.

        Keys are turned once to their new place, values are copied. Both blocks stay open. While
        it goes on both hold pages.

        Raises:
            EngineError: a block is not open, or they are one block.
            CapacityError: no pages for the copy.
        """
        self._check_open(block, "commit")
        self._check_open(into, "commit into")
        if block is into:
            raise EngineError(f"commit: block {block.number} cannot be moved into itself.")
        if not block.tokens:
            return
        # A history without keys takes over the base, and then nothing needs to be turned.
        base = block.base if into.base is None else into.base
        self._reuse.append(block, into, base or 0)
        into.base = base
        note_moved(block, into)
        into.tokens.extend(block.tokens)
        into.log.extend(block.log)
        self._crop(block, 0)

    def free(self, *blocks: Block) -> None:
        """Free blocks and their pages; they cannot be used any more.

        Raises:
            EngineError: a block was freed before or is not this engine's; then none is freed.
        """
        for block in blocks:
            check_alive(block, self._blocks, "free: ")
        for block in set(blocks):
            self._holdings.free(block)
            del self._blocks[block.number]
            self._suspension.forget(block)
            block.state = "freed"
            block.tokens, block.log = [], Log()

    # ------------------------------------------------------------ texts that were encoded before

    def find(
        self, block: Block, view: Sequence[Block | BlockPrefix | Ahead], tokens: Sequence[int]
    ) -> int:
        """Give an empty block the longest beginning of `tokens` that is in the radix cache.

        Args:
            block: open and without tokens.
            view: what `tokens` are to be encoded behind. What is still coming to a block of it
                must be encoded there, as plain text, when a row first writes to `block`.
            tokens: what the block is to hold.

        Returns:
            How many tokens the block now has: 0 if the view is no plain text, or the whole is too
            long for the model.

        Raises:
            EngineError: the block is not open or has tokens, or `forward` would raise it for a row
                with these tokens.
        """
        self._check_open(block, "find")
        if block.tokens:
            raise EngineError(
                f"find: block {block.number} has {block.n_tokens} tokens. Only an empty block can "
                "be given the beginning of a text; make a new one."
            )
        if not tokens:
            return 0
        blocks = [item.block if isinstance(item, Ahead) else item for item in view]
        if sum(block.n_tokens for block in blocks) + len(tokens) > self.config.context_length:
            return 0
        [row] = resolve([Row([*blocks, block], tokens, n_logits=0)], self._blocks, self.config)
        coming = {item.block: item.coming for item in view if isinstance(item, Ahead)}
        chain = [Link(b, n, coming.get(b, ())) for b, n in row.items[:-1]]
        end = chain_end(chain, block.namespace)
        if not self.radix or end is None or block.base is not None:
            return 0
        n_found = self._reuse.find(block, chain, end, tokens)
        if n_found and not any(link.coming for link in chain):
            self._log([*row.items[:-1], (block, n_found)], block.tokens)
        return n_found

    def remember(self, *blocks: Block) -> None:
        """Give the full pages of the plain tokens of blocks, and of those before, to the tree.

        The blocks go on reading them; when they are freed the pages stay until the room is needed.

        Raises:
            EngineError: a block was freed or is not this engine's; then nothing is given.
        """
        for block in blocks:
            check_alive(block, self._blocks, "remember: ")
        if self.radix:
            for block in blocks:
                self._reuse.remember(block, self._blocks)

    # ------------------------------------------------------------ blocks without keys

    def suspend(self, *blocks: Block) -> None:
        """Free the pages of blocks that nobody reads for a while.

        They keep their tokens and what these saw, and can be restored or freed; until then no row
        may see or write them. Blocks that are suspended already stay so.

        Raises:
            EngineError: a block was freed or is not this engine's; then none is suspended.
        """
        for block in blocks:
            check_alive(block, self._blocks, "suspend: ")
        for block in blocks:
            self._suspension.suspend(block)

    def n_pages_to_restore(self, *blocks: Block) -> int:
        """Pages that `restore` needs for these blocks, those included that it gives back."""
        return self._suspension.n_pages(blocks)

    # ------------------------------------------------------------ pages

    @property
    def n_tokens_most(self) -> int:
        """How many tokens the cache holds."""
        return self.pages.n_total * self.page_size_tokens

    def make_room(self, growth: Mapping[Block, int]) -> int:
        """Evict texts that nobody reads, the longest unused first, until blocks can grow.

        Args:
            growth: how many tokens each block is to get; a suspended one needs all its pages.

        Returns:
            How many pages are missing even if all that can be is evicted; then nothing was.
        """
        return self._suspension.make_room(growth)

    def check(self) -> None:
        """Prove that each page has exactly one owner and each block the pages that it needs.

        Raises:
            InternalError: the books do not agree.
        """
        self._holdings.check(self._blocks.values())

    # ------------------------------------------------------------ what steps write

    @contextmanager
    def _room_for(self, rows: Sequence[ResolvedRow]) -> Generator[None]:
        """Pages for the new tokens of all rows; given back if the `with` block fails."""
        taken: list[tuple[Block, int]] = []
        try:
            for row in rows:
                if row.own.node is not None:
                    self._reuse.leave_tree(row.own)
                n_pages = self._holdings.take(row.own, row.base, len(row.tokens))
                if n_pages:
                    taken.append((row.own, n_pages))
            yield
        except BaseException:
            for block, n_pages in taken:
                self._holdings.give(block, n_pages)
            raise

    def _note_step(self, rows: Sequence[ResolvedRow]) -> None:
        """The new tokens of all rows have their keys and values."""
        for row in rows:
            row.own.base = row.base
        note_written(
            [
                Written(row.own, row.items[:-1], len(row.tokens))
                for row in rows
                if row.own.n_plain == row.own.n_tokens
            ]
        )
        for row in rows:
            own = row.own
            n_found = len(own.tokens) - own.log.n_tokens
            if n_found:  # what it saw is whole only now, see `find`
                self._log([*row.items[:-1], (own, len(own.tokens))], own.tokens[-n_found:])
            own.tokens.extend(row.tokens)
            self._log(row.items, row.tokens)
        self._n_steps_ever += 1

    def _log(self, items: ViewItems, tokens: Sequence[int]) -> None:
        """Note what the last `tokens` of the last block saw, themselves included."""
        logs = tuple([block.log for block, _ in items])
        logs[-1].write(tokens, logs, tuple([n for _, n in items]), self._n_steps_ever)

    def _crop(self, block: Block, n_tokens: int) -> None:
        if n_tokens < block.n_tokens:
            self._holdings.crop(block, n_tokens)
            block.log = block.log.first(n_tokens)
            note_cropped(block)

    def _check_open(self, block: Block, what: str) -> None:
        check_alive(block, self._blocks, f"{what}: ")
        if block.state != "open":
            raise EngineError(
                f"{what}: block {block.number} is {block.state}; only an open block can change."
            )
