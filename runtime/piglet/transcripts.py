"""Left-to-right training text for piglet, as segments with a loss weight each.

A transcript is what one stream sees at one moment, written down as ordinary text. The weight says
where it learns: never on what others wrote by choice (which item they took, what a tool gave),
always on what follows from the prompt. No concurrent attention is used.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from runtime.piglet import listening, lists, reasoning, teams
from runtime.piglet.segments import Segments

Draw = Callable[[random.Random], Segments]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of transcript and its share of the training, relative to those of the others."""

    draw: Draw
    weight: int


_long_sum, _calculation = reasoning.draw_long_sum, reasoning.draw_calculation

KINDS = {
    "alone": Kind(draw=lists.alone, weight=7),
    "combined": Kind(draw=teams.combined, weight=65),
    "contiguous": Kind(draw=teams.contiguous, weight=22),
    "interleaved": Kind(draw=teams.interleaved, weight=16),
    "chat": Kind(draw=lists.chat, weight=6),
    "check": Kind(draw=lists.check, weight=14),
    "think": Kind(draw=lambda rng: reasoning.think(_long_sum(rng), rng), weight=10),
    "speak": Kind(draw=lambda rng: reasoning.speak(_long_sum(rng), rng), weight=6),
    "think_and_speak": Kind(draw=lambda rng: reasoning.think_and_speak(_long_sum(rng)), weight=3),
    "calc_think": Kind(draw=lambda rng: reasoning.think(_calculation(rng), rng), weight=7),
    "calc_speak": Kind(draw=lambda rng: reasoning.speak(_calculation(rng), rng), weight=4),
    "calc": Kind(draw=lambda rng: reasoning.think_and_speak(_calculation(rng)), weight=2),
    "listen_notes": Kind(draw=listening.notes, weight=14),
    "listen_reply": Kind(draw=listening.reply, weight=9),
    "listen_summary": Kind(draw=listening.summary, weight=7),
}


def draw(rng: random.Random) -> Segments:
    """One training transcript, of a kind and size drawn from `rng`."""
    kinds = list(KINDS.values())
    (kind,) = rng.choices(kinds, weights=[kind.weight for kind in kinds])
    return kind.draw(rng)
