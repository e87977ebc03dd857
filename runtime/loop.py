"""The loop over a machine: one step of all runs after the other, and what becomes of failures.

It has no thread and never waits. Whoever turns it, the embedded runtime's thread or the reader of a
script's events, asks `wait_s` when nothing could advance.
"""

from collections import deque
from collections.abc import Callable

from hogdsl import events
from runtime.scheduler.run import Run
from runtime.scheduler.scheduler import Scheduler, Step
from runtime.scheduler.work import Chosen, Machine, Result

RATE_WINDOW_S = 1.0
"""Tokens per second are counted over this long."""


class Loop:
    """Steps a machine for all runs that were added. One thread at a time may call it."""

    def __init__(
        self, machine: Machine, now_s: Callable[[], float], *, interactive_first: bool = True
    ) -> None:
        """
        Args:
            machine: what the rows of a step run on.
            now_s: the clock, in seconds from anywhere; it never goes back.
            interactive_first: see `runtime.scheduler.order.Order`.
        """
        self.machine, self.now_s = machine, now_s
        self._scheduler = Scheduler(machine.cache, interactive_first=interactive_first)
        self._n_steps = 0
        self._n_cached = 0
        """Tokens found in the cache by runs that are gone."""
        self._recent: deque[tuple[float, int]] = deque()

    def __repr__(self) -> str:
        return f"<Loop {self._n_steps} steps, {self._scheduler!r}>"

    @property
    def runs(self) -> tuple[Run, ...]:
        return self._scheduler.runs

    def add(self, run: Run) -> None:
        """A run that may have regions to run from now on."""
        self._scheduler.add(run)

    def remove(self, run: Run) -> None:
        """Free what a run holds and forget it. Safe to call twice."""
        if run in self._scheduler.runs:
            self._n_cached += run.usage.tokens_cached
        self._scheduler.remove(run)

    def advance(self) -> bool:
        """One step of all runs that can go on; of each run alone if they fail together.

        Returns:
            False if none of them could: they wait for a command, or for `wait_s` to pass.
        """
        step = self._scheduler.next_step(self.now_s())
        if step is None:
            return False
        if not self._run(step) and len(step.runs) > 1:
            for run in step.runs:
                alone = self._scheduler.next_step(self.now_s(), only=run)
                if alone is not None:
                    self._run(alone)
        return True

    def wait_s(self) -> float | None:
        """How long until a deadline passes; None if there is none."""
        deadline_s = self._scheduler.next_deadline_s()
        return None if deadline_s is None else max(0.0, deadline_s - self.now_s())

    def stats(self) -> events.Stats:
        """What goes on; may be called by any thread."""
        pages = self.machine.pages
        runs = self.runs
        return events.Stats(
            model=self.machine.name,
            device=self.machine.device,
            runs=len(runs),
            steps=self._n_steps,
            tokens_per_second=self._rate(self.now_s()),
            pages_used=pages.n_used,
            pages_cached=pages.n_cached,
            pages_total=pages.n_total,
            tokens_cached=self._n_cached + sum(run.usage.tokens_cached for run in runs),
        )

    def _rate(self, now_s: float) -> float:
        """Tokens chosen per second since the first step of the last `RATE_WINDOW_S`."""
        recent = [(at_s, n) for at_s, n in list(self._recent) if now_s - at_s <= RATE_WINDOW_S]
        if len(recent) < 2 or now_s <= recent[0][0]:
            return 0.0
        return sum(n for _, n in recent[1:]) / (now_s - recent[0][0])

    def _run(self, step: Step) -> bool:
        """Run a step and tell its results; False if the forward pass failed."""
        try:
            results = self.machine.run(step.rows)
        except Exception as error:  # a failure must reach those who wait, whatever it is
            self._scheduler.drop(step, error)
            return False
        self._tell(step, results)
        return True

    def _tell(self, step: Step, results: list[Result]) -> None:
        self._n_steps += 1
        now_s = self.now_s()
        try:
            self._scheduler.apply(step, results, now_s)
        except Exception as error:  # as above
            for run in step.runs:
                run.fail(error)
        n_chosen = sum(isinstance(result, Chosen) for result in results)
        self._recent.append((now_s, n_chosen))
        while self._recent and now_s - self._recent[0][0] > RATE_WINDOW_S:
            self._recent.popleft()
