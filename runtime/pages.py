"""Page accounting: which page of the cache belongs to whom. Plain Python, no tensors.

    page     free ──take──▶ owned by exactly one owner ──give──▶ free
                                     └──transfer──▶ another owner
    owner    any hashable name: the number of a block, or a node of the radix cache

An owner's pages are kept as **runs** of neighbouring pages, in the order in which its tokens fill
them, because attention reads a run in place while loose pages have to be gathered. So pages are
placed with room to grow: an owner that will grow goes to the middle of the widest gap and is
extended where it stands; one that will not goes to the far end of the narrowest gap that holds it.

Nothing changes when a call raises.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Sequence
from operator import attrgetter
from typing import NamedTuple

from hogdsl.errors import CapacityError, InternalError


class Run(NamedTuple):
    """Neighbouring pages `start … start + n_pages - 1`."""

    start: int
    n_pages: int

    @property
    def end(self) -> int:
        return self.start + self.n_pages


def joined(runs: Sequence[Run]) -> tuple[Run, ...]:
    """The same pages in the same order, neighbours in one run."""
    found: list[Run] = []
    for run in runs:
        if found and found[-1].end == run.start:
            found[-1] = Run(found[-1].start, found[-1].n_pages + run.n_pages)
        else:
            found.append(run)
    return tuple(found)


class PagePool:
    """The pages of one cache and their owners."""

    def __init__(self, n_pages: int) -> None:
        self.n_total = self.n_free = n_pages
        self._gaps = [Run(0, n_pages)] if n_pages else []
        """Free pages in ascending order, no two gaps adjacent."""
        self._held: dict[Hashable, list[Run]] = {}

    def __repr__(self) -> str:
        owners = len(self._held)
        return f"<PagePool {self.n_used} used by {owners} owners, {self.n_free} free>"

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

    def take(
        self, owner: Hashable, n_pages: int, *, grows: bool = True, behind: int | None = None
    ) -> None:
        """Give an owner `n_pages` more, behind those that it holds.

        Args:
            owner: who gets them.
            n_pages: how many; 0 does nothing.
            grows: leave room behind them if there is any.
            behind: for an owner who holds none: begin at this page if it is free.

        Raises:
            CapacityError: fewer pages are free; waiting helps if somebody gives pages back.
        """
        if n_pages > self.n_free:
            raise self.full(n_pages)
        while n_pages > 0:
            n_pages -= self._take_one_run(owner, n_pages, grows, behind)

    def give(self, owner: Hashable, n_pages: int) -> None:
        """Free the last `n_pages` of an owner.

        Raises:
            InternalError: the owner holds fewer.
        """
        self._check_holds(owner, n_pages, "gives", "back ")
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

    def give_first(self, owner: Hashable, n_pages: int) -> None:
        """Free the first `n_pages` of an owner.

        Raises:
            InternalError: the owner holds fewer.
        """
        self._check_holds(owner, n_pages, "gives", "back ")
        for run in self._cut_off(owner, 0, n_pages):
            self._open_gap(run)

    def transfer(self, owner: Hashable, to: Sequence[Hashable], *, skip: int = 0) -> list[int]:
        """Let pages of an owner belong to others, one page to each.

        Args:
            owner: who holds them now.
            to: who gets them, in the order of the pages.
            skip: how many of the owner's first pages stay where they are.

        Returns:
            The pages, in the order of `to`.

        Raises:
            InternalError: the owner holds fewer.
        """
        self._check_holds(owner, skip + len(to), "passes", "on ")
        moved = self._cut_off(owner, skip, len(to))
        pages = [page for run in moved for page in range(run.start, run.end)]
        for new_owner, page in zip(to, pages, strict=True):
            self._held.setdefault(new_owner, []).append(Run(page, 1))
        return pages

    def full(self, n_pages: int, n_evictable: int = 0) -> CapacityError:
        """The error for those who need `n_pages` more, also if `n_evictable` could be freed."""
        evictable = f" and {n_evictable} can be evicted" if n_evictable else ""
        return CapacityError(
            f"The cache is full: {n_pages} more pages are needed, {self.n_free} of "
            f"{self.n_total} are free{evictable}. Free or crop blocks, or make the cache larger."
        )

    def check(self) -> None:
        """Prove that each page is free once or owned once.

        Raises:
            InternalError: a page is both, neither, or owned twice.
        """
        if self.n_free != sum(gap.n_pages for gap in self._gaps):
            raise InternalError(f"{self.n_free} pages are said to be free, not those in the gaps.")
        claims: list[list[str]] = [[] for _ in range(self.n_total)]
        for claimant, runs in [("nobody", self._gaps), *self._held.items()]:
            for run in runs:
                for page in range(run.start, run.end):
                    claims[page].append(repr(claimant))
        for page, claimants in enumerate(claims):
            if len(claimants) != 1:
                found = " and ".join(claimants) or "no one, and is not free"
                raise InternalError(f"Page {page} belongs to {found}; it must have one owner.")

    def _check_holds(self, owner: Hashable, n_pages: int, does: str, where: str) -> None:
        if n_pages > self.n_held(owner):
            raise InternalError(
                f"Owner {owner!r} {does} {n_pages} pages {where}and holds {self.n_held(owner)}."
            )

    def _cut_off(self, owner: Hashable, skip: int, n_pages: int) -> list[Run]:
        """Take `n_pages` from an owner, behind the first `skip`; they belong to nobody then."""
        kept: list[Run] = []
        cut: list[Run] = []
        for start, n in self._held.pop(owner, []):
            n_skipped = min(skip, n)
            n_cut = min(n_pages, n - n_skipped)
            parts = Run(start, n_skipped), Run(start + n_skipped + n_cut, n - n_skipped - n_cut)
            kept.extend(part for part in parts if part.n_pages)
            if n_cut:
                cut.append(Run(start + n_skipped, n_cut))
            skip, n_pages = skip - n_skipped, n_pages - n_cut
        if kept:
            self._held[owner] = kept
        return cut

    def _take_one_run(self, owner: Hashable, n_pages: int, grows: bool, behind: int | None) -> int:
        held = self._held.setdefault(owner, [])
        end = held[-1].end if held else behind
        wanted = self._behind(end, n_pages) or self._elsewhere(n_pages, grows)
        self._close_gap(wanted)
        if held and held[-1].end == wanted.start:
            held[-1] = Run(held[-1].start, held[-1].n_pages + wanted.n_pages)
        else:
            held.append(wanted)
        return wanted.n_pages

    def _behind(self, end: int | None, n_pages: int) -> Run | None:
        """As much as is free from page `end` on."""
        if end is None:
            return None
        index = bisect_left(self._gaps, end, key=_start)
        if index == len(self._gaps) or self._gaps[index].start != end:
            return None
        return Run(end, min(n_pages, self._gaps[index].n_pages))

    def _elsewhere(self, n_pages: int, grows: bool) -> Run:
        widest = max(self._gaps, key=_n_pages)
        if widest.n_pages <= n_pages:
            return widest
        if grows:
            return Run(widest.start + (widest.n_pages - n_pages) // 2, n_pages)
        fitting = (gap for gap in self._gaps if gap.n_pages >= n_pages)
        narrowest = min(fitting, key=_n_pages)
        return Run(narrowest.end - n_pages, n_pages)

    def _close_gap(self, run: Run) -> None:
        """Take `run` out of the gap that it lies in."""
        index = bisect_right(self._gaps, run.start, key=_start) - 1
        gap = self._gaps[index]
        rests = Run(gap.start, run.start - gap.start), Run(run.end, gap.end - run.end)
        self._gaps[index : index + 1] = [rest for rest in rests if rest.n_pages]
        self.n_free -= run.n_pages

    def _open_gap(self, run: Run) -> None:
        """Add `run` to the gaps and join it with its neighbours."""
        index = bisect_left(self._gaps, run.start, key=_start)
        first, last = max(0, index - 1), min(len(self._gaps), index + 1)
        around = [*self._gaps[first:index], run, *self._gaps[index:last]]
        self._gaps[first:last] = joined(around)
        self.n_free += run.n_pages


_start, _n_pages = attrgetter("start"), attrgetter("n_pages")
