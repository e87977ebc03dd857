"""Two sides, each of which reads the other as the user of its own chat: a layout of one's own.

hogdsl run programs/debate.py --set topic="a:17+25 b:38+41" --set opening=$'a:17+25=43\n'
"""

import re
from collections.abc import Sequence
from typing import Literal

import hogdsl as hog

RULES = "Two debaters argue at the same time, in short paragraphs. The motion: "
SIDES = "You argue {side} the motion. Answer what the other side has just said:\n\n"
VERDICT = "As the judge of this debate, name the side that argued better."


def face_to_face(
    me: hog.Worker, others: Sequence[hog.Worker], shared: hog.Shared
) -> Sequence[hog.ViewItem]:
    """Everything so far, the other side as the user's words while they are written, and mine."""
    side = "for" if me.name == "pro" else "against"
    return (shared, hog.turn("user", SIDES.format(side=side)), *others, hog.turn("assistant"), me)


def critic_reads(
    me: hog.Worker, others: Sequence[hog.Worker], shared: hog.Shared
) -> Sequence[hog.ViewItem]:
    """The critic reads every line while it is written; the other side sees itself only."""
    if me.name == "pro":
        return (shared, hog.turn("assistant"))
    return (
        shared,
        hog.turn("assistant"),
        *others,
        hog.turn("user", "check"),
        hog.turn("assistant"),
    )


@hog.program
def debate(
    s: hog.Scope,
    topic: str,
    opening: str = "",
    prompts: Literal["piglet", "general"] = "piglet",
) -> str:
    """Both sides at the same time; gives the verdict.

    With piglet the topic is a list of sums: `pro` works them out, beginning with the lines of
    `opening`, which may be wrong, and `con` works every line again as soon as it is there.
    """
    if prompts == "piglet":
        return _checked(s, topic, opening)
    s += hog.user(RULES + topic)
    with s.fork("pro", "con", layout=face_to_face, max_tokens=512) as team:
        for side in team:
            side += (opening if side.name == "pro" else "") + hog.gen(stop="</debate>")
    s += hog.user(VERDICT) + hog.turn("assistant", "The better side is ")
    s += hog.select("verdict", ["pro", "con"])
    return s["verdict"]


def _checked(s: hog.Scope, topic: str, opening: str) -> str:
    s += hog.user(topic)
    with s.fork("pro", "con", layout=critic_reads, max_tokens=160) as team:
        team["pro"] += opening + hog.gen()
        team["con"] += hog.gen()
    said = dict(re.findall(r"([a-h]):(\d+\+\d+=\d+)", team["pro"].text))
    found = dict(re.findall(r"([a-h])>(\d+\+\d+=\d+)", team["con"].text))
    return "\n".join(f"{x}:{'ok' if said[x] == found.get(x) else 'no'}" for x in said)
