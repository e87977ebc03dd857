"""All runs together: one step at a time.

    while step := scheduler.next_step(now_s):
        scheduler.apply(step, runner.run(step), now_s)

A step holds the rows of every run that can go on, as far as there is room for them: `order` says
who comes first, `prefill` how long texts are spread over several steps, `pressure` what happens
when pages run out. All streams of a run advance together. If the step's forward pass fails, no
stream has gone on, and `drop` frees what was made for it. With one run in the step that run is to
blame; with several, each then makes its step alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hogdsl.errors import CapacityError
from runtime.scheduler import pressure
from runtime.scheduler.order import Order
from runtime.scheduler.run import Run
from runtime.scheduler.turn import Turn
from runtime.scheduler.work import Cache, Job, Result, RowWork

STEP_TOKENS = 1024
"""No further run comes into a step that has so many tokens."""
PREFILL_TOKENS = 256
"""No further run that prefills comes into a step that has so many tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The turns of one forward pass.

    Attributes:
        passed_over: runs for which there was no room.
    """

    turns: tuple[Turn, ...]
    passed_over: tuple[Run, ...] = ()

    @property
    def jobs(self) -> list[Job]:
        return [job for turn in self.turns for job in turn.jobs]

    @property
    def rows(self) -> list[RowWork]:
        return [job.work for turn in self.turns for job in turn.jobs]

    @property
    def runs(self) -> list[Run]:
        """The runs that go on in it."""
        return [turn.run for turn in self.turns]


class Scheduler:
    """Which runs there are, and what they do next."""

    def __init__(self, cache: Cache, *, interactive_first: bool = True) -> None:
        """
        Args:
            cache: of the machine that all runs run on.
            interactive_first: see `Order`.
        """
        self._cache = cache
        self._order = Order(interactive_first=interactive_first)
        self._runs: list[Run] = []

    def __repr__(self) -> str:
        running = sum(run.present is not None for run in self._runs)
        suspended = sum(run.is_suspended for run in self._runs)
        return f"<Scheduler {len(self._runs)} runs, {running} running, {suspended} suspended>"

    @property
    def runs(self) -> tuple[Run, ...]:
        return tuple(self._runs)

    def add(self, run: Run) -> None:
        self._runs.append(run)

    def remove(self, run: Run) -> None:
        """Close a run and forget it. Safe to call twice."""
        run.close()
        self._order.forget(run)
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

    # ---------------------------------------------------------------- a step

    def next_step(self, now_s: float, only: Run | None = None) -> Step | None:
        """What all runs do next, or one; None if nothing can go on now (see `is_waiting`).

        Runs whose time or context is used up are ended; runs are suspended and restored.
        """
        for _ in range(2 * len(self._runs) + 1):
            pressure.restore(self.runs, self._cache)
            runs = self.runs if only is None else (only,)
            may_queue = any(run.is_suspended for run in self._runs)
            ready = [
                run
                for run in runs
                if run.keep_time(now_s) and not (may_queue and self._must_queue(run))
            ]
            turns = pressure.fit(list(self._turns(ready)), self.runs, self._cache)
            if turns:
                return self._step(turns, ready)
            if not ready and not any(run.is_suspended and run.wants_to_go_on for run in runs):
                return None
            # Who was ready has ended or failed, and now others may have room.
        return None

    def _step(self, turns: Sequence[Turn], ready: Sequence[Run]) -> Step:
        served = {turn.run for turn in turns}
        passed_over = tuple(run for run in ready if run not in served and not run.is_suspended)
        return Step(turns=tuple(turns), passed_over=passed_over)

    def _turns(self, ready: Sequence[Run]) -> Iterator[Turn]:
        n_tokens = 0
        for run in self._order.sorted(ready):
            is_full = n_tokens >= STEP_TOKENS
            if is_full or (n_tokens >= PREFILL_TOKENS and run.is_prefilling):
                continue
            turn = run.turn()
            if turn is not None:
                n_tokens += turn.n_tokens
                yield turn

    def _must_queue(self, run: Run) -> bool:
        """It has not begun, and an older run waits for room."""
        older_waits = any(
            other.is_suspended and other.wants_to_go_on and other.number < run.number
            for other in self._runs
        )
        return older_waits and not run.holds_tokens

    def apply(self, step: Step, results: Sequence[Result], now_s: float) -> None:
        """Tell every job its result, then let every run draw its conclusions."""
        self._order.stepped(set(step.runs), step.passed_over)
        n_told = 0
        for turn in step.turns:
            turn.run.stepped(turn, results[n_told : n_told + len(turn.jobs)], now_s)
            n_told += len(turn.jobs)
        try:
            for job, result in zip(step.jobs, results, strict=True):
                job.done(result)
        finally:
            self._free_scratch(step)
        for turn in step.turns:
            if not turn.is_prefill:
                turn.run.settle(now_s)

    def drop(self, step: Step, error: Exception) -> None:
        """The forward pass failed: end the run, or let each of several be tried alone.

        If there was no room for several, the one that came last gives way at once.
        """
        self._free_scratch(step)
        if len(step.turns) == 1 or isinstance(error, CapacityError):
            max(step.runs, key=lambda run: run.number).fail(error)

    def _free_scratch(self, step: Step) -> None:
        for turn in step.turns:
            turn.free_scratch(self._cache)
