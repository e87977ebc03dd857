"""Many random runs at once in a cache that is too small for them, and what must be true then."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from random import Random

from benchmarks.soak.client import Outcome, play
from benchmarks.soak.conductor import Conductor
from benchmarks.soak.faults import Faults
from hogdsl.errors import InternalError
from runtime.embedded import EmbeddedRuntime
from runtime.runner import EngineMachine

N_CLIENTS = 8
N_CACHE_TOKENS = 1280
"""Three of the longer programs fill it."""
FAULT_RATE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was done, and what was wrong with it.

    Attributes:
        kinds, ends, cancelled: runs by program, by their ends, and by the phase in which they were
            cancelled.
        n_faults: passes of the model that failed.
        n_steps: passes that did not, restorations not counted.
        n_pages_left: pages that the radix cache keeps at the end.
        problems: all that must not be.
    """

    runs: int
    seconds: float
    kinds: dict[str, int]
    ends: dict[str, int]
    cancelled: dict[str, int]
    n_faults: int
    n_steps: int
    n_suspensions: int
    n_cached_tokens: int
    n_pages_most: int
    n_pages_total: int
    n_pages_left: int
    problems: tuple[str, ...]


def soak(
    seed: int,
    *,
    seconds: float | None = None,
    n_runs: int | None = None,
    tell: Callable[[int, str], None] = lambda n, state: None,
) -> Report:
    """Run random programs until the time is over, or so many runs were made.

    Args:
        seed: of all that is drawn; which runs meet depends on the clock.
        seconds: how long runs are begun.
        n_runs: how many are begun at most.
        tell: is called with the number of runs that are over, and what goes on.
    """
    threads = set(threading.enumerate())
    machine = EngineMachine.load("piglet", device="cpu", n_cache_tokens=N_CACHE_TOKENS)
    faults = Faults(machine.engine.transformer, Random(f"faults {seed}"), FAULT_RATE)
    runtime = EmbeddedRuntime(machine, prepare_thread=machine.prepare_thread)
    conductor = Conductor(runtime, machine.engine)
    began_s = time.monotonic()
    outcomes: list[Outcome] = []

    def seeds() -> Iterator[str]:
        for n in count() if n_runs is None else range(n_runs):
            if seconds is not None and time.monotonic() - began_s >= seconds:
                return
            yield f"{seed}/{n}"

    source, lock = seeds(), threading.Lock()

    def next_seed() -> str | None:
        with lock:
            return next(source, None)

    def client() -> None:
        while (run_seed := next_seed()) is not None:
            outcomes.append(play(runtime, conductor, run_seed))
            tell(len(outcomes), repr(runtime))

    with ThreadPoolExecutor(N_CLIENTS, thread_name_prefix="client") as pool:
        for done in [pool.submit(client) for _ in range(N_CLIENTS)]:
            done.result()
    n_steps, n_running = runtime.stats().steps, runtime.stats().runs
    runtime.close()
    conductor.close()
    problems = [problem for outcome in outcomes for problem in outcome.problems]
    problems += conductor.seen.late
    problems += [f"{n_running} runs are left"] if n_running else []
    problems += _left_in_cache(machine)
    problems += [f"{thread!r} is left" for thread in set(threading.enumerate()) - threads]
    return Report(
        runs=len(outcomes),
        seconds=time.monotonic() - began_s,
        kinds=dict(Counter(outcome.kind for outcome in outcomes)),
        ends=dict(Counter(outcome.end for outcome in outcomes)),
        cancelled={str(phase): n for phase, n in conductor.seen.cancelled.items()},
        n_faults=faults.n_raised,
        n_steps=n_steps,
        n_suspensions=conductor.seen.n_suspensions,
        n_cached_tokens=conductor.seen.n_cached_tokens,
        n_pages_most=conductor.seen.n_pages_most,
        n_pages_total=machine.engine.pages.n_total,
        n_pages_left=machine.engine.pages.n_used,
        problems=tuple(problems),
    )


def _left_in_cache(machine: EngineMachine) -> list[str]:
    """Pages that somebody holds although nobody is left."""
    engine, problems = machine.engine, list[str]()
    try:
        engine.check()
    except InternalError as error:
        problems.append(str(error))
    if engine.pages.n_used != engine.tree.n_evictable:
        problems.append(f"pages are held: {engine.pages!r}, {engine.tree!r}")
    if engine._blocks:
        problems.append(f"blocks are left: {list(engine._blocks.values())[:5]}")
    return problems
