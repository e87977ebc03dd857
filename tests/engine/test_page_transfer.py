"""Pages that pass from one owner to others, held to the model of `test_pages`."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from hogdsl.errors import InternalError
from runtime.pages import PagePool, Run, joined
from tests.engine.test_pages import Pool, owners


class PassingPool(Pool):
    """Takes, gives, and passes pages on."""

    @rule(owner=owners, data=st.data())
    def give_first(self, owner: str, data: st.DataObject) -> None:
        n_pages = data.draw(st.integers(0, len(self.held[owner])))
        self.pool.give_first(owner, n_pages)
        self.held[owner] = self.held[owner][n_pages:]

    @rule(owner=owners, to=owners, data=st.data())
    def transfer(self, owner: str, to: str, data: st.DataObject) -> None:
        if owner == to:
            return
        skip = data.draw(st.integers(0, len(self.held[owner])))
        n_pages = data.draw(st.integers(0, len(self.held[owner]) - skip))
        moved = self.held[owner][skip : skip + n_pages]
        assert self.pool.transfer(owner, [to] * n_pages, skip=skip) == moved
        del self.held[owner][skip : skip + n_pages]
        self.held[to] = self.held[to] + moved


TestPassingPool = PassingPool.TestCase
TestPassingPool.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def test_each_page_may_pass_to_an_owner_of_its_own() -> None:
    pool = PagePool(8)
    pool.take("text", 4, grows=False)
    start = pool.runs("text")[0].start
    assert pool.transfer("text", ["one", "two"], skip=1) == [start + 1, start + 2]
    assert pool.runs("text") == (Run(start, 1), Run(start + 3, 1))
    assert pool.runs("one") == (Run(start + 1, 1),)
    pool.check()


def test_more_pages_than_are_held_cannot_pass() -> None:
    pool = PagePool(8)
    pool.take("text", 2)
    with pytest.raises(InternalError, match="Owner 'text' passes 3 pages on and holds 2"):
        pool.transfer("text", ["one", "two"], skip=1)
    assert pool.n_held("text") == 2


def test_an_owner_without_pages_can_begin_behind_those_of_another() -> None:
    pool = PagePool(20)
    pool.take("text", 2)
    end = pool.runs("text")[0].end
    pool.take("more", 1, behind=end)
    pool.take("elsewhere", 1, behind=end)
    assert pool.runs("more") == (Run(end, 1),)
    assert pool.runs("elsewhere")[0].start != end


def test_neighbouring_runs_are_joined_in_their_order() -> None:
    assert joined([Run(4, 2), Run(6, 1), Run(2, 2), Run(9, 1)]) == (
        Run(4, 3),
        Run(2, 2),
        Run(9, 1),
    )
