"""What happens when pages run out.

First the radix cache lets go of what nobody holds; the cache itself does that. Then whole runs are
*suspended*, never one stream of a team: their pages are freed, what they saw is kept, and they are
restored by one parallel pass when there is room (law 5). The oldest run that can go on is never
suspended for the others, so one run always gets to its end, and then the next.

    running ──suspend──▶ suspended ──restore──▶ running
                             └──fail, close──▶ gone, as any run
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from hogdsl.errors import CapacityError
from runtime.blocks import Block
from runtime.scheduler.run import Run
from runtime.scheduler.turn import Turn, growth_of
from runtime.scheduler.work import Cache

RESERVE_TOKENS = 32
"""A run is restored only if every stream can write so many tokens before pages run out again."""


def fit(turns: Sequence[Turn], runs: Iterable[Run], cache: Cache) -> list[Turn]:
    """Make room for a step; who had to give way for it is not in it.

    A run that is too large for the cache even alone fails.

    Args:
        turns: what the runs would do, with their scratch blocks.
        runs: all there are, the oldest first.
        cache: where room is made.
    """
    turns = list(turns)
    while turns and (n_missing := cache.make_room(growth_of(turns))):
        first = min((turn.run for turn in turns), key=lambda run: run.number)
        gone = _victim([turn.run for turn in turns], runs, first)
        if gone is None:
            gone = first
            first.fail(_too_large(first, n_missing, cache))
        elif gone.holds_tokens:
            gone.suspend()
        for turn in turns:
            if turn.run is gone:
                turn.free_scratch(cache)
        turns = [turn for turn in turns if turn.run is not gone]
    return turns


def _victim(turning: Sequence[Run], runs: Iterable[Run], first: Run) -> Run | None:
    """Who gives way: those who wait for their programs before the others, the newest first. One
    that has not begun has nothing to give up, and begins later."""
    others = [
        run
        for run in runs
        if run is not first and not run.is_suspended and (run.holds_tokens or run in turning)
    ]
    return max(others, key=lambda run: (run.is_waiting, run.number), default=None)


def _too_large(run: Run, n_missing: int, cache: Cache) -> CapacityError:
    return CapacityError(
        f"the run is too large for the cache: it holds {run.n_tokens} tokens, the cache holds "
        f"{cache.n_tokens_most}, and {n_missing} more pages are needed for the next step. Waiting "
        "will not help: let the program keep less, or give the cache more memory."
    )


def restore(runs: Iterable[Run], cache: Cache) -> None:
    """Restore the oldest suspended run that has something to do, if there is room for it.

    It takes the room of younger runs, and of those that only wait for their programs; older ones
    that can go on keep theirs.
    """
    runs = list(runs)
    wanting = [run for run in runs if run.is_suspended and run.wants_to_go_on]
    if not wanting:
        return
    run = min(wanting, key=lambda run: run.number)
    running = [other for other in runs if not other.is_suspended and other.holds_tokens]
    older = [o for o in running if o.number < run.number and not o.is_waiting]
    growth = Counter[Block]()
    for each in [run, *older]:
        growth.update(each.growth(RESERVE_TOKENS if older else 1))
    if older and growth.total() + sum(o.n_tokens for o in [run, *older]) > cache.n_tokens_most:
        return
    others = [other for other in running if other not in older]
    others.sort(key=lambda other: (other.is_waiting, other.number))
    while True:
        failure: CapacityError | None = None
        if cache.make_room(growth) == 0 or not (others or older):
            failure = _try_to_restore(run)
            if failure is None:
                return
        if others:
            others.pop().suspend()
        else:
            if failure is not None and not older:
                run.fail(failure)
            return


def _try_to_restore(run: Run) -> CapacityError | None:
    """Restore a run, which fails if its pass fails; what there is no room for, if it cannot be done
    now."""
    try:
        run.restore()
    except CapacityError as error:
        return error
    except Exception as error:  # one run's fault is not to end the others
        run.fail(error)
    return None
