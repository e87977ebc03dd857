"""All runs together: one step at a time.

    while step := scheduler.next_step(now_s):
        scheduler.apply(step, runner.run(step), now_s)

A step holds the rows of every run that can go on. All streams of a run advance together. If the
step's forward pass fails, `drop` frees what was made for it and ends the run that is to blame.
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

    def next_step(self, now_s: float) -> Step | None:
        """The rows of all runs; None if there is nothing to do. Only deadlines change anything."""
        jobs = [(run, job) for run in list(self._runs) for job in run.jobs(now_s)]
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
            run.settle()

    def drop(self, step: Step, error: Exception) -> None:
        """The forward pass failed and nothing was written: end a run for it, keep the others.

        If there was no room, the run that came last gives way; any other failure ends all runs of
        the step, since none can be told from the others.
        """
        self._free_scratch(step)
        to_blame = step.runs[-1:] if isinstance(error, CapacityError) else step.runs
        for run in to_blame:
            run.fail(error)

    def _free_scratch(self, step: Step) -> None:
        self._cache.free(*(job.scratch for _, job in step.jobs if job.scratch is not None))
