"""What collaboration brings: `python -m benchmarks.collaboration --problems 200 --seed 7`.

Programs of `programs/` run on the embedded model, on problems drawn from the seed: lists of 3 to 8
sums, worked through alone and by teams; and sums of 4 to 8 terms, spoken while thinking and after.
A step is one forward pass of the run, so the figures do not depend on the machine or on how many
problems run at once. Written as JSON:

    alone, shared2, shared3, isolated2
        right   fraction of all sums with the right result
        twice   fraction of all sums that were worked out more than once
        steps   mean steps per problem;  tokens   mean tokens generated per problem
    talk
        right   fraction of replies that end with the right total
        first_spoken_step, sequential_first_spoken_step   mean step of the reply's first token
"""

import json
import random
import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import fmean
from typing import Annotated, Literal, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import hogdsl as hog
from programs.solo import solo, think_first
from programs.solve_together import solve_together
from programs.talk_while_thinking import talk_while_thinking

NAMES = ("Alice", "Bob", "Carol")
Problem = TypeVar("Problem")
Outcome = dict[str, float]


def draw_sums(rng: random.Random) -> dict[str, tuple[int, int]]:
    """A list of 3 to 8 sums of numbers of up to two digits, by label."""
    n_items = rng.randint(3, 8)
    return {label: (rng.randint(1, 99), rng.randint(1, 99)) for label in "abcdefgh"[:n_items]}


def draw_terms(rng: random.Random) -> list[int]:
    """4 to 8 numbers of up to two digits."""
    return [rng.randint(1, 99) for _ in range(rng.randint(4, 8))]


def prompt_of(sums: dict[str, tuple[int, int]]) -> str:
    return " ".join(f"{label}:{x}+{y}" for label, (x, y) in sums.items())


def rate_sums(sums: dict[str, tuple[int, int]], run: hog.Run[str]) -> Outcome:
    """How one run did on one list of sums."""
    found = [
        (label, int(result))
        for text in run.streams.values()
        for label, result in re.findall(r"([a-h]):\d+\+\d+=(\d+)", text)
    ]
    times = Counter(label for label, _ in found)
    results = dict(found)
    return {
        "n": len(sums),
        "right": sum(results.get(label) == x + y for label, (x, y) in sums.items()),
        "twice": sum(times[label] > 1 for label in sums),
        "steps": run.usage.steps,
        "tokens": run.usage.tokens_generated,
    }


def rate_talk(terms: list[int], talk: hog.Run[str], after: hog.Run[str]) -> Outcome:
    """How one question was answered while thinking, and when the first word of the reply came."""
    numbers = re.findall(r"\d+", talk.value)
    spoken = [e.step for e in talk.events if e.kind == "token" and e.stream == "reply"]
    thought = [e.seq for e in after.events if e.kind == "value"]
    said = [e.step for e in after.events if e.kind == "token" and e.seq > thought[0]]
    return {
        "right": bool(numbers) and int(numbers[-1]) == sum(terms),
        "first_spoken_step": spoken[0],
        "sequential_first_spoken_step": said[0],
    }


def summarise_sums(outcomes: list[Outcome]) -> Outcome:
    n_sums = sum(outcome["n"] for outcome in outcomes)
    fractions = {key: sum(o[key] for o in outcomes) / n_sums for key in ("right", "twice")}
    return fractions | {key: fmean(o[key] for o in outcomes) for key in ("steps", "tokens")}


def measure(
    progress: Progress,
    pool: ThreadPoolExecutor,
    what: str,
    problems: list[Problem],
    one: Callable[[Problem], Outcome],
) -> list[Outcome]:
    """Run one kind of program on all problems."""
    task = progress.add_task(what, total=len(problems))
    outcomes: list[Outcome] = []
    for outcome in pool.map(one, problems):
        outcomes.append(outcome)
        progress.advance(task)
    return outcomes


def main(
    problems: Annotated[int, typer.Option(help="Problems of each kind.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the problems.")] = 0,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures here.")
    ] = None,
    at_once: Annotated[int, typer.Option(help="Programs that run at the same time.")] = 16,
) -> None:
    """Measure what collaboration brings on the embedded model."""
    rng = random.Random(seed)
    lists = [draw_sums(rng) for _ in range(problems)]
    terms = [draw_terms(rng) for _ in range(problems)]
    runtime = hog.local()
    alone, together = solo.on(runtime), solve_together.on(runtime)
    talk, after = talk_while_thinking.on(runtime), think_first.on(runtime)

    def team(
        n_names: int, layout: Literal["combined", "isolated"]
    ) -> Callable[[dict[str, tuple[int, int]]], Outcome]:
        names = NAMES[:n_names]
        return lambda sums: rate_sums(
            sums, together.run(prompt_of(sums), names=names, layout=layout)
        )

    kinds: dict[str, Callable[[dict[str, tuple[int, int]]], Outcome]] = {
        "alone": lambda sums: rate_sums(sums, alone.run(prompt_of(sums))),
        "shared2": team(2, "combined"),
        "shared3": team(3, "combined"),
        "isolated2": team(2, "isolated"),
    }

    def one_talk(numbers: list[int]) -> Outcome:
        question = "+".join(map(str, numbers))
        return rate_talk(numbers, talk.run(question), after.run(question))

    console = Console(stderr=True)
    with Progress(console=console) as progress, ThreadPoolExecutor(at_once) as pool:
        figures = {
            kind: summarise_sums(measure(progress, pool, kind, lists, one))
            for kind, one in kinds.items()
        }
        spoken = measure(progress, pool, "talk", terms, one_talk)
        figures["talk"] = {key: fmean(outcome[key] for outcome in spoken) for key in spoken[0]}
    runtime.close()
    if json_file is not None:
        json_file.write_text(json.dumps(figures, indent=2) + "\n")
    Console().print(table_of(figures))


def table_of(figures: dict[str, Outcome]) -> Table:
    """The figures for a reader; steps also as a ratio to working alone or in sequence."""
    table = Table(title="collaboration on the embedded model")
    for column in ("", "right", "twice", "tokens", "steps", "ratio of steps"):
        table.add_column(column, justify="left" if not column else "right")
    for kind in ("alone", "shared2", "shared3", "isolated2"):
        f = figures[kind]
        table.add_row(
            kind,
            f"{f['right']:.4f}",
            f"{f['twice']:.4f}",
            f"{f['tokens']:.1f}",
            f"{f['steps']:.1f}",
            f"{f['steps'] / figures['alone']['steps']:.3f}",
        )
    f = figures["talk"]
    ratio = f["first_spoken_step"] / f["sequential_first_spoken_step"]
    step = f"{f['first_spoken_step']:.1f} first spoken"
    table.add_row("talk", f"{f['right']:.4f}", "", "", step, f"{ratio:.3f}")
    return table


if __name__ == "__main__":
    typer.run(main)
