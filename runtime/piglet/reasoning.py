"""Thinking and speaking: results worked out line by line in thoughts and told in a reply."""

import random

from runtime.piglet.problems import Calculation, LongSum, Reasoning, speech
from runtime.piglet.segments import (
    ASSISTANT,
    DECISION,
    END,
    LEARN,
    PROBE,
    SKIP,
    THINKING,
    THOUGHTS_GO_ON,
    UNFINISHED,
    Segments,
    user,
)


def draw_long_sum(rng: random.Random) -> LongSum:
    return LongSum.draw(rng, rng.randint(2, 8))


def draw_calculation(rng: random.Random) -> Calculation:
    return Calculation.draw(rng, rng.randint(1, 6))


def think(problem: Reasoning, rng: random.Random) -> Segments:
    """The thinker's view: the reply so far, the thoughts, and now and then the probe.

    Where the probe comes, some of the reply may stand behind the thoughts, so that its answer has
    to be found in the reply itself and not in what stands between.
    """
    n_lines = problem.n_lines
    n_thought = rng.randint(0, n_lines)
    n_said = rng.randint(max(0, n_thought - 2), n_thought)
    said = _said(problem, n_said, rng)
    if rng.random() < 0.25:
        segments = _opened(problem, said)
        return [*segments, *_thoughts(problem, n_lines), ("</think>", LEARN)]
    n_before = len(said) if rng.random() < 0.5 else rng.randint(0, len(said))
    segments = [*_opened(problem, said[:n_before]), *_thoughts(problem, n_thought)]
    if rng.random() < 0.5 and n_thought < n_lines:
        line = problem.written(n_thought)
        segments.append((line[: rng.randint(1, len(line) - 1)], LEARN))
    if n_before < len(said):
        segments.append((f"{ASSISTANT}{said[n_before:]}", SKIP))
    return [*segments, (PROBE, SKIP), ("yes" if n_thought > n_said else "no", DECISION)]


def _opened(problem: Reasoning, said: str) -> Segments:
    """The question, the reply so far, and the beginning of the thoughts."""
    return [(user(problem.prompt) + ASSISTANT + said + UNFINISHED + THINKING, SKIP)]


def _thoughts(problem: Reasoning, n_lines: int) -> Segments:
    """The first lines of the thoughts; what a tool gives is not learned."""
    segments: Segments = []
    for i in range(n_lines):
        segments += [(problem.written(i), LEARN), (problem.given(i), SKIP)]
    return segments


def _said(problem: Reasoning, n_said: int, rng: random.Random) -> str:
    """The first `n_said` results as spoken, the last of them perhaps without its comma."""
    text = "".join(problem.said(i) + ", " for i in range(n_said))
    return text[: len(text) - rng.choice((0, 1, 2))] if text else text


def speak(problem: Reasoning, rng: random.Random) -> Segments:
    """The speaker's view: unfinished thoughts, and the results that they allow it to say."""
    n_lines = problem.n_lines
    n_thought = rng.randint(1, n_lines)
    started = problem.written(n_thought) if n_thought < n_lines else ""
    thoughts = "".join(text for text, _ in _thoughts(problem, n_thought))
    thoughts += started[: rng.randint(0, max(0, len(started) - 1))]
    view = user(problem.prompt) + THINKING + thoughts + THOUGHTS_GO_ON
    if n_thought == n_lines:
        return [(view, SKIP), (speech(problem) + END, LEARN)]
    said = "".join(problem.said(i) + ", " for i in range(n_thought))
    return [(view, SKIP), (said, LEARN)]


def think_and_speak(problem: Reasoning) -> Segments:
    """First all thoughts, then the whole reply, as any reasoning model does it."""
    return [
        (user(problem.prompt) + THINKING, SKIP),
        *_thoughts(problem, problem.n_lines),
        (f"</think>\n{speech(problem)}{END}", LEARN),
    ]
