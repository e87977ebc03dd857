"""The benchmark as a command."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.serving.load import arrivals, crowded, mixed
from benchmarks.serving.measure import Measured, as_they_arrive, one_after_another
from runtime.embedded import EmbeddedRuntime
from runtime.runner import EngineMachine

ARRIVE_WITHIN = 1 / 16
"""All programs arrive within this part of the time that they take one after another, about."""
CROWD_GAP_S = 0.02
"""Mean time between two arrivals of the second experiment."""


def on_piglet(
    measure: Callable[[EmbeddedRuntime], Measured], *, interactive_first: bool = True
) -> Measured:
    """Measure on a runtime with an empty cache."""
    machine = EngineMachine.load("piglet", device="cpu")
    runtime = EmbeddedRuntime(
        machine, prepare_thread=machine.prepare_thread, interactive_first=interactive_first
    )
    try:
        return measure(runtime)
    finally:
        runtime.close()


def main(
    programs: Annotated[int, typer.Option(help="Programs in each experiment.")] = 32,
    seed: Annotated[int, typer.Option(help="Seed of problems and arrivals.")] = 0,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures here.")
    ] = None,
) -> None:
    """Measure what many programs at once bring on the embedded model."""
    jobs, crowd = mixed(Random(seed), programs), crowded(Random(seed), programs)
    on_piglet(lambda runtime: one_after_another(runtime, jobs[:3]))  # warm up
    alone = on_piglet(lambda runtime: one_after_another(runtime, jobs))
    gap_s = alone.seconds / programs * ARRIVE_WITHIN
    times = list(arrivals(Random(seed), programs, gap_s))
    together = on_piglet(lambda runtime: as_they_arrive(runtime, jobs, times))
    crowd_times = list(arrivals(Random(seed), programs, CROWD_GAP_S))
    first, equal = (
        on_piglet(
            lambda runtime: as_they_arrive(runtime, crowd, crowd_times),
            interactive_first=interactive_first,
        )
        for interactive_first in (True, False)
    )
    figures = {
        "one after another": alone.figures(),
        "as they arrive": together.figures(),
        "crowded, speakers first": first.figures(),
        "crowded, all alike": equal.figures(),
    }
    speedup = alone.seconds / together.seconds
    if json_file is not None:
        json_file.write_text(json.dumps(figures | {"speedup": speedup}, indent=2) + "\n")
    Console().print(table_of(figures))
    Console().print(f"all programs at once take {speedup:.2f} times less than one after another")


def table_of(figures: dict[str, dict[str, float]]) -> Table:
    """The figures for a reader."""
    table = Table("", *figures, title="serving on the embedded model")
    for name in next(iter(figures.values())):
        values = [f"{measured[name]:.4g}" for measured in figures.values()]
        table.add_row(name.replace("_", " "), *values)
    return table


if __name__ == "__main__":
    typer.run(main)
