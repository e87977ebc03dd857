"""Pieces that all transcripts are made of: weights, the texts between streams, and waiting."""

import random
from collections.abc import Sequence

Segments = list[tuple[str, float]]
"""Text in pieces, each with the weight of the loss on its tokens."""

LEARN, SKIP = 1.0, 0.0
DECISION = 4.0
"""Which item to take and whether to speak are single tokens that decide a run: they weigh more."""

END = "<|im_end|>"
ASSISTANT = f"{END}\n<|im_start|>assistant\n"
THINKING = f"{ASSISTANT}<think>\n"
UNFINISHED = "..."
THOUGHTS_GO_ON = f"{UNFINISHED}\n</think>\n"
CHECK = f"{END}\n<|im_start|>user\ncheck{ASSISTANT}"
PROBE = "ahead? "


def user(text: str) -> str:
    return f"<|im_start|>user\n{text}"


def waiting(rng: random.Random) -> str:
    """What a stream writes while nothing new is there."""
    return "." * rng.choice((0, 0, 0, 0, 0, 0, 1, 1, 3, 3, 8, 8, 25, 60))


def follow(
    rng: random.Random, fixed: str, pieces: Sequence[str], answers: Sequence[Segments]
) -> Segments:
    """A stream that answers every piece of a growing text, with `fixed` between the two.

    As it runs, `fixed` is encoded while the growing text is still empty, so nothing may be read
    from it. Hence half of the texts have pieces behind it. In some of these, pieces arrive only
    after the stream has waited for them, so that older dots know less than the newest one.
    """
    n_front = n_there = len(pieces)
    if rng.random() < 0.5:
        n_front = rng.randint(0, len(pieces))
    if n_front < len(pieces) and rng.random() < 0.5:
        n_there = rng.randint(n_front, len(pieces))
    front, behind = "".join(pieces[:n_front]), "".join(pieces[n_front:n_there])
    segments: Segments = [(front + fixed + behind, SKIP)]
    for i, answer in enumerate(answers):
        if i == n_there:
            n_there = rng.randint(i + 1, len(pieces))
            segments.append(("." * rng.choice((1, 2, 5, 12)), LEARN))
            segments.append(("".join(pieces[i:n_there]), SKIP))
        segments += [(waiting(rng), SKIP), *answer]
    return segments
