"""The programs of the benchmark, and when they arrive."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import hogdsl as hog
from benchmarks.collaboration import draw_sums, draw_terms, prompt_of
from programs.solo import solo
from programs.solve_together import solve_together
from programs.talk_while_thinking import talk_while_thinking

ENDS = ("<|im_end|>", "</think>")
"""Tokens that are forbidden where all runs are to be equally long."""
N_WRITTEN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A program with its argument.

    Attributes:
        kind: a name for the summary.
        program: takes a text.
        text: what it is given.
        speaks: the stream whose first token is waited for, if one is.
    """

    kind: str
    program: hog.Program[..., str]
    text: str
    speaks: str | None = None


def mixed(rng: Random, n: int) -> list[Job]:
    """Solo writers, pairs and talkers in turns, each with a problem of its own."""
    jobs: list[Job] = []
    for index in range(n):
        problem, terms = prompt_of(draw_sums(rng)), "+".join(map(str, draw_terms(rng)))
        kinds = (
            Job(kind="solo", program=solo, text=problem),
            Job(kind="pair", program=solve_together, text=problem),
            Job(kind="talker", program=talk_while_thinking, text=terms, speaks="reply"),
        )
        jobs.append(kinds[index % 3])
    return jobs


def crowded(rng: Random, n: int) -> list[Job]:
    """Three writers behind long texts, then a talker behind a text of two chunks, and so on."""
    jobs: list[Job] = []
    for index in range(n):
        speaks = index % 4 == 3
        text = " ".join(prompt_of(draw_sums(rng)) for _ in range(9 if speaks else 24))
        if speaks:
            jobs.append(Job(kind="talker", program=talk_behind, text=text, speaks="reply"))
        else:
            jobs.append(Job(kind="writer", program=write_behind, text=text))
    return jobs


@hog.program
def write_behind(s: hog.Scope, text: str) -> str:
    """A writer in the background, behind a text."""
    s += hog.user(text) + hog.turn("assistant")
    s += hog.gen("written", max_tokens=N_WRITTEN, forbid=ENDS)
    return s["written"]


@hog.program
def talk_behind(s: hog.Scope, text: str) -> str:
    """A talker who thinks and speaks at the same time, behind a text."""
    with s.concurrent() as now:
        with now.think("thoughts", prompt=hog.user(text)) as think:
            think += hog.turn("assistant") + hog.gen(max_tokens=N_WRITTEN, forbid=ENDS)
        with now.say("reply", prompt=hog.user(text)) as say:
            say += hog.turn("assistant") + hog.gen(max_tokens=N_WRITTEN, forbid=ENDS)
    return now["reply"]


def arrivals(rng: Random, n: int, mean_gap_s: float) -> Iterator[float]:
    """Seconds from the beginning at which `n` programs come: a Poisson process."""
    at_s = 0.0
    for _ in range(n):
        yield at_s
        at_s += rng.expovariate(1 / mean_gap_s)
