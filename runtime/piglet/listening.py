"""Listening: numbers arrive over time, notes keep up with them, a reply comes when asked."""

import random

from runtime.piglet.problems import LABELS, LongSum
from runtime.piglet.segments import (
    ASSISTANT,
    END,
    LEARN,
    SKIP,
    THINKING,
    THOUGHTS_GO_ON,
    Segments,
    follow,
    user,
    waiting,
)

HEAR = user("hear")
ASKED = " ?"


def notes(rng: random.Random) -> Segments:
    """The notes: a line for every number after the first, a dot for every step without one."""
    problem = LongSum.draw(rng, rng.randint(0, 8))
    heard = _heard(problem)
    answers: list[Segments] = [[(line, LEARN)] for line in ["", *_lines(problem)][: len(heard)]]
    asked = bool(heard) and rng.random() < 0.5
    if asked:
        heard.append(ASKED)
        answers.append([("</think>", LEARN)])
    segments: Segments = [(HEAR, SKIP), *follow(rng, THINKING, heard, answers)]
    return segments if asked else [*segments, (waiting(rng), SKIP), (".", LEARN)]


def reply(rng: random.Random) -> Segments:
    """The reply: a dot for every step in which it has not been asked or the notes are behind."""
    problem = LongSum.draw(rng, rng.randint(1, 8))
    asked = rng.random() < 0.75
    lines = _lines(problem)
    n_noted = len(lines) if rng.random() < 0.75 else rng.randint(0, len(lines))
    heard = [*_heard(problem), *([ASKED] if asked else [])]
    written = _noted(lines, n_noted, rng)
    if asked and n_noted == len(lines):
        written += rng.choice(("", "</think>"))
        answer = f"{_told(problem)}{END}"
    else:
        answer = "."
    front, behind = _split(heard, rng)
    noted, noted_last = _split(written, rng)
    view = f"{HEAR}{front}{THINKING}{behind}{noted}{THOUGHTS_GO_ON}{noted_last}"
    return [(view, SKIP), (waiting(rng), SKIP), (answer, LEARN)]


def summary(rng: random.Random) -> Segments:
    """What was heard, as JSON, from what the streams have left behind.

    Without a reply, the notes may be one number behind. Without notes, there are at most two
    numbers: piglet adds no more than two at a time.
    """
    asked, has_notes = rng.random() < 0.6, rng.random() < 0.75
    has_reply = asked and rng.random() < 0.6
    n_terms = rng.randint(int(asked), 8 if has_notes or has_reply else 2)
    problem = LongSum.draw(rng, n_terms)
    lines = _lines(problem)
    view = HEAR + "".join(_heard(problem)) + (ASKED if asked else "")
    if has_notes:
        behind = not has_reply and rng.random() < 0.3
        n_noted = max(0, len(lines) - behind)
        view += _noted(lines, n_noted, rng)
        view += rng.choice(("", "</think>")) if asked and n_noted == len(lines) else ""
    if has_reply:
        view += waiting(rng) + _told(problem)
    total = problem.total(n_terms)
    return [
        (view + ASSISTANT, SKIP),
        (f'{{"heard":{n_terms},"total":{total}}}{END}', LEARN),
    ]


def _heard(problem: LongSum) -> list[str]:
    return [f" {LABELS[i]}:{term}" for i, term in enumerate(problem.terms)]


def _lines(problem: LongSum) -> list[str]:
    return [problem.written(i) for i in range(problem.n_lines)]


def _told(problem: LongSum) -> str:
    """The whole reply: the label of the last number, and the total."""
    n_terms = len(problem.terms)
    return f"{LABELS[n_terms - 1]}={problem.total(n_terms)}."


def _noted(lines: list[str], n_noted: int, rng: random.Random) -> str:
    """Notes so far: lines with waiting between, and perhaps the beginning of the next line."""
    text = "".join(waiting(rng) + line for line in lines[:n_noted]) + waiting(rng)
    started = lines[n_noted] if n_noted < len(lines) else ""
    return text + started[: rng.randint(0, max(0, len(started) - 1))]


def _split(text: list[str] | str, rng: random.Random) -> tuple[str, str]:
    """A text in two: in half of the cases all of it is in the first."""
    cut = len(text) if rng.random() < 0.5 else rng.randint(0, len(text))
    return "".join(text[:cut]), "".join(text[cut:])
