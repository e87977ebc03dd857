"""Looks at all runs before every step: who is to be cancelled now, who is late, what was used.

It does so in the engine's thread, when nothing changes. What it finds to be done, a thread of its
own does from outside, as a client would.
"""

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

from benchmarks.soak.phases import PhaseName, phase_of
from runtime.embedded import EmbeddedRuntime, EmbeddedSession
from runtime.engine import Engine
from runtime.scheduler.run import Run

How = Literal["cancel", "close"]
WAYS: tuple[How, ...] = ("cancel", "close")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A run is to be cancelled when it comes into a phase."""

    session: EmbeddedSession
    phase: PhaseName
    how: How


@dataclass(slots=True)
class Seen:
    """What was seen from step to step.

    Attributes:
        n_pages_most: pages that were in use at a time.
        late: runs that went on behind their deadline for more than a step.
        cancelled: by the phase in which that was asked for.
        n_suspensions, n_cached_tokens: of all runs.
    """

    n_pages_most: int = 0
    late: list[str] = field(default_factory=list[str])
    cancelled: Counter[PhaseName] = field(default_factory=Counter["PhaseName"])
    n_suspensions: int = 0
    n_cached_tokens: int = 0


class Conductor:
    """Watches a runtime.

    Attributes:
        seen: by the engine's thread; to be read when all is over.
    """

    def __init__(self, runtime: EmbeddedRuntime, engine: Engine) -> None:
        self.seen = Seen()
        self._loop, self._engine = runtime._loop, engine
        self._wishes: dict[Run, Wish] = {}
        self._known: set[Run] = set()
        self._last_look_s: float | None = None
        self._going: frozenset[Run] = frozenset()
        """Runs that were not suspended at the last look."""
        self._hand = ThreadPoolExecutor(1, thread_name_prefix="canceller")
        self._advance = self._loop.advance
        self._loop.advance = self._look_and_advance

    def wish(self, wish: Wish) -> None:
        """Cancel a run when its phase comes."""
        self._wishes[wish.session._run] = wish

    def forget(self, session: EmbeddedSession) -> None:
        """A run is over."""
        self._wishes.pop(session._run, None)

    def close(self) -> None:
        """All runs are over, and so is the runtime."""
        self._hand.shutdown()
        self._count_gone(())

    # ---------------------------------------------------------------- in the engine's thread

    def _look_and_advance(self) -> bool:
        runs = self._loop.runs
        self.seen.n_pages_most = max(self.seen.n_pages_most, self._engine.pages.n_used)
        self._count_gone(runs)
        for run in runs:
            self._look(run)
        self._last_look_s = time.monotonic()
        self._going = frozenset(run for run in runs if not run.is_suspended)
        return self._advance()

    def _look(self, run: Run) -> None:
        self._known.add(run)
        wish = self._wishes.get(run)
        if wish is not None and phase_of(run) == wish.phase:
            del self._wishes[run]
            self.seen.cancelled[wish.phase] += 1
            self._hand.submit(wish.session.cancel if wish.how == "cancel" else wish.session.close)
        # A stream of a suspended run ends in the step after the run is restored.
        is_going = run in self._going and not run.is_suspended
        limit_s = run.next_deadline_s() if is_going else None
        if self._last_look_s is None or limit_s is None:
            return
        behind_s = self._last_look_s - limit_s
        if behind_s >= 0:
            self.seen.late.append(f"{run!r} went on {behind_s:.3f} s behind its deadline")

    def _count_gone(self, runs: Sequence[Run]) -> None:
        for run in self._known.difference(runs):
            self._known.remove(run)
            self.seen.n_suspensions += run.usage.suspensions
            self.seen.n_cached_tokens += run.usage.tokens_cached
