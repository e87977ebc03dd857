"""What the language costs: `python -m benchmarks.language`.

Two figures. How long it takes to trace, check and lower a program of 8 workers and 200 operations;
no model is involved. And what the rules of 8 streams cost at run time: the same streams with and
without questions, stops and conditions, in turns in one process, so that both see the same machine.
The share is that of whole steps, the rows of the questions included. It is counted twice: by the
clock, and in seconds of the processor, which other work on the machine disturbs less; the latter
are those of the whole process, so that compiling the rules and reading the events count, too.
"""

import json
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

import hogdsl as hog

N_STREAMS = 8
N_OPERATIONS = 200
N_TOKENS = 128
EVERY = 32
"""A question is put after so many tokens; it costs a row of its own in that step."""
NEVER = ("\n\nThe end", "</answer>", "STOP")
"""Stops that piglet does not write, so that both kinds of run write the same tokens."""
ENDS = ("<|im_end|>", "</think>")
"""Tokens that are forbidden in both, so that no stream ends early."""


@hog.program
def large(s: hog.Scope) -> None:
    """A program of 8 workers and 200 operations, a third of them texts."""
    s += hog.user("Solve this together.") + hog.turn("assistant")
    with s.fork(N_STREAMS, layout=hog.layouts.combined(), max_seconds=60) as team:
        for worker in team:
            for i in range(N_OPERATIONS // N_STREAMS // 3):
                worker += f"Step {i}: "
                worker += hog.gen(f"note{i}", max_tokens=32, stop=["\n", "."])
                worker += hog.select(f"sure{i}", ["yes", "no"])
            worker += hog.gen("last", max_tokens=64)
        team.every(256, insert="Am I doing what others do? ", into="random")
        team.until(hog.first(2, hog.regex(r"answer is (\d+)")))


@hog.program
def eight_streams(s: hog.Scope, rules: bool) -> None:
    """Eight streams that think for `N_TOKENS` tokens, with rules that never end anything or not."""
    s += hog.user("a:17+25 b:38+41 c:9+66")
    with s.concurrent() as now:
        thoughts = [now.think(f"t{i}", hog.turn("assistant")) for i in range(N_STREAMS)]
        for think in thoughts:
            with think:
                stops = [*NEVER, hog.regex(r"x{3}\d")] if rules else None
                think += hog.gen(max_tokens=N_TOKENS, stop=stops, forbid=ENDS)
            if rules:
                think.ask("ahead? ", every=EVERY)
        if rules:
            now.until(hog.all_workers(hog.regex(r"total: \d+\.")))
            now.until(hog.quorum(3, hog.regex(r"answer: (\d+);")))


def compile_ms(n_runs: int) -> list[float]:
    """Milliseconds of each of `n_runs` compilations."""
    times: list[float] = []
    for _ in range(n_runs):
        begin = perf_counter()
        large.compile()
        times.append(1e3 * (perf_counter() - begin))
    return times


class StepCost(NamedTuple):
    """Milliseconds per step of a run."""

    clock: float
    processor: float


def step_cost(runtime: hog.Runtime, rules: bool) -> StepCost:
    """What a step of one run of eight streams takes."""
    begin_s = process_time()
    usage = eight_streams.on(runtime).run(rules).usage
    n_probes = N_STREAMS * (N_TOKENS // EVERY - 1) if rules else 0
    if usage.tokens_generated != N_STREAMS * N_TOKENS or usage.probes < n_probes:
        raise RuntimeError(f"the runs cannot be compared: with rules={rules} there was {usage}")
    processor_s = process_time() - begin_s
    return StepCost(1e3 * usage.seconds / usage.steps, 1e3 * processor_s / usage.steps)


def share(plain: list[float], ruled: list[float]) -> float:
    """By which share the runs with rules take longer, from pairs of runs."""
    return median(r / p for r, p in zip(ruled, plain, strict=True)) - 1


def main(
    runs: Annotated[int, typer.Option(help="Compilations, and pairs of runs.")] = 30,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures here.")
    ] = None,
) -> None:
    """Measure what the language costs."""
    n_ops = sum(
        len(stream.pieces) for region in large.compile().regions for stream in region.streams
    )
    compiling = compile_ms(runs)
    runtime = hog.local()
    for rules in (True, False):  # warm up
        step_cost(runtime, rules)
    plain: list[StepCost] = []
    ruled: list[StepCost] = []
    for i in track(range(runs), console=Console(stderr=True)):
        for rules in (False, True) if i % 2 else (True, False):
            (ruled if rules else plain).append(step_cost(runtime, rules))
    runtime.close()
    figures = {
        "operations": n_ops,
        "compile_ms_median": median(compiling),
        "compile_ms_most": max(compiling),
        "step_ms_plain": median(cost.clock for cost in plain),
        "step_ms_with_rules": median(cost.clock for cost in ruled),
        "rules_share_of_step": share([c.clock for c in plain], [c.clock for c in ruled]),
        "rules_share_of_processor": share(
            [c.processor for c in plain], [c.processor for c in ruled]
        ),
    }
    if json_file is not None:
        json_file.write_text(json.dumps(figures, indent=2) + "\n")
    table = Table("what the language costs", "")
    for name, figure in figures.items():
        table.add_row(name.replace("_", " "), f"{figure:.3f}")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
