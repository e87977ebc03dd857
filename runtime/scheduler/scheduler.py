"""All runs together: one step at a time.

    while step := scheduler.next_step(now_s):
        scheduler.apply(step, runner.run(step), now_s)

A step holds the rows of every run that can go on. All streams of a run advance together. If the
step's forward pass fails, nothing has changed, and `drop` frees what was made for it. With one run
in the step that run is to blame; with several, each then makes its step alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hogdsl.errors import CapacityError
from runtime.scheduler.run import Run
from runtime.scheduler.work import Cache, Job, Result, RowWork


@dataclass(frozen=True, slots=True)
class Step:
    """The rows of one forward pass, with the run that each belongs to."""

    jobs: tuple[tuple[Run, Job], ...]

    @property
    def rows(self) -> list[RowWork]:
        return [job.work for _, job in self.jobs]

    @property
    def runs(self) -> list[Run]:
        """Each run once, in the order in which they were added."""
        return list(dict.fromkeys(run for run, _ in self.jobs))


class Scheduler:
    """Which runs there are, and what they do next."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._runs: list[Run] = []

    def __repr__(self) -> str:
        running = sum(run.present is not None for run in self._runs)
        return f"<Scheduler {len(self._runs)} runs, {running} running>"

    @property
    def runs(self) -> tuple[Run, ...]:
        return tuple(self._runs)

    def add(self, run: Run) -> None:
        self._runs.append(run)

    def remove(self, run: Run) -> None:
        """Close a run and forget it. Safe to call twice."""
        run.close()
        if run in self._runs:
            self._runs.remove(run)

    def next_deadline_s(self) -> float | None:
        """When a run changes although no step is made and nobody says anything; None: never."""
        limits = [run.next_deadline_s() for run in self._runs]
        return min((limit for limit in limits if limit is not None), default=None)

    def is_waiting(self, now_s: float) -> bool:
        """No run can go on until a command comes or `next_deadline_s` passes."""
        limit_s = self.next_deadline_s()
        if limit_s is not None and limit_s <= now_s:
            return False
        return all(run.is_waiting for run in self._runs)

    def next_step(self, now_s: float, only: Run | None = None) -> Step | None:
        """The rows of all runs, or of one; None if nothing can go on now (see `is_waiting`).

        Runs whose time or context is used up are ended; nothing else changes.
        """
        runs = self.runs if only is None else (only,)
        jobs = [(run, job) for run in runs for job in run.jobs(now_s)]
        return Step(jobs=tuple(jobs)) if jobs else None

    def apply(self, step: Step, results: Sequence[Result], now_s: float) -> None:
        """Tell every job its result, then let every run draw its conclusions."""
        for run in step.runs:
            run.stepped(now_s)
        try:
            for (_, job), result in zip(step.jobs, results, strict=True):
                job.done(result)
        finally:
            self._free_scratch(step)
        for run in step.runs:
            run.settle(now_s)

    def drop(self, step: Step, error: Exception) -> None:
        """The forward pass failed: end the run, or let each of several be tried alone.

        If there was no room for several, the one that came last gives way at once.
        """
        self._free_scratch(step)
        if len(step.runs) == 1 or isinstance(error, CapacityError):
            step.runs[-1].fail(error)

    def _free_scratch(self, step: Step) -> None:
        self._cache.free(*(job.scratch for _, job in step.jobs if job.scratch is not None))
