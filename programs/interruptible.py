"""A reply that can be broken into: what was not delivered leaves the cache.

hogdsl run programs/interruptible.py --set question="a:17+25 b:38+41" --set mic=-
"""

from typing import Literal

import hogdsl as hog

RULES = "Answer what the user says. If the user breaks in, answer what was said last."


@hog.program
def interruptible(
    s: hog.Scope,
    question: str,
    mic: hog.Channel,
    speaker: hog.Speaker | None = None,
    prompts: Literal["piglet", "general"] = "piglet",
) -> tuple[str, ...]:
    """Answer until nobody breaks in; gives all replies as far as they were delivered.

    Whoever plays the reply tells `speaker` how much was delivered; without one, all that was
    written counts. With piglet the question is a list of sums, and so is what is broken in with.
    """
    if prompts == "general":
        s += hog.system(RULES)
    replies: list[str] = []
    said = question
    while said:
        s += hog.user(said) + hog.turn("assistant")
        with s.concurrent(keep="reply") as now:
            now.listen("mic", mic, barge_in="stop")
            with now.say("reply", max_tokens=512, speaker=speaker) as reply:
                reply += hog.gen()
            reply.sees()
        replies.append(reply.text)
        said = now["mic"].strip() if reply.ended == "interrupted" else ""
    return tuple(replies)
