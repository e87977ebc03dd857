"""Page accounting, held to a model that knows only sets of pages."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hogdsl.errors import CapacityError, InternalError
from runtime.pages import PagePool, Run

N_PAGES = 24
owners = st.sampled_from(["ann", "bob", "eve"])


class Pool(RuleBasedStateMachine):
    """Takes and gives at random; the model is the list of pages of each owner."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = PagePool(N_PAGES)
        self.held: dict[str, list[int]] = {"ann": [], "bob": [], "eve": []}

    @rule(owner=owners, n_pages=st.integers(0, 12), grows=st.booleans())
    def take(self, owner: str, n_pages: int, grows: bool) -> None:
        free = N_PAGES - sum(len(pages) for pages in self.held.values())
        if n_pages > free:
            with pytest.raises(CapacityError):
                self.pool.take(owner, n_pages, grows=grows)
            return
        self.pool.take(owner, n_pages, grows=grows)
        before, after = self.held[owner], self._pages(owner)
        assert after[: len(before)] == before
        assert len(after) == len(before) + n_pages
        self.held[owner] = after

    @rule(owner=owners, data=st.data())
    def give(self, owner: str, data: st.DataObject) -> None:
        n_pages = data.draw(st.integers(0, len(self.held[owner])))
        self.pool.give(owner, n_pages)
        self.held[owner] = self.held[owner][: len(self.held[owner]) - n_pages]

    @rule(owner=owners)
    def give_all(self, owner: str) -> None:
        self.pool.give_all(owner)
        self.held[owner] = []

    @invariant()
    def books_agree(self) -> None:
        self.pool.check()
        taken = [page for pages in self.held.values() for page in pages]
        assert len(taken) == len(set(taken)) == self.pool.n_used
        assert self.pool.n_free == N_PAGES - len(taken)
        assert self.pool.owners() == {owner for owner, pages in self.held.items() if pages}
        for owner, pages in self.held.items():
            assert self._pages(owner) == pages
            assert self.pool.n_held(owner) == len(pages)

    def _pages(self, owner: str) -> list[int]:
        return [page for run in self.pool.runs(owner) for page in range(run.start, run.end)]


TestPool = Pool.TestCase
TestPool.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def test_the_pool_tells_what_is_used() -> None:
    pool = PagePool(10)
    pool.take("ann", 3)
    pool.take("bob", 1)
    assert repr(pool) == "<PagePool 4 used by 2 owners, 6 free>"


def test_owners_that_grow_are_placed_apart_and_extended_where_they_are() -> None:
    pool = PagePool(64)
    for _ in range(10):
        pool.take("ann", 1)
        pool.take("bob", 1)
    assert [len(pool.runs(owner)) for owner in ("ann", "bob")] == [1, 1]


def test_an_owner_that_does_not_grow_takes_the_end_of_the_narrowest_gap_that_holds_it() -> None:
    pool = PagePool(20)
    for owner, n_pages in (("a", 4), ("b", 6), ("c", 10)):
        pool.take(owner, n_pages, grows=False)
    pool.give_all("a")
    pool.give_all("c")
    pool.take("text", 3, grows=False)
    assert pool.runs("text") == (Run(17, 3),)


def test_an_owner_that_fits_no_gap_takes_several_runs() -> None:
    pool = PagePool(9)
    for owner in "abc":
        pool.take(owner, 3, grows=False)
    pool.give_all("a")
    pool.give_all("c")
    pool.take("text", 5)
    assert sum(run.n_pages for run in pool.runs("text")) == 5
    assert len(pool.runs("text")) == 2


def test_a_full_pool_says_how_much_is_missing_and_changes_nothing() -> None:
    pool = PagePool(4)
    pool.take("ann", 3)
    with pytest.raises(CapacityError) as caught:
        pool.take("bob", 2)
    assert str(caught.value) == (
        "The cache is full: 2 more pages are needed, 1 of 4 are free. Free or crop blocks, or make "
        "the cache larger."
    )
    assert repr(pool) == "<PagePool 3 used by 1 owners, 1 free>"


def test_more_pages_than_are_held_cannot_be_given() -> None:
    pool = PagePool(4)
    pool.take("ann", 1)
    with pytest.raises(InternalError, match="Owner 'ann' gives 2 pages back and holds 1"):
        pool.give("ann", 2)
    assert pool.n_held("ann") == 1


def test_the_check_finds_a_page_with_two_owners() -> None:
    pool = PagePool(4)
    pool.take("ann", 1)
    pool._held["bob"] = list(pool.runs("ann"))
    with pytest.raises(InternalError, match="belongs to 'ann' and 'bob'; it must have one owner"):
        pool.check()


def test_the_check_finds_a_lost_page() -> None:
    pool = PagePool(4)
    pool.take("ann", 1)
    del pool._held["ann"]
    with pytest.raises(InternalError, match="belongs to no one, and is not free"):
        pool.check()
