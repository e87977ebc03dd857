"""Texts are found in the radix cache and given to it; keys and values move between pages.

Only plain tokens are found and given (`runtime.cache.plain`). A block that finds its beginning
reads it from the slots of a page and for the positions that it would have written it to, so all
that follows is the same. A page of the tree is never written: `leave_tree` copies first.
"""

from collections.abc import Callable, Mapping, Sequence

from runtime.attention.base import Span
from runtime.blocks import START, Block, Mark
from runtime.cache import Node
from runtime.cache.plain import Link, ViewItems
from runtime.holdings import Holdings

Move = Callable[[Sequence[Span], Sequence[Span]], None]
"""`Attention.move`: copies keys and values from spans to spans."""


class Reuse:
    """What goes between the blocks of an engine and its tree."""

    def __init__(self, holdings: Holdings, move: Move) -> None:
        self._holdings, self._move = holdings, move
        self._size = holdings.page_size_tokens

    # ------------------------------------------------------------ from the tree

    def find(self, block: Block, before: Sequence[Link], end: Mark, tokens: Sequence[int]) -> int:
        """Give an empty block the longest beginning of `tokens` that the tree has.

        Args:
            block: to be written behind `before`.
            before: a plain chain; empty blocks are allowed.
            end: its mark.
            tokens: what the block is to hold.

        Returns:
            How many tokens it now has.
        """
        known, text = self._known(before)
        found, _ = self._holdings.tree.match(block.namespace, [*text, *tokens], below=known)
        place = sum(link.n_all for link in before)
        last = found[-1] if found else known
        if last is None or last.depth * self._size <= place:
            return 0
        block.base, block.behind = place, end
        block.tokens = list(tokens[: last.depth * self._size - place])
        block.n_plain = block.n_tokens
        self._holdings.share(block, last, place)
        return block.n_tokens

    def _known(self, before: Sequence[Link]) -> tuple[Node | None, list[int]]:
        """The last node that these blocks read as a whole, and their tokens behind it."""
        known: Node | None = None
        text: list[int] = []
        end = 0
        for link in before:
            end += link.n_all
            node, tokens = link.block.node, link.tokens
            if node is not None and node.depth * self._size <= end:
                known = node
                text = tokens[len(tokens) - (end - known.depth * self._size) :]
            else:
                text += tokens
        return known, text

    def find_again(self, block: Block, blocks: Mapping[int, Block]) -> Node | None:
        """The last page of the tree that a block without pages could read again, if there is one.

        Args:
            block: has tokens, and behind what it was written is known.
            blocks: all living blocks by number.
        """
        chain = self._chain(block, blocks, whole=True) if block.n_plain else []
        text = [token for link, n_tokens in chain for token in link.tokens[:n_tokens]]
        found, _ = self._holdings.tree.match(block.namespace, text)
        return found[-1] if found and len(found) * self._size > (block.base or 0) else None

    # ------------------------------------------------------------ to the tree

    def remember(self, block: Block, blocks: Mapping[int, Block]) -> None:
        """Give the full pages of the plain tokens of a block, and of those before it, to the tree.

        Nothing is given if one of the blocks before it is gone and it reads no page of the tree
        itself: its chain cannot be told then.

        Args:
            block: goes on reading its pages, which are locked.
            blocks: all living blocks by number.
        """
        chain = self._chain(block, blocks) if block.n_plain else []
        node: Node | None = None
        for index, (link, n_tokens) in enumerate(chain):
            self._give(link, chain[:index], node)
            depth = ((link.base or 0) + n_tokens) // self._size
            if link.node is not None and self._n_full(link, n_tokens):
                node = link.node.ancestor(depth)

    def _chain(
        self, block: Block, blocks: Mapping[int, Block], *, whole: bool = False
    ) -> list[tuple[Block, int]]:
        """Blocks that are one text and end in this one, with the tokens that count of each.

        The first one begins the view, or reads a full page of the tree unless `whole` is wanted.
        Empty if one is gone.
        """
        chain = [(block, block.n_plain)]
        while True:
            first, n_tokens = chain[0]
            reads_tree = first.node is not None and self._n_full(first, n_tokens) > 0
            if first.behind == START or (reads_tree and not whole):
                return chain
            before = blocks.get(first.behind.block) if first.behind.block is not None else None
            if before is None or before.revision != first.behind.revision:
                return []
            chain.insert(0, (before, first.behind.n_tokens))

    def _n_full(self, block: Block, n_tokens: int) -> int:
        """How many of a block's pages are full with its first `n_tokens` tokens, from its first."""
        base = block.base or 0
        return (base + n_tokens) // self._size - base // self._size

    def _give(self, block: Block, before: ViewItems, parent: Node | None) -> None:
        """Give those full pages of a block that are not in the tree.

        Args:
            block: who has them.
            before: the chain before it, at least from the start of its first page on.
            parent: the node of the page before its first.
        """
        base, n_shared = block.base or 0, sum(run.n_pages for run in block.shared)
        n_full, hole = self._n_full(block, block.n_plain), base % self._size
        if n_full <= n_shared:
            return
        text = block.tokens[max(0, n_shared * self._size - hole) : n_full * self._size - hole]
        if block.node is not None:
            parent = block.node
        elif hole:
            text = self._fill_hole(block, before, hole) + text
        tree, pages = self._holdings.tree, self._holdings.pages
        node, n_known = tree.insert(block.namespace, text, block.number, below=parent)
        pages.give_first(block.number, n_known)
        self._holdings.share(block, node, base)

    def _fill_hole(self, block: Block, before: ViewItems, hole: int) -> list[int]:
        """Copy what comes before a block's base in its first page; returns those tokens."""
        sources: list[Span] = []
        tokens: list[int] = []
        for link, n_tokens in reversed(before):
            start = max(0, n_tokens - (hole - len(tokens)))
            sources = self._holdings.spans(link, link.base or 0, start, n_tokens) + sources
            tokens = link.tokens[start:n_tokens] + tokens
        assert len(tokens) == hole
        slot = self._holdings.pages.runs(block.number)[0].start * self._size
        self._move(sources, [Span(slot, hole, (block.base or 0) - hole)])
        return tokens

    # ------------------------------------------------------------ between pages

    def leave_tree(self, block: Block) -> None:
        """Copy the end of a block that was cropped inside a page of the tree, to write behind it.

        Raises:
            CapacityError: no page for the copy.
        """
        if not self._holdings.ends_inside_shared(block):
            return
        base, pages = block.base or 0, self._holdings.pages
        end = base + block.n_tokens
        start = max(base, end // self._size * self._size)
        sources = self._holdings.spans(block, base, start - base, block.n_tokens)
        self._holdings.take_pages(block, 1)
        try:
            [own] = pages.runs(block.number)
            slot = own.start * self._size + start % self._size
            self._move(sources, [Span(slot, end - start, start)])
        except BaseException:
            self._holdings.give(block, 1)
            raise
        self._holdings.keep_shared(block, self._holdings.n_pages(base, block.n_tokens) - 1)

    def append(self, block: Block, into: Block, base: int) -> None:
        """Copy the keys and values of `block` behind those of `into`, whose base is `base`.

        Raises:
            CapacityError: no pages for the copy; nothing was copied.
        """
        self.leave_tree(into)
        n_pages = self._holdings.take(into, base, block.n_tokens)
        try:
            end = into.n_tokens + block.n_tokens
            sources = self._holdings.spans(block, block.base or 0, 0, block.n_tokens)
            self._move(sources, self._holdings.spans(into, base, into.n_tokens, end))
        except BaseException:
            self._holdings.give(into, n_pages)
            raise
