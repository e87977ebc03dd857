"""The tree of pages: what is found, what stays, what goes first."""

import pytest

from hogdsl.errors import InternalError
from runtime.cache import Node, RadixCache
from runtime.pages import PagePool, Run

SIZE = 2
ABC = [1, 2, 3, 4, 5, 6]
"""Three pages."""


class Shop:
    """A pool and a tree, and texts that are given to it."""

    def __init__(self, n_pages: int = 20) -> None:
        self.pages = PagePool(n_pages)
        self.tree = RadixCache(self.pages, SIZE)

    def insert(self, tokens: list[int], namespace: str = "", below: Node | None = None) -> Node:
        """Give the pages of a text; pages that were there are freed."""
        self.pages.take("giver", len(tokens) // SIZE)
        node, n_known = self.tree.insert(namespace, tokens, "giver", below=below)
        assert self.pages.n_held("giver") == n_known
        self.pages.give_all("giver")
        self.tree.check()
        self.pages.check()
        return node

    def n_found(self, tokens: list[int], namespace: str = "", below: Node | None = None) -> int:
        return self.tree.match(namespace, tokens, below=below).n_tokens


def test_a_text_is_found_as_far_as_it_is_the_same_in_whole_pages() -> None:
    shop = Shop()
    shop.insert(ABC)
    found = [shop.n_found(text) for text in ([*ABC, 7], ABC[:5], [1, 2, 3, 9, 5, 6], [9, *ABC])]
    assert found == [6, 4, 2, 0]


def test_a_text_is_not_found_in_another_namespace() -> None:
    shop = Shop()
    shop.insert(ABC, "ann")
    assert [shop.n_found(ABC, name) for name in ("ann", "bob", "")] == [6, 0, 0]


def test_a_text_is_found_below_a_node_only() -> None:
    shop = Shop()
    node = shop.insert(ABC[:2])
    shop.insert(ABC[2:], below=node)
    assert [shop.n_found(ABC), shop.n_found(ABC[2:])] == [6, 0]
    assert shop.n_found(ABC[2:], below=node) == 4


def test_a_node_tells_the_pages_of_its_chain() -> None:
    shop = Shop()
    shop.pages.take("giver", 3)
    pages = list(range(shop.pages.runs("giver")[0].start, shop.pages.runs("giver")[0].end))
    node = shop.tree.insert("", ABC, "giver").node
    assert (node.depth, node.last_pages(3), node.last_pages(1)) == (3, pages, pages[2:])
    assert node.ancestor(2).page == pages[1]


def test_pages_that_are_there_stay_with_who_gives_them() -> None:
    shop = Shop()
    first = shop.insert(ABC[:4])
    shop.pages.take("giver", 3)
    own = shop.pages.runs("giver")[0]
    node, n_known = shop.tree.insert("", ABC, "giver")
    assert n_known == 2
    assert shop.pages.runs("giver") == (Run(own.start, 2),)
    assert node.last_pages(3) == [*first.last_pages(2), own.end - 1]


def test_a_text_that_is_given_twice_exists_once() -> None:
    shop = Shop()
    assert shop.insert(ABC) is shop.insert(ABC)
    assert (repr(shop.tree), shop.pages.n_used) == (
        "<RadixCache 3 used, 3 evictable, 0 locked>",
        3,
    )


def test_a_lock_protects_the_way_up_and_no_branch_beside_it() -> None:
    shop = Shop()
    node = shop.insert(ABC)
    shop.insert([1, 2, 8, 8])
    shop.tree.lock(node.ancestor(2))
    assert repr(shop.tree) == "<RadixCache 4 used, 2 evictable, 1 locked>"
    assert shop.tree.evict(9) == 2
    assert (shop.n_found(ABC), shop.n_found([1, 2, 8, 8])) == (4, 2)


def test_locks_are_counted() -> None:
    shop = Shop()
    node = shop.insert(ABC)
    for _ in range(2):
        shop.tree.lock(node)
    shop.tree.unlock(node)
    assert (shop.tree.n_evictable, shop.tree.evict(1)) == (0, 0)
    shop.tree.unlock(node)
    assert (shop.tree.n_evictable, shop.tree.evict(9)) == (3, 3)


def test_more_unlocks_than_locks_are_a_fault() -> None:
    shop = Shop()
    node = shop.insert(ABC)
    with pytest.raises(InternalError, match="is unlocked and was not locked"):
        shop.tree.unlock(node)
    shop.tree.check()


def test_the_text_that_was_not_used_for_longest_goes_first_from_its_end() -> None:
    shop = Shop()
    for text in (ABC, [7, 7, 8, 8], [9, 9]):
        shop.insert(text)
    shop.n_found(ABC)
    left: list[tuple[int, ...]] = []
    for _ in range(6):
        assert shop.tree.evict(1) == 1
        shop.tree.check()
        first_tokens = [node.tokens[0] for node in shop.tree.nodes()]
        left.append(tuple(sum(t in text for t in first_tokens) for text in (ABC, [7, 8], [9])))
    assert left == [(3, 1, 1), (3, 0, 1), (3, 0, 0), (2, 0, 0), (1, 0, 0), (0, 0, 0)]


def test_a_text_was_used_until_it_is_unlocked() -> None:
    shop = Shop()
    node = shop.insert(ABC)
    shop.tree.lock(node)
    shop.insert([7, 7])
    shop.tree.unlock(node)
    assert shop.tree.evict(1) == 1
    assert (shop.n_found(ABC), shop.n_found([7, 7])) == (6, 0)


def test_a_chain_ages_as_a_whole_while_it_is_evicted_from_its_end() -> None:
    """Only the last page of a chain is unlocked; those before it were used as long."""
    shop = Shop()
    node = shop.insert(ABC)
    shop.tree.lock(node)
    shop.insert([7, 7])
    shop.tree.lock(node.ancestor(2))
    shop.tree.unlock(node.ancestor(2))
    shop.tree.unlock(node)
    assert [shop.tree.evict(1) for _ in range(3)] == [1, 1, 1]
    assert (shop.n_found(ABC), shop.n_found([7, 7])) == (2, 0)


def test_evicting_gives_pages_back_and_stops_when_nothing_is_left() -> None:
    shop = Shop()
    shop.insert(ABC)
    assert (shop.tree.evict(2), shop.pages.n_used, shop.tree.evict(5)) == (2, 1, 1)
    assert (shop.pages.n_used, repr(shop.tree)) == (0, "<RadixCache 0 used, 0 evictable, 0 locked>")


def test_evicting_one_page_after_another_touches_no_more_than_it_frees() -> None:
    """Entries of the heap that are met are counted: a scan would meet all leaves every time."""
    shop = Shop(n_pages=500)
    for i in range(500):
        shop.insert([i, i])
    entries = shop.tree._n_entries
    for _ in range(400):
        shop.tree.evict(1)
    assert (shop.tree._n_entries - entries, len(shop.tree._leaves)) == (0, 100)


def test_hits_and_misses_are_counted_in_pages() -> None:
    shop = Shop()
    shop.insert(ABC)
    shop.n_found([*ABC[:4], 9, 9, 9, 9, 9])
    assert (shop.tree.n_hits, shop.tree.n_misses) == (2, 2)


def test_looking_changes_neither_the_tree_nor_its_pages() -> None:
    shop = Shop()
    shop.insert(ABC)
    before = repr(shop.tree), repr(shop.pages), [node.tokens for node in shop.tree.nodes()]
    shop.n_found([1, 2, 3, 9, 9, 9])
    assert (repr(shop.tree), repr(shop.pages), [n.tokens for n in shop.tree.nodes()]) == before
    shop.tree.check()


def test_the_check_finds_a_node_whose_page_is_gone() -> None:
    shop = Shop()
    node = shop.insert(ABC)
    shop.pages.give_all(node)
    with pytest.raises(InternalError, match=r"The books of <Node page .* do not agree"):
        shop.tree.check()


def test_the_check_finds_a_lost_lock() -> None:
    shop = Shop()
    node = shop.insert(ABC)
    shop.tree.lock(node)
    node.locks = node.holds = 0
    with pytest.raises(InternalError, match="do not agree"):
        shop.tree.check()
