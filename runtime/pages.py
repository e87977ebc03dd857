"""Page accounting: which page of the cache belongs to whom. Plain Python, no tensors.

    page     free ──take──▶ owned by exactly one owner ──give──▶ free
    owner    any hashable name; the engine takes the number of a block

An owner's pages are kept as **runs** of neighbouring pages, in the order in which its tokens fill
them, because attention reads a run in place while loose pages have to be gathered. So pages are
placed with room to grow: an owner that will grow goes to the middle of the widest gap and is
extended where it stands; one that will not goes to the far end of the narrowest gap that holds it.

Nothing changes when a call raises.
"""

from collections.abc import Hashable
from typing import NamedTuple

from hogdsl.errors import CapacityError, InternalError


class Run(NamedTuple):
    """Neighbouring pages `start … start + n_pages - 1`."""

    start: int
    n_pages: int

    @property
    def end(self) -> int:
        return self.start + self.n_pages


class PagePool:
    """The pages of one cache and their owners."""

    def __init__(self, n_pages: int) -> None:
        self.n_total = n_pages
        self._gaps = [Run(0, n_pages)] if n_pages else []
        """Free pages in ascending order, no two gaps adjacent."""
        self._held: dict[Hashable, list[Run]] = {}

    def __repr__(self) -> str:
        owners = len(self._held)
        return f"<PagePool {self.n_used} used by {owners} owners, {self.n_free} free>"

    @property
    def n_free(self) -> int:
        return sum(gap.n_pages for gap in self._gaps)

    @property
    def n_used(self) -> int:
        return self.n_total - self.n_free

    def owners(self) -> set[Hashable]:
        """Everyone who holds a page."""
        return set(self._held)

    def runs(self, owner: Hashable) -> tuple[Run, ...]:
        """The pages of an owner, in the order in which they were taken."""
        return tuple(self._held.get(owner, ()))

    def n_held(self, owner: Hashable) -> int:
        """How many pages an owner holds."""
        return sum(run.n_pages for run in self._held.get(owner, ()))

    def take(self, owner: Hashable, n_pages: int, *, grows: bool = True) -> None:
        """Give an owner `n_pages` more, behind those that it holds.

        Args:
            owner: who gets them.
            n_pages: how many; 0 does nothing.
            grows: leave room behind them if there is any.

        Raises:
            CapacityError: fewer pages are free; waiting helps if somebody gives pages back.
        """
        if n_pages > self.n_free:
            raise CapacityError(
                f"The cache is full: {n_pages} more pages are needed, {self.n_free} of "
                f"{self.n_total} are free. Free or crop blocks, or make the cache larger."
            )
        while n_pages > 0:
            n_pages -= self._take_one_run(owner, n_pages, grows)

    def give(self, owner: Hashable, n_pages: int) -> None:
        """Free the last `n_pages` of an owner.

        Raises:
            InternalError: the owner holds fewer.
        """
        if n_pages > self.n_held(owner):
            raise InternalError(
                f"Owner {owner!r} gives {n_pages} pages back and holds {self.n_held(owner)}."
            )
        while n_pages > 0:
            last = self._held[owner].pop()
            n = min(n_pages, last.n_pages)
            if n < last.n_pages:
                self._held[owner].append(Run(last.start, last.n_pages - n))
            self._open_gap(Run(last.end - n, n))
            n_pages -= n
        if not self._held.get(owner, True):
            del self._held[owner]

    def give_all(self, owner: Hashable) -> None:
        """Free all pages of an owner, who may hold none."""
        self.give(owner, self.n_held(owner))

    def check(self) -> None:
        """Prove that each page is free once or owned once.

        Raises:
            InternalError: a page is both, neither, or owned twice.
        """
        claims: list[list[str]] = [[] for _ in range(self.n_total)]
        for claimant, runs in [("nobody", self._gaps), *self._held.items()]:
            for run in runs:
                for page in range(run.start, run.end):
                    claims[page].append(repr(claimant))
        for page, claimants in enumerate(claims):
            if len(claimants) != 1:
                found = " and ".join(claimants) or "no one, and is not free"
                raise InternalError(f"Page {page} belongs to {found}; it must have one owner.")

    def _take_one_run(self, owner: Hashable, n_pages: int, grows: bool) -> int:
        held = self._held.setdefault(owner, [])
        wanted = self._behind(held, n_pages) or self._elsewhere(n_pages, grows)
        self._close_gap(wanted)
        if held and held[-1].end == wanted.start:
            held[-1] = Run(held[-1].start, held[-1].n_pages + wanted.n_pages)
        else:
            held.append(wanted)
        return wanted.n_pages

    def _behind(self, held: list[Run], n_pages: int) -> Run | None:
        """As much as is free right behind the last run."""
        if not held:
            return None
        end = held[-1].end
        gap = next((gap for gap in self._gaps if gap.start == end), None)
        return Run(end, min(n_pages, gap.n_pages)) if gap else None

    def _elsewhere(self, n_pages: int, grows: bool) -> Run:
        widest = max(self._gaps, key=lambda gap: gap.n_pages)
        if widest.n_pages <= n_pages:
            return widest
        if grows:
            return Run(widest.start + (widest.n_pages - n_pages) // 2, n_pages)
        fitting = (gap for gap in self._gaps if gap.n_pages >= n_pages)
        narrowest = min(fitting, key=lambda gap: gap.n_pages)
        return Run(narrowest.end - n_pages, n_pages)

    def _close_gap(self, run: Run) -> None:
        """Take `run` out of the gap that it lies in."""
        index = next(i for i, gap in enumerate(self._gaps) if gap.start <= run.start < gap.end)
        gap = self._gaps[index]
        rests = Run(gap.start, run.start - gap.start), Run(run.end, gap.end - run.end)
        self._gaps[index : index + 1] = [rest for rest in rests if rest.n_pages]

    def _open_gap(self, run: Run) -> None:
        """Add `run` to the gaps and join it with its neighbours."""
        before = [gap for gap in self._gaps if gap.end <= run.start]
        after = self._gaps[len(before) :]
        if before and before[-1].end == run.start:
            run = Run(before[-1].start, before.pop().n_pages + run.n_pages)
        if after and run.end == after[0].start:
            run = Run(run.start, run.n_pages + after.pop(0).n_pages)
        self._gaps = [*before, run, *after]
