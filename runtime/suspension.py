"""Blocks that give up their pages for a while, and get their keys and values back.

What the radix cache has of them, they only read again; the rest is computed (`runtime.restore`).
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager

from hogdsl.errors import CapacityError
from runtime.attention.base import Span, SpanRow
from runtime.blocks import Block, BlockState
from runtime.cache.plain import note_cropped
from runtime.holdings import Holdings
from runtime.placement import Placement
from runtime.restore import Restoration, Scratch
from runtime.reuse import Reuse
from runtime.views import block_spans

Compute = Callable[[Sequence[SpanRow], Sequence[int]], object]
"""Runs rows with their new tokens through all layers, so that these have keys and values."""


class Suspension:
    """Which blocks of an engine are suspended."""

    def __init__(
        self, blocks: Mapping[int, Block], holdings: Holdings, reuse: Reuse, compute: Compute
    ) -> None:
        """
        Args:
            blocks: all living blocks by number.
            holdings: their pages.
            reuse: finds what the tree has of them.
            compute: the forward pass.
        """
        self._blocks, self._holdings = blocks, holdings
        self._reuse, self._compute = reuse, compute
        self._states: dict[int, BlockState] = {}
        """By number of a suspended block: the state that it comes back to."""

    def suspend(self, block: Block) -> None:
        """Give up the pages of a block; it may be suspended already.

        Tokens that it found behind a text which is not whole yet are taken from it again: what
        they saw cannot be told (see `Engine.find`).
        """
        if block.state == "suspended":
            return
        if block.log.n_tokens < block.n_tokens:
            self._holdings.crop(block, block.log.n_tokens)
            note_cropped(block)
        self._holdings.free(block)
        self._states[block.number] = block.state
        block.state = "suspended"

    def forget(self, block: Block) -> None:
        """A block is freed."""
        self._states.pop(block.number, None)

    def restore(self, blocks: Sequence[Block]) -> None:
        """Restore those of the blocks that are suspended.

        Raises:
            CapacityError: fewer pages can be had than `n_pages` says; all stay suspended.
        """
        returning = self._suspended(blocks)
        with self._giving_up(returning):
            self._read_again(returning)
            restoration = self._plan(returning)
            self._check_room(returning, restoration)
            for block in returning:
                grows = self._states[block.number] == "open"
                self._holdings.take(block, block.base or 0, 0, grows=grows)
            self._recompute(restoration)
            for block in returning:
                block.state = self._states.pop(block.number)

    def n_pages(self, blocks: Sequence[Block]) -> int:
        """Pages that `restore` needs for these blocks, those included that it gives back."""
        returning = self._suspended(blocks)
        with self._giving_up(returning):
            self._read_again(returning)
            return self._n_needed(returning, self._plan(returning))

    def make_room(self, growth: Mapping[Block, int]) -> int:
        """As `Engine.make_room`; what suspended blocks can read again is not evicted for them."""
        returning = self._suspended(growth) if self._states else []
        if not returning and self._holdings.has_plenty_for(growth):
            return 0
        with self._giving_up(returning):
            self._read_again(returning)
            return self._holdings.make_room_for(growth)

    def _suspended(self, blocks: Iterable[Block]) -> list[Block]:
        return [block for block in dict.fromkeys(blocks) if block.state == "suspended"]

    def _read_again(self, blocks: Iterable[Block]) -> None:
        """Let suspended blocks read, and so lock, what the tree has of them."""
        for block in blocks:
            node = self._reuse.find_again(block, self._blocks)
            self._holdings.share(block, node, block.base or 0)

    @contextmanager
    def _giving_up(self, blocks: Iterable[Block]) -> Generator[None]:
        """At the end of the `with` block, blocks that are still suspended have no pages again."""
        try:
            yield
        finally:
            for block in blocks:
                if block.state == "suspended":
                    self._holdings.free(block)

    def _check_room(self, returning: Sequence[Block], restoration: Restoration) -> None:
        n_needed = self._n_needed(returning, restoration)
        n_scratch = restoration.n_scratch_pages(self._size)
        pages, tree = self._holdings.pages, self._holdings.tree
        if n_needed > pages.n_free + tree.n_evictable:
            raise CapacityError(
                f"restore: {n_needed} pages are needed, {n_scratch} of them only meanwhile, for "
                f"text that was seen and is gone; {pages.n_free} of {pages.n_total} are free, and "
                f"{tree.n_evictable} could be. Free, crop or suspend other blocks first."
            )

    @property
    def _size(self) -> int:
        return self._holdings.page_size_tokens

    def _plan(self, returning: Sequence[Block]) -> Restoration:
        """What has to be computed, beside what suspended blocks read again."""
        present = [block for block in self._blocks.values() if block.state != "suspended"]
        nodes = {block: block.node for block in returning}
        found = {
            block: node.depth * self._size - (block.base or 0)
            for block, node in nodes.items()
            if node is not None
        }
        return Restoration(returning, present, found)

    def _n_needed(self, returning: Sequence[Block], restoration: Restoration) -> int:
        """Pages beside those that are read again."""
        own = sum(self._holdings.n_missing(block) for block in returning)
        return own + restoration.n_scratch_pages(self._size)

    def _recompute(self, restoration: Restoration) -> None:
        """Write the keys and values of all tokens that are needed."""
        blocks = {home.block for home in restoration.homes.values()}
        spans = {b: self._holdings.spans(b, b.base or 0, 0, b.n_tokens) for b in blocks}
        placement = Placement(restoration.homes, spans)
        live: set[Scratch] = set()
        try:
            for part in restoration.passes:
                for scratch in part.begins:
                    live.add(scratch)
                    placement.place(scratch.runs, self._take_scratch(scratch))
                rows = [placement.row(r.run, r.n_held, r.n_tokens) for r in part.runs]
                self._compute(rows, [token for r in part.runs for token in r.tokens])
                for scratch in part.ends:
                    live.remove(scratch)
                    self._holdings.pages.give_all(scratch)
        finally:
            for scratch in live:
                self._holdings.pages.give_all(scratch)

    def _take_scratch(self, scratch: Scratch) -> list[Span]:
        """Pages for text that no block has; where it lies in them."""
        n_pages = self._holdings.n_pages(0, scratch.n_tokens)
        self._holdings.make_room(n_pages)
        pages = self._holdings.pages
        pages.take(scratch, n_pages, grows=False)
        return list(block_spans(pages.runs(scratch), self._size, 0, scratch.n_tokens))
