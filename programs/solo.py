"""One stream alone: what the concurrent programs are compared with."""

import re
from typing import Literal

import hogdsl as hog

RULES = "Solve every item. Write one short line for each, and end with the results in order.\n\n"
THINKER = "Think step by step, then answer briefly.\n\n"


@hog.program
def solo(s: hog.Scope, problem: str, prompts: Literal["piglet", "general"] = "piglet") -> str:
    """One writer works through a list of sums such as `a:17+25 b:38+41`."""
    rules = "" if prompts == "piglet" else RULES
    s += hog.user(rules + problem) + hog.assistant(hog.gen("work", max_tokens=2048))
    return s["work"].strip()


@hog.program
def think_first(
    s: hog.Scope, question: str, prompts: Literal["piglet", "general"] = "piglet"
) -> str:
    """Think to the end and only then reply, as reasoning models do."""
    if prompts == "piglet":
        s += hog.user(label(question))
    else:
        s += hog.user(THINKER + question)
    s += hog.turn("assistant", "<think>\n")
    s += hog.gen("thoughts", max_tokens=4096, stop="</think>") + "</think>\n"
    s += hog.gen("reply", max_tokens=512)
    return s["reply"]


def label(question: str) -> str:
    """The numbers of a question with the labels that piglet knows: `a:17 b:25 c:3`."""
    numbers = re.findall(r"\d+", question)
    if not 2 <= len(numbers) <= 8:
        raise ValueError(f"piglet adds 2 to 8 numbers, and {question!r} has {len(numbers)}")
    return " ".join(f"{letter}:{n}" for letter, n in zip("abcdefgh", numbers, strict=False))
