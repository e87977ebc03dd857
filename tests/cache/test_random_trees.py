"""The tree held to a model that knows only sets of texts, under any order of operations."""

from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from runtime.cache import Node, RadixCache
from runtime.pages import PagePool

SIZE, N_PAGES = 2, 14

texts = st.lists(st.sampled_from([(1, 1), (1, 2), (2, 2)]), min_size=1, max_size=5).map(tuple)
"""Pages of tokens, few enough that texts begin alike."""
namespaces = st.sampled_from(["ann", "bob"])


class Chain(NamedTuple):
    """The model's name for a node: all pages of tokens from the start."""

    namespace: str
    pages: tuple[tuple[int, int], ...]

    def beginnings(self) -> "list[Chain]":
        return [Chain(self.namespace, self.pages[: n + 1]) for n in range(len(self.pages))]


class Trees(RuleBasedStateMachine):
    """The model: which chains are there, when each was used, and which are locked."""

    def __init__(self) -> None:
        super().__init__()
        self.pages = PagePool(N_PAGES)
        self.tree = RadixCache(self.pages, SIZE)
        self.used: dict[Chain, int] = {}
        self.locked: list[Chain] = []
        self.clock = 0

    @rule(namespace=namespaces, text=texts, rest=st.integers(0, 1))
    def match(self, namespace: str, text: tuple[tuple[int, int], ...], rest: int) -> None:
        found = self.tree.match(namespace, [*_flat(text), *[1] * rest])
        known = [c for c in Chain(namespace, text).beginnings() if c in self.used]
        assert [_chain(node) for node in found.nodes] == known
        assert found.n_tokens == SIZE * len(known)
        self._use(known)

    @rule(namespace=namespaces, text=texts)
    def insert(self, namespace: str, text: tuple[tuple[int, int], ...]) -> None:
        if len(text) > self.pages.n_free:
            return
        self.pages.take("giver", len(text))
        node, n_known = self.tree.insert(namespace, _flat(text), "giver")
        chains = Chain(namespace, text).beginnings()
        assert _chain(node) == chains[-1]
        assert n_known == sum(chain in self.used for chain in chains)
        assert self.pages.n_held("giver") == n_known
        self.pages.give_first("giver", n_known)
        self._use(chains)

    @precondition(lambda self: self.used)
    @rule(data=st.data())
    def lock(self, data: st.DataObject) -> None:
        chain = data.draw(st.sampled_from(sorted(self.used)))
        self.tree.lock(self._node(chain))
        self.locked.append(chain)

    @precondition(lambda self: self.locked)
    @rule(data=st.data())
    def unlock(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.locked) - 1))
        chain = self.locked.pop(index)
        self.tree.unlock(self._node(chain))
        # It was used until now, as were those before it that nobody else has told of.
        self.clock += 1
        for beginning in reversed(chain.beginnings()):
            self.used[beginning] = self.clock
            if self._is_held(beginning):
                break

    @rule(n_pages=st.integers(1, 6))
    def evict(self, n_pages: int) -> None:
        expected = [self._evict_one() for _ in range(n_pages)]
        assert self.tree.evict(n_pages) == sum(expected)

    @invariant()
    def the_books_agree(self) -> None:
        self.tree.check()
        self.pages.check()
        assert {_chain(node) for node in self.tree.nodes()} == set(self.used)
        assert self.pages.owners() == set(self.tree.nodes())
        n_evictable = sum(not self._is_held(chain) for chain in self.used)
        assert repr(self.tree) == (
            f"<RadixCache {len(self.used)} used, {n_evictable} evictable, "
            f"{len(set(self.locked))} locked>"
        )

    def teardown(self) -> None:
        for chain in self.locked:
            self.tree.unlock(self._node(chain))
        self.tree.evict(N_PAGES)
        assert self.pages.n_used == 0

    def _use(self, chains: list[Chain]) -> None:
        self.clock += 1
        self.used.update(dict.fromkeys(chains, self.clock))

    def _is_held(self, chain: Chain) -> bool:
        return any(chain in locked.beginnings() for locked in self.locked)

    def _evict_one(self) -> bool:
        """Forget the leaf that nobody holds and that was not used for longest."""
        inner = {Chain(c.namespace, c.pages[:-1]) for c in self.used}
        leaves = [c for c in self.used if c not in inner and not self._is_held(c)]
        if not leaves:
            return False
        oldest = min(leaves, key=lambda chain: self.used[chain])
        before = Chain(oldest.namespace, oldest.pages[:-1])
        if before in self.used:
            self.used[before] = max(self.used[before], self.used[oldest])
        del self.used[oldest]
        return True

    def _node(self, chain: Chain) -> Node:
        [node] = [node for node in self.tree.nodes() if _chain(node) == chain]
        return node


def _flat(text: tuple[tuple[int, int], ...]) -> list[int]:
    return [token for page in text for token in page]


def _chain(node: Node) -> Chain:
    pages: list[tuple[int, ...]] = []
    at: Node | None = node
    while at is not None:
        pages.append(at.tokens)
        at = at.parent
    return Chain(node.namespace, tuple((a, b) for a, b in reversed(pages)))


TestTrees = Trees.TestCase
TestTrees.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
