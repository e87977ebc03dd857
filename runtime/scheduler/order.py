"""Who goes first when a step has no room for all.

Runs that decode come before those that prefill, and among equals those in which somebody waits for
an answer (`say`, `listen`, questions) before background ones, then whoever has waited longest. A
run that was passed over for `PATIENCE_STEPS` steps comes before all of these, the longest wait
first.

So nobody starves: a run that waits so long has at most the other runs of that group before it,
nobody joins the group in front of it, and every step serves the first of the group, who leaves it.
With n runs that can go on, one is passed over at most `PATIENCE_STEPS + n - 1` times in a row.
"""

from collections.abc import Iterable, Mapping

from runtime.scheduler.run import Run

PATIENCE_STEPS = 8


def in_order(
    runs: Iterable[Run], waited: Mapping[Run, int], *, interactive_first: bool = True
) -> list[Run]:
    """The runs in the order in which they are given a place in the next step.

    Args:
        runs: that can go on.
        waited: how many steps each was passed over since it was last in one.
        interactive_first: False: all count as background, to compare with.
    """

    def place(run: Run) -> tuple[bool, int, bool, bool, int, int]:
        n = waited.get(run, 0)
        starves = n >= PATIENCE_STEPS
        return (
            not starves,
            -n if starves else 0,
            run.is_prefilling,
            not (interactive_first and run.is_interactive),
            -n,
            run.number,
        )

    return sorted(runs, key=place)
