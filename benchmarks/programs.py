"""How often the programs of `programs/` are right: `python -m benchmarks.programs --seed 7`.

Every program runs as it is, concurrently, on a model that knows piglet's transcripts, and is judged
on fresh problems drawn from the seed. Problem `i` is the same for all programs that are asked the
same kind of thing. What a row counts:

    lists       whole problems without a fault;  lines   single lines of them
    votes       single votes;  majority   what most voted for
    thoughts    the whole work of the thinker;  reply, notes, summary   each as a whole
    kept        a reply that was broken into is right as far as it was kept
    after       the answer to what was broken in with, or asked next

Figures are the same for the same seed, model and `--at-once`; those of `tool_while_talking` may
differ a little, as its tool works in a thread beside the steps. Written as JSON: `right` and `n` of
each row, by the row's name.
"""

import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import hogdsl as hog
from programs.debate import debate
from programs.fork_vote import fork_vote
from programs.interruptible import interruptible
from programs.keep_listening import Summary, keep_listening
from programs.solo import solo
from programs.solve_together import solve_together
from programs.talk_while_thinking import talk_while_thinking
from programs.tool_while_talking import tool_while_talking
from runtime.piglet.problems import (
    LABELS,
    NAMES,
    Calculation,
    LongSum,
    Reasoning,
    SumList,
    draw_number,
    speech,
)

LayoutName = Literal["combined", "interleaved", "contiguous", "isolated"]
PACES = {"fast": (0, 0), "slow": (12, 20), "very slow": (40, 60)}
"""Steps from one number that arrives to the next, from and to."""
STEPS_TO_ANSWER = 160
"""How long the listener waits behind the question: 8 numbers take 110 steps."""
MAX_TOKENS = 512
"""No stream that is right writes more; one that goes astray ends here."""


@dataclass(frozen=True, slots=True)
class Count:
    """So many of so many are right."""

    right: int = 0
    n: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.right + other.right, self.n + other.n)


Judged = dict[str, Count]
"""What came of one problem, by what is counted."""
Trial = Callable[[random.Random], Judged]
"""Draws a problem, runs a program on it and judges what comes."""


def one(right: bool) -> Count:
    """One that is right or not."""
    return Count(int(right), 1)


def trials_of(runtime: hog.Runtime) -> dict[str, Trial]:
    """All programs with their settings, by the name of the row."""

    def teams(n_workers: int, layout: LayoutName) -> Trial:
        return lambda rng: solves_together(runtime, rng, n_workers, layout)

    def listeners(pace: str) -> Trial:
        return lambda rng: listens(runtime, rng, *PACES[pace])

    return (
        {"solo": lambda rng: solves_alone(runtime, rng)}
        | {
            f"solve_together {layout} {n}": teams(n, layout)
            for layout in get_args(LayoutName)
            for n in (2, 3, 4)
        }
        | {"talk_while_thinking": lambda rng: talks(runtime, rng)}
        | {f"keep_listening {pace}": listeners(pace) for pace in PACES}
        | {
            "debate": lambda rng: checks(runtime, rng),
            "tool_while_talking": lambda rng: calls_tools(runtime, rng),
            "fork_vote": lambda rng: votes(runtime, rng),
            "interruptible": lambda rng: gives_way(runtime, rng),
            "conversation": lambda rng: goes_on(runtime, rng),
        }
    )


# ---------------------------------------------------------------- lists of sums


def solves_alone(runtime: hog.Runtime, rng: random.Random) -> Judged:
    problem = SumList.draw(rng, rng.randint(3, 8))
    return judged_list(problem, solo.on(runtime, max_tokens=MAX_TOKENS)(problem.prompt))


def solves_together(
    runtime: hog.Runtime, rng: random.Random, n_workers: int, layout: LayoutName
) -> Judged:
    problem = SumList.draw(rng, rng.randint(3, 8))
    together = solve_together.on(runtime)
    return judged_list(problem, together(problem.prompt, names=NAMES[:n_workers], layout=layout))


def checks(runtime: hog.Runtime, rng: random.Random) -> Judged:
    """A critic reads lines of which the first, in half of all problems, is wrong."""
    problem = SumList.draw(rng, rng.randint(3, 8))
    opening = problem.wrong_line(0, rng) if rng.random() < 0.5 else ""
    run = debate.on(runtime).run(problem.prompt, opening=opening)
    return judged_list(problem, run.streams["con"].replace(".", "").replace(">", ":"))


def gives_way(runtime: hog.Runtime, rng: random.Random) -> Judged:
    """Somebody breaks into the reply with another list."""
    first, second = (SumList.draw(rng, rng.randint(2, 4)) for _ in range(2))
    at_step = rng.randrange(1, len(all_lines(first)) - 1)
    mic = spoken([(at_step, second.prompt)], closed_at=at_step + 1)
    replies = interruptible.on(runtime)(first.prompt, mic)
    kept, after = replies if len(replies) == 2 else (replies[0], "")
    return {
        "kept": one(all_lines(first).startswith(kept)),
        "after": one(after == all_lines(second)),
    }


def goes_on(runtime: hog.Runtime, rng: random.Random) -> Judged:
    """A conversation in which the first reply was broken off."""
    first, second = (SumList.draw(rng, rng.randint(2, 4)) for _ in range(2))
    n_tokens = rng.randrange(1, len(all_lines(first)) - 1)
    with hog.conversation(runtime, max_tokens=MAX_TOKENS) as s:
        s += hog.user(first.prompt) + hog.assistant(hog.gen("kept", max_tokens=n_tokens))
        s += hog.user(second.prompt) + hog.assistant(hog.gen("after"))
        kept, after = s["kept"], s["after"]
    return {
        "kept": one(all_lines(first).startswith(kept)),
        "after": one(after == all_lines(second)),
    }


def judged_list(problem: SumList, worked: str) -> Judged:
    """Lines in any order; one that is there twice makes the whole list wrong."""
    right = all_lines(problem).split()
    found = worked.split()
    return {
        "lists": one(sorted(found) == right),
        "lines": Count(len(set(right) & set(found)), len(right)),
    }


def all_lines(problem: SumList) -> str:
    return "".join(problem.line(i) for i in range(len(problem.pairs)))


# ---------------------------------------------------------------- thinking while speaking


def talks(runtime: hog.Runtime, rng: random.Random) -> Judged:
    problem = LongSum.draw(rng, rng.randint(4, 8))
    talk = talk_while_thinking.on(runtime, max_tokens=MAX_TOKENS)
    return judged_reasoning(problem, talk.run("+".join(map(str, problem.terms))))


def calls_tools(runtime: hog.Runtime, rng: random.Random) -> Judged:
    problem = Calculation.draw(rng, rng.randint(2, 6))
    task = ", ".join(f"{x}{operator}{y}" for x, operator, y in problem.items)
    return judged_reasoning(problem, tool_while_talking.on(runtime).run(task))


def judged_reasoning(problem: Reasoning, run: hog.Run[str]) -> Judged:
    work = "".join(problem.written(i) + problem.given(i) for i in range(problem.n_lines))
    return {
        "thoughts": one(run.streams["thoughts"] == work),
        "reply": one(run.value == speech(problem)),
    }


def votes(runtime: hog.Runtime, rng: random.Random) -> Judged:
    """A sum, and three answers of which two are near."""
    x, y = draw_number(rng), draw_number(rng)
    near = [n for n in (x + y - 10, x + y - 1, x + y + 1, x + y + 10) if n >= 0]
    choices = [str(n) for n in (x + y, *rng.sample(near, 2))]
    rng.shuffle(choices)
    vote = fork_vote.on(runtime, seed=rng.getrandbits(31))(f"{x}+{y}", tuple(choices))
    return {
        "votes": Count(vote.votes.get(str(x + y), 0), sum(vote.votes.values())),
        "majority": one(vote.answer == str(x + y)),
    }


# ---------------------------------------------------------------- listening


def listens(runtime: hog.Runtime, rng: random.Random, least: int, most: int) -> Judged:
    """3 to 8 numbers and then the question, each so many steps after the one before."""
    problem = LongSum.draw(rng, rng.randint(3, 8))
    texts = [f" {label}:{n}" for label, n in zip(LABELS, problem.terms, strict=False)]
    items, step = [(0, texts[0])], 0
    for text in (*texts[1:], " ?"):
        step += rng.randint(least, most)
        items.append((step, text))
    mic = spoken(items, closed_at=step + STEPS_TO_ANSWER)
    stream, written = keep_listening.on(runtime).stream(mic), dict[str, str]()
    summary = None
    with suppress(hog.ProgramError):  # JSON that is not whole within its budget is no summary
        for event in stream:
            if event.kind == "stream_ended":
                written[event.stream] = event.text
        summary = stream.run.value
    n, total = len(problem.terms), sum(problem.terms)
    notes = "".join(problem.written(i) for i in range(problem.n_lines))
    return {
        "notes": one(written["notes"].replace(".", "").removesuffix("</think>") == notes),
        "reply": one(written["reply"].lstrip(".") == f"{LABELS[n - 1]}={total}."),
        "summary": one(summary == Summary(heard=n, total=total)),
    }


def spoken(items: Iterable[tuple[int, str]], closed_at: int) -> hog.Channel:
    """A channel on which each text comes at a step of the region."""
    mic = hog.Channel()
    for step, text in items:
        mic.send(text, at_step=step)
    mic.close(at_step=closed_at)
    return mic


# ---------------------------------------------------------------- the command


def measure(
    trials: dict[str, Trial], n_problems: int, seed: int, pool: ThreadPoolExecutor
) -> dict[str, Count]:
    """Run everything; counts by the name of the row and what it counts."""
    counts: defaultdict[str, Count] = defaultdict(Count)
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=len(trials) * n_problems)
        for name, trial in trials.items():
            progress.update(task, description=name)
            for judged in pool.map(trial, rngs(n_problems, seed)):
                for what, count in judged.items():
                    counts[f"{name}: {what}"] += count
                progress.advance(task)
    return dict(counts)


def rngs(n_problems: int, seed: int) -> Sequence[random.Random]:
    """One for each problem."""
    return [random.Random(f"{seed}/{i}") for i in range(n_problems)]


def main(
    problems: Annotated[int, typer.Option(help="Problems for each program.", min=1)] = 20,
    seed: Annotated[int, typer.Option(help="Seed of the problems.")] = 0,
    model: Annotated[str, typer.Option(help="piglet, or a folder with a checkpoint.")] = "piglet",
    only: Annotated[str, typer.Option(help="Programs with names that match this regex.")] = "",
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures here.")
    ] = None,
    at_once: Annotated[int, typer.Option(help="Programs that run at the same time.")] = 16,
) -> None:
    """Count how often the programs are right on the embedded model."""
    runtime = hog.local(model)
    trials = {name: t for name, t in trials_of(runtime).items() if re.search(only, name)}
    if not trials:
        raise typer.BadParameter(f"no program's name matches {only!r}", param_hint="--only")
    with ThreadPoolExecutor(at_once) as pool:
        counts = measure(trials, problems, seed, pool)
    runtime.close()
    if json_file is not None:
        figures = {name: {"right": c.right, "n": c.n} for name, c in counts.items()}
        json_file.write_text(json.dumps(figures, indent=2) + "\n")
    Console().print(table_of(counts))


def table_of(counts: dict[str, Count]) -> Table:
    table = Table("", title="programs on the embedded model")
    for column in ("right", "of", "share"):
        table.add_column(column, justify="right")
    for name, count in counts.items():
        table.add_row(name, str(count.right), str(count.n), f"{count.right / count.n:.3f}")
    return table


if __name__ == "__main__":
    typer.run(main)
