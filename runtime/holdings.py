"""Which pages the tokens of a block lie in: first pages of the radix cache, then its own.

    pages of a block    shared (of tree nodes, never written) … own (of the pool, by its number)

A key that is rotated for position p lies in slot p % page_size of its page. Pages count from the
one that holds a block's base; where they are shared, they are the last of the chain that ends in
the block's `node`. A block that was cropped inside its shared part reads the beginning of a page
that it must not write: `ends_inside_shared` tells, and whoever wants to write copies first.
"""

from collections.abc import Collection, Mapping

from hogdsl.errors import InternalError
from runtime.attention.base import Span
from runtime.blocks import START, Block
from runtime.cache import Node, RadixCache
from runtime.pages import PagePool, Run, joined
from runtime.views import Layout, block_spans


class Holdings:
    """The pages of all blocks.

    Attributes:
        pages: who owns which page: blocks by their numbers, and nodes of the tree.
        tree: pages that may be read again.
        page_size_tokens: tokens per page.
    """

    def __init__(self, n_pages: int, page_size_tokens: int) -> None:
        self.pages = PagePool(n_pages)
        self.tree = RadixCache(self.pages, page_size_tokens)
        self.page_size_tokens = page_size_tokens
        self._layouts: dict[int, Layout] = {}
        """By number of a block, until its pages change."""

    def layout(self, block: Block, base: int) -> Layout:
        """The slots of a block, whose base is or will be `base`."""
        found = self._layouts.get(block.number)
        if found is None:
            found = self._layouts[block.number] = self._new_layout(block, base)
        return found

    def _new_layout(self, block: Block, base: int) -> Layout:
        runs = self.runs(block)
        n_slots = self.page_size_tokens * sum(run.n_pages for run in runs)
        spans = block_spans(runs, self.page_size_tokens, base, n_slots)
        return Layout(spans, sum(span.n_tokens for span in spans))

    def runs(self, block: Block) -> tuple[Run, ...]:
        """All pages of a block, in the order in which its tokens fill them."""
        own = self.pages.runs(block.number)
        return joined((*block.shared, *own)) if block.shared else own

    def spans(self, block: Block, base: int, start: int, end: int) -> list[Span]:
        """Where the tokens `start … end - 1` of a block are, whose base is or will be `base`."""
        found: list[Span] = []
        for span in block_spans(self.runs(block), self.page_size_tokens, base, end):
            skipped = min(start, span.n_tokens)
            start -= skipped
            if skipped < span.n_tokens:
                rest = span.n_tokens - skipped
                found.append(Span(span.slot + skipped, rest, span.rotated_for + skipped))
        return found

    def n_pages(self, base: int, n_tokens: int) -> int:
        """How many pages tokens at the positions from `base` on lie in."""
        if not n_tokens:
            return 0
        return -(-(base + n_tokens) // self.page_size_tokens) - base // self.page_size_tokens

    def n_missing(self, block: Block) -> int:
        """Pages that the tokens of a block need and that it neither reads nor has."""
        needed = self.n_pages(block.base or 0, block.n_tokens)
        return max(0, needed - self._n_held(block))

    def ends_inside_shared(self, block: Block) -> bool:
        """Its last token lies in a page of the tree that has more tokens."""
        if block.node is None:
            return False
        return (block.base or 0) + block.n_tokens < block.node.depth * self.page_size_tokens

    # ------------------------------------------------------------ changes

    def make_room(self, n_pages: int) -> None:
        """Evict pages until so many are free.

        Raises:
            CapacityError: not even that would free enough; nothing was evicted.
        """
        n_missing = n_pages - self.pages.n_free
        if n_missing > self.tree.n_evictable:
            raise self.pages.full(n_pages, self.tree.n_evictable)
        self.tree.evict(n_missing)

    def make_room_for(self, growth: Mapping[Block, int]) -> int:
        """Evict pages until blocks can get so many more tokens each.

        Where a block will stand is not known before it has tokens, so one page more is counted.

        Returns:
            How many pages are missing even if all that can be is evicted; then nothing was.
        """
        n_needed = sum(self._n_more(block, n_new) for block, n_new in growth.items())
        n_missing = n_needed - self.pages.n_free - self.tree.n_evictable
        if n_missing <= 0:
            self.make_room(n_needed)
        return max(0, n_missing)

    def has_plenty_for(self, growth: Mapping[Block, int]) -> bool:
        """So much is free that blocks with all their pages can grow, wherever they stand.

        A block that grows by n tokens begins at most n / page size + 2 pages, and copies one.
        """
        n_new = sum(growth.values())
        return n_new // self.page_size_tokens + 3 * len(growth) <= self.pages.n_free

    def _n_more(self, block: Block, n_new: int) -> int:
        if block.base is None:
            return self.n_pages(self.page_size_tokens - 1, n_new)
        n_copied = bool(n_new) and self.ends_inside_shared(block)
        n_tokens = block.n_tokens + n_new
        if n_tokens <= self.layout(block, block.base).n_tokens:
            return n_copied
        return self.n_pages(block.base, n_tokens) - self._n_held(block) + n_copied

    def take(self, block: Block, base: int, n_new: int, *, grows: bool = True) -> int:
        """Take the own pages that `n_new` more tokens need; returns how many.

        Args:
            block: who grows.
            base: its base, or what it will be.
            n_new: tokens; pages that it holds already are not taken again.
            grows: it will need more later.

        Raises:
            CapacityError: see `make_room`.
        """
        n_tokens = block.n_tokens + n_new
        known = self._layouts.get(block.number)
        if known is not None and n_tokens <= known.n_tokens:
            return 0
        n_missing = max(0, self.n_pages(base, n_tokens) - self._n_held(block))
        self.take_pages(block, n_missing, grows=grows)
        return n_missing

    def take_pages(self, block: Block, n_pages: int, *, grows: bool = True) -> None:
        """Take so many own pages, if they can be: behind those that it reads already.

        Raises:
            CapacityError: see `make_room`.
        """
        if n_pages:
            self.make_room(n_pages)
            behind = block.shared[-1].end if block.shared else None
            self.pages.take(block.number, n_pages, grows=grows, behind=behind)
            self._layouts.pop(block.number, None)

    def give(self, block: Block, n_pages: int) -> None:
        """Give the last `n_pages` own pages back."""
        self.pages.give(block.number, n_pages)
        self._layouts.pop(block.number, None)

    def share(self, block: Block, node: Node | None, base: int) -> None:
        """From now on a block reads the tree up to `node`, as far as that lies behind its base."""
        first_page = base // self.page_size_tokens
        n_shared = 0 if node is None else max(0, node.depth - first_page)
        reads = node if n_shared else None
        if reads is not None:
            self.tree.lock(reads)
        if block.node is not None:
            self.tree.unlock(block.node)
        block.node = reads
        self._layouts.pop(block.number, None)
        pages = reads.last_pages(n_shared) if reads is not None else []
        block.shared = joined([Run(page, 1) for page in pages])

    def crop(self, block: Block, n_tokens: int) -> None:
        """Take tokens and pages away from a block."""
        base = block.base or 0
        n_needed, n_shared = self.n_pages(base, n_tokens), self._n_shared(block)
        n_own = max(0, n_needed - n_shared)
        self.give(block, self.pages.n_held(block.number) - n_own)
        if n_needed < n_shared:
            self.keep_shared(block, n_needed)
        del block.tokens[n_tokens:]
        if not block.tokens:
            block.base, block.behind = None, START

    def keep_shared(self, block: Block, n_pages: int) -> None:
        """Let a block read only the first `n_pages` of its shared pages."""
        assert block.node is not None
        base = block.base or 0
        depth = base // self.page_size_tokens + n_pages
        self.share(block, block.node.ancestor(depth) if n_pages else None, base)

    def free(self, block: Block) -> None:
        """Give all own pages back and lock nothing any more."""
        self.pages.give_all(block.number)
        self.share(block, None, 0)

    # ------------------------------------------------------------ proof

    def check(self, blocks: Collection[Block]) -> None:
        """Prove that each page has one owner, and each block the pages and locks that it needs.

        Raises:
            InternalError: the books do not agree.
        """
        self.pages.check()
        self.tree.check()
        nodes = set(self.tree.nodes())
        if strangers := self.pages.owners() - nodes - {block.number for block in blocks}:
            raise InternalError(f"Pages belong to blocks {strangers}, which do not exist.")
        if sum(node.locks for node in nodes) != sum(block.node is not None for block in blocks):
            raise InternalError(f"{self.tree!r} has locks of blocks that do not exist.")
        for block in blocks:
            self._check_block(block, nodes)

    def _check_block(self, block: Block, nodes: Collection[Node]) -> None:
        n_with_keys = 0 if block.state == "suspended" else block.n_tokens
        needed = self.n_pages(block.base or 0, n_with_keys)
        held = self._n_held(block)
        if needed != held:
            raise InternalError(f"{block!r} holds {held} pages and needs {needed}.")
        base = block.base or 0
        if self.layout(block, base) != self._new_layout(block, base):
            raise InternalError(f"{block!r} is said to lie where it does not lie any more.")
        if block.node is None:
            return
        base, node = block.base or 0, block.node
        pages = [page for run in block.shared for page in range(run.start, run.end)]
        texts = [page_node.tokens for page_node in _last_nodes(node, len(pages))]
        text = [token for page_tokens in texts for token in page_tokens]
        hole = base % self.page_size_tokens
        n_read = min(block.n_tokens, len(text) - hole)
        if (
            node not in nodes
            or node.namespace != block.namespace
            or node.last_pages(len(pages)) != pages
            or node.depth - len(pages) != base // self.page_size_tokens
            or block.tokens[:n_read] != text[hole : hole + n_read]
        ):
            raise InternalError(f"{block!r} reads pages of {node!r} that do not hold its text.")

    def _n_held(self, block: Block) -> int:
        return self._n_shared(block) + self.pages.n_held(block.number)

    def _n_shared(self, block: Block) -> int:
        return sum(run.n_pages for run in block.shared)


def _last_nodes(node: Node, n: int) -> list[Node]:
    return [node.ancestor(depth) for depth in range(node.depth - n + 1, node.depth + 1)]
