"""Input lands in the cache while the model takes notes and speaks.

printf ' a:12\n b:7\n c:30\n ?\n' | hogdsl run programs/keep_listening.py --set mic=-
"""

from typing import Literal

from pydantic import BaseModel

import hogdsl as hog

NOTES = "Somebody is talking. Take short notes while you listen. They say:\n"
SUMMARY = "How many numbers were there, and what is their total? Answer as JSON."


class Summary(BaseModel):
    """What was heard."""

    heard: int
    """How many numbers."""
    total: int


@hog.program
def keep_listening(
    s: hog.Scope, mic: hog.Channel, prompts: Literal["piglet", "general"] = "piglet"
) -> Summary:
    """Listen until the speaker has finished; keep notes, answer, and sum up.

    It is over when the speaker, the notes and the answer have come to their ends; with
    `s.concurrent(until=hog.closed("mic"))` it would be over as soon as the speaker is silent.

    With piglet the speaker says numbers with labels, ` a:12`, ` b:7`, and then ` ?`.
    """
    general = prompts == "general"
    s += hog.turn("user", NOTES if general else "hear")
    thoughts = hog.turn("assistant", "<think>\n")
    with s.concurrent() as now:
        with now.listen("mic", mic) as ear:
            pass
        with now.think("notes", max_tokens=512) as notes:
            notes += hog.gen(stop="</think>")
        with now.say("reply", max_tokens=512) as reply:
            reply += hog.gen(stop="\n" if general else None)
        notes.sees(ear, thoughts)
        reply.sees(ear, thoughts, notes, "...\n</think>\n")
        reply.pauses(until=ear.matches(r"\?") if general else hog.ended("notes"))
    s += hog.turn("user", SUMMARY) + hog.turn("assistant") if general else hog.turn("assistant")
    return s.gen(Summary, max_tokens=64)
