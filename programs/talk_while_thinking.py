"""The reply starts while the thoughts go on (Asynchronous Reasoning, section 3).

hogdsl run programs/talk_while_thinking.py --set question="17+25+38+41"
"""

import re
from dataclasses import dataclass
from typing import Literal

import hogdsl as hog


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompts:
    """What differs between models: the texts, and how often the thinker is asked."""

    thinker: str
    writer: str
    reply_goes_on: str
    thoughts_go_on: str
    ahead: str
    every: int | None
    at: str
    each: str | None


GENERAL = Prompts(
    thinker="Think the task through step by step. Your reply is already being written from these "
    "thoughts while you think, so settle early what can be said first.\n\nTask: ",
    writer="Answer the task for the reader. Your thoughts are still going on: say only what they "
    "have settled, and stop where they stop.\n\nTask: ",
    reply_goes_on=" SYSTEM: [the response continues here]",
    thoughts_go_on=" SYSTEM: [more thoughts will appear here]\n</think>\n",
    ahead="\n\nWait, are my private thoughts ahead of the response? (yes/no): ",
    every=20,
    at="\n\n",
    each=None,
)
PIGLET = Prompts(
    thinker="",
    writer="",
    reply_goes_on="...",
    thoughts_go_on="...\n</think>\n",
    ahead="ahead? ",
    every=None,
    at="\n",
    each=", ",
)


@hog.program
def talk_while_thinking(
    s: hog.Scope, question: str, prompts: Literal["piglet", "general"] = "piglet"
) -> str:
    """Reply while thinking; a question to the thinker paces the reply.

    With piglet the question is a sum of 2 to 8 numbers such as `17+25+3`, and the reply is spoken
    as running totals, one letter for each number after the first.
    """
    p = PIGLET if prompts == "piglet" else GENERAL
    if prompts == "piglet":
        question = label(question)
    with s.concurrent() as now:
        with now.think("thoughts", prompt=hog.user(p.thinker + question), max_tokens=4096) as think:
            think += hog.gen(stop="</think>")
        with now.say("reply", prompt=hog.user(p.writer + question), max_tokens=1024) as say:
            say += hog.gen()
        opened = hog.turn("assistant", "<think>\n")
        think.sees(hog.turn("assistant"), say, p.reply_goes_on, opened)
        say.sees(opened, think, p.thoughts_go_on)
        say.waits_for(think.ask(p.ahead, every=p.every, at=p.at), each=p.each)
    return now["reply"]


def label(question: str) -> str:
    """The numbers of a question with the labels that piglet knows: `a:17 b:25 c:3`."""
    numbers = re.findall(r"\d+", question)
    if not 2 <= len(numbers) <= 8:
        raise ValueError(f"piglet adds 2 to 8 numbers, and {question!r} has {len(numbers)}")
    return " ".join(f"{letter}:{n}" for letter, n in zip("abcdefgh", numbers, strict=False))
