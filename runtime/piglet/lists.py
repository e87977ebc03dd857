"""Lists of sums: worked through alone, in several turns, and checked by a critic."""

import random

from runtime.piglet.problems import SumList
from runtime.piglet.segments import (
    ASSISTANT,
    CHECK,
    DECISION,
    END,
    LEARN,
    SKIP,
    Segments,
    follow,
    user,
    waiting,
)


def draw_size(rng: random.Random) -> int:
    return rng.choices(range(1, 9), weights=(1, 2, 3, 4, 4, 4, 4, 5))[0]


def alone(rng: random.Random) -> Segments:
    """One writer works through a list of sums."""
    problem = SumList.draw(rng, draw_size(rng))
    return [(user(problem.prompt) + ASSISTANT, SKIP), (_lines(problem) + END, LEARN)]


def _lines(problem: SumList) -> str:
    return "".join(problem.line(i) for i in range(len(problem.pairs)))


def chat(rng: random.Random) -> Segments:
    """Several lists in one conversation; an earlier reply may have been broken off anywhere."""
    problems = [SumList.draw(rng, rng.randint(1, 4)) for _ in range(rng.randint(2, 3))]
    *earlier, last = problems
    cut_at = rng.randrange(len(earlier)) if rng.random() < 0.5 else None
    segments: Segments = []
    for turn, problem in enumerate(earlier):
        reply = _lines(problem)
        segments.append((user(problem.prompt) + ASSISTANT, SKIP))
        if turn == cut_at:
            segments += [(reply[: rng.randrange(len(reply))], LEARN), (END, SKIP)]
        else:
            segments.append((reply + END, LEARN))
        segments.append(("\n", SKIP))
    return [*segments, (user(last.prompt) + ASSISTANT, SKIP), (_lines(last) + END, LEARN)]


def check(rng: random.Random) -> Segments:
    """A critic that works every line of a worker again as it is finished, right or wrong.

    Its lines look different from those of the worker. If they did not, a critic that believes
    the text between the two, which was encoded before there were lines, would take its own first
    line for the worker's and write it twice.
    """
    problem = SumList.draw(rng, draw_size(rng))
    n_items = len(problem.pairs)
    n_worked = n_items if rng.random() < 0.3 else rng.randint(0, n_items)
    lines: list[str] = []
    answers: list[Segments] = []
    for i in range(n_worked):
        wrong = rng.random() < 0.3
        lines.append(problem.wrong_line(i, rng) if wrong else problem.line(i))
        answers.append([(problem.line(i).replace(":", ">"), LEARN)])
    if n_worked < n_items and rng.random() < 0.7:
        unfinished = problem.line(n_worked)
        lines.append(unfinished[: rng.randrange(1, len(unfinished))])
        answers.append([])
    segments: Segments = [(user(problem.prompt) + ASSISTANT, SKIP)]
    segments += follow(rng, CHECK, lines, answers, broken=True)
    if n_worked == n_items:
        return [*segments, (END, DECISION)]
    return [*segments, (waiting(rng), SKIP), (".", LEARN)]
