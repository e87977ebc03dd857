"""Who goes first when a step has no room for all.

Runs that decode come before those that prefill, and among equals those in which somebody waits for
an answer (`say`, `listen`, questions) before background ones, then whoever has waited longest.

A run that was passed over for `PATIENCE_STEPS` steps *starves*. If there are such runs, every
`STARVED_EVERY`-th step begins with them, the longest wait first; the steps between belong to the
order above. So somebody who is spoken to waits for one starving run, not for all.

Nobody starves for ever: nobody joins the starving in front of another, and each step that begins
with them serves the first one, who leaves. With n runs that can go on, one is passed over at most
`PATIENCE_STEPS + STARVED_EVERY * n - 1` times in a row.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from runtime.scheduler.run import Run

PATIENCE_STEPS = 8
STARVED_EVERY = 4


class Order:
    """How long each run has waited, and whose turn the next step is.

    Attributes:
        waited: how many steps each run was passed over since it was last in one.
    """

    def __init__(self, *, interactive_first: bool = True) -> None:
        """
        Args:
            interactive_first: False: all count as background, to compare with.
        """
        self.waited: dict[Run, int] = {}
        self._interactive_first = interactive_first
        self._n_since = STARVED_EVERY
        """Steps since one began with those who starve, that one included."""

    def sorted(self, runs: Iterable[Run]) -> list[Run]:
        """The runs in the order in which they are given a place in the next step."""
        runs = sorted(runs, key=self._place)
        if self._n_since < STARVED_EVERY or not self.waited:
            return runs
        starving = sorted(filter(self._starves, runs), key=self._longest_wait)
        return [*starving, *(run for run in runs if not self._starves(run))]

    def stepped(self, served: AbstractSet[Run], passed_over: Iterable[Run]) -> None:
        """A step was made in the order of `sorted`."""
        begins_with_them = self._n_since >= STARVED_EVERY and any(map(self._starves, served))
        self._n_since = 1 if begins_with_them else self._n_since + 1
        for run in served:
            self.forget(run)
        for run in passed_over:
            self.waited[run] = self.waited.get(run, 0) + 1

    def forget(self, run: Run) -> None:
        """It does not wait any more, or is gone."""
        self.waited.pop(run, None)

    def _starves(self, run: Run) -> bool:
        return self.waited.get(run, 0) >= PATIENCE_STEPS

    def _longest_wait(self, run: Run) -> tuple[int, int]:
        return -self.waited.get(run, 0), run.number

    def _place(self, run: Run) -> tuple[bool, bool, int, int]:
        is_interactive = self._interactive_first and run.is_interactive
        return run.is_prefilling, not is_interactive, *self._longest_wait(run)
