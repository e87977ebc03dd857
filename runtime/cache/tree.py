"""A tree of pages, keyed by the tokens from the start of a view.

An edge is one page of tokens, so no node is ever split; a node owns exactly one page of the pool.

    page     of a block ──insert──▶ of a node ──evict──▶ free
    node     locked (by those who read it) ◀──lock, unlock──▶ not locked

Evicted are leaves that nobody locks, the least recently used first. A node below which something is
locked is no leaf, so a lock protects the whole way up. Every operation costs what it touches;
eviction finds its leaves in a heap, in which an entry that is out of date is mended when it is met.
"""

import heapq
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hogdsl.errors import InternalError
from runtime.pages import PagePool, Run

PageTokens = tuple[int, ...]


class Node:
    """One page of tokens behind all those of its parents.

    Attributes:
        page: the page of the pool that it owns.
        depth: pages from the start of the view, its own included.
        parent: the page before; None at the start of the view.
        locks: how many read it as the last page that they share.
    """

    __slots__ = (
        "children",
        "depth",
        "holds",
        "last_use",
        "locks",
        "namespace",
        "page",
        "parent",
        "queued",
        "tokens",
    )

    def __init__(
        self, namespace: str, parent: "Node | None", tokens: PageTokens, last_use: int
    ) -> None:
        self.namespace, self.parent, self.tokens = namespace, parent, tokens
        self.page = 0
        self.depth: int = 1 if parent is None else parent.depth + 1
        self.children: dict[PageTokens, Node] = {}
        self.last_use = last_use
        self.locks = 0
        self.holds = 0
        """Its locks, and its children that have holds: it can be evicted when there are none."""
        self.queued = False
        """It has an entry in the heap of leaves."""

    def __repr__(self) -> str:
        return f"<Node page {self.page}, depth {self.depth}, {self.locks} locks>"

    def ancestor(self, depth: int) -> "Node":
        """The node of the chain that has this depth, at most its own and at least 1."""
        node = self
        while node.depth > depth:
            assert node.parent is not None
            node = node.parent
        return node

    def last_pages(self, n_pages: int) -> list[int]:
        """The pages of the last `n_pages` nodes of the chain, in order."""
        found: list[int] = []
        node: Node | None = self
        for _ in range(n_pages):
            assert node is not None
            found.append(node.page)
            node = node.parent
        return found[::-1]


class Match(NamedTuple):
    """What was found. `nodes` are those behind `below`, in order."""

    nodes: list[Node]
    n_tokens: int


class Inserted(NamedTuple):
    """The last node of the inserted chain, and how many of its pages were in the tree before."""

    node: Node
    n_known: int


class RadixCache:
    """Pages that may be read again.

    Attributes:
        n_used: pages in the tree.
        n_evictable: those that could be evicted now, one after another.
        n_locked: nodes that somebody locks.
        n_hits: pages that were looked for and found, ever.
        n_misses: pages that were looked for in vain, ever.
    """

    def __init__(self, pages: PagePool, page_size_tokens: int) -> None:
        """An empty tree.

        Args:
            pages: the pool in which nodes own their pages.
            page_size_tokens: tokens per page.
        """
        self._pages, self._page_size = pages, page_size_tokens
        self._roots: dict[str, dict[PageTokens, Node]] = {}
        self._leaves: list[tuple[int, int, Node]] = []
        """Heap of (last use, entry's number, node)."""
        self._clock = self._n_entries = 0
        self.n_used = self.n_evictable = self.n_locked = 0
        self.n_hits = self.n_misses = 0

    def __repr__(self) -> str:
        return (
            f"<RadixCache {self.n_used} used, {self.n_evictable} evictable, {self.n_locked} locked>"
        )

    def match(self, namespace: str, tokens: Sequence[int], *, below: Node | None = None) -> Match:
        """The longest beginning of `tokens` that the tree has, in whole pages.

        Changes the hit counts and the last use of what it finds, and nothing else.

        Args:
            namespace: in which to look.
            tokens: from the start of the view, or behind `below`.
            below: the node of this namespace to begin at.
        """
        self._clock += 1
        nodes: list[Node] = []
        children = self._children(namespace, below)
        n_missed = 0
        for page_tokens in self._whole_pages(tokens):
            node = children.get(page_tokens)
            if node is None:
                n_missed = len(tokens) // self._page_size - len(nodes)
                break
            node.last_use = self._clock
            nodes.append(node)
            children = node.children
        self.n_hits += len(nodes)
        self.n_misses += n_missed
        return Match(nodes, len(nodes) * self._page_size)

    def insert(
        self, namespace: str, tokens: Sequence[int], giver: object, *, below: Node | None = None
    ) -> Inserted:
        """Give pages to the tree.

        Pages whose tokens are there already stay the giver's: the first `n_known`, which it can
        free and read the tree's instead. The nodes are not locked.

        Args:
            namespace: where they belong.
            tokens: a whole number of pages, at least one.
            giver: owner of the pages; its first pages hold the keys and values of `tokens`.
            below: the node of this namespace that they follow.
        """
        assert tokens
        assert len(tokens) % self._page_size == 0
        self._clock += 1
        parent, children = below, self._children(namespace, below)
        new: list[Node] = []
        n_known = 0
        for page_tokens in self._whole_pages(tokens):
            node = children.get(page_tokens)
            if node is None:
                node = Node(namespace, parent, page_tokens, self._clock)
                new.append(node)
            else:
                node.last_use = self._clock
                n_known += 1
            parent, children = node, node.children
        pages = self._pages.transfer(giver, new, skip=n_known)
        for node, page in zip(new, pages, strict=True):
            node.page = page
            self._siblings(node)[node.tokens] = node
        self.n_used += len(new)
        self.n_evictable += len(new)
        assert parent is not None
        self._offer(parent)
        return Inserted(parent, n_known)

    def lock(self, node: Node) -> None:
        """Keep a node and all before it; locks are counted."""
        self.n_locked += node.locks == 0
        node.locks += 1
        held: Node | None = node
        while held is not None:
            held.holds += 1
            if held.holds > 1:
                return
            self.n_evictable -= 1
            held = held.parent

    def unlock(self, node: Node) -> None:
        """Take one lock back; the node was used until now.

        Raises:
            InternalError: nobody locks it.
        """
        if not node.locks:
            raise InternalError(f"{node!r} is unlocked and was not locked.")
        self._clock += 1
        node.locks -= 1
        self.n_locked -= node.locks == 0
        released: Node | None = node
        while released is not None:
            released.last_use = self._clock
            released.holds -= 1
            if released.holds:
                return
            self.n_evictable += 1
            self._offer(released)
            released = released.parent

    def evict(self, n_pages: int) -> int:
        """Free up to `n_pages`, the least recently used leaf first; returns how many were freed."""
        n_freed = 0
        while n_freed < n_pages and self._leaves:
            last_use, _, node = heapq.heappop(self._leaves)
            node.queued = False
            if last_use != node.last_use:
                self._offer(node)
            elif not node.children and not node.holds:
                self._drop(node)
                n_freed += 1
        return n_freed

    def nodes(self) -> Iterator[Node]:
        """All nodes, parents before children."""
        waiting = [node for children in self._roots.values() for node in children.values()]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(node.children.values())

    def check(self) -> None:
        """Prove that each node owns its one page, and that the counts are true.

        Raises:
            InternalError: the books do not agree.
        """
        nodes = list(self.nodes())
        queued = {id(node) for *_, node in self._leaves}
        for node in nodes:
            holds = node.locks + sum(child.holds > 0 for child in node.children.values())
            is_free_leaf = not node.children and not holds
            if (
                self._pages.runs(node) != (Run(node.page, 1),)
                or node.holds != holds
                or node.queued != (id(node) in queued)
                or (is_free_leaf and not node.queued)
                or self._siblings(node).get(node.tokens) is not node
                or node.depth != (node.parent.depth + 1 if node.parent else 1)
            ):
                raise InternalError(f"The books of {node!r} in {self!r} do not agree.")
        counted = (
            len(nodes),
            sum(not node.holds for node in nodes),
            sum(node.locks > 0 for node in nodes),
        )
        if counted != (self.n_used, self.n_evictable, self.n_locked):
            raise InternalError(f"{self!r} says so, but (used, evictable, locked) is {counted}.")

    def _whole_pages(self, tokens: Sequence[int]) -> Iterator[PageTokens]:
        size = self._page_size
        for start in range(0, len(tokens) - size + 1, size):
            yield tuple(tokens[start : start + size])

    def _children(self, namespace: str, parent: Node | None) -> dict[PageTokens, Node]:
        return self._roots.get(namespace, {}) if parent is None else parent.children

    def _siblings(self, node: Node) -> dict[PageTokens, Node]:
        if node.parent is None:
            return self._roots.setdefault(node.namespace, {})
        return node.parent.children

    def _offer(self, node: Node) -> None:
        """Put a node into the heap if it can be evicted and is not there."""
        if node.queued or node.children or node.holds:
            return
        heapq.heappush(self._leaves, (node.last_use, self._n_entries, node))
        self._n_entries += 1
        node.queued = True

    def _drop(self, node: Node) -> None:
        self._pages.give(node, 1)
        siblings, parent = self._siblings(node), node.parent
        del siblings[node.tokens]
        self.n_used -= 1
        self.n_evictable -= 1
        if parent is not None:
            # Who used the page behind used this one too, though only the last one was told.
            parent.last_use = max(parent.last_use, node.last_use)
            self._offer(parent)
        elif not siblings:
            del self._roots[node.namespace]
