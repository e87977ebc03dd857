"""Pieces that all transcripts are made of: weights, the texts between streams, and waiting."""

import random
from collections.abc import Sequence
from itertools import accumulate

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
    rng: random.Random,
    fixed: str,
    pieces: Sequence[str],
    answers: Sequence[Segments],
    *,
    broken: bool = False,
) -> Segments:
    """A stream that answers every piece of a growing text, with `fixed` between the two.

    As it runs, `fixed` is encoded while the growing text is still empty, so nothing may be read
    from it. Hence most texts have pieces behind it. In half of all, pieces arrive only after the
    stream has waited for them, mostly one by one, so that older dots know less than the newest
    one. Where its end can be seen, a piece may also arrive `broken` in parts.
    """
    text, ends = "".join(pieces), list(accumulate(map(len, pieces)))
    arrivals = list(range(len(text) + 1)) if broken else [0, *ends]
    n_front = n_there = len(text)
    if rng.random() < 0.67:
        n_front = rng.choice(arrivals)
        n_there = n_front if rng.random() < 0.75 else n_there
    one_by_one = rng.random() < 0.7
    pauses = (1, 1, 2, 5) if broken else (1, 2, 5, 12, 25, 50)
    segments: Segments = [(text[:n_front] + fixed + text[n_front:n_there], SKIP)]
    for end, answer in zip(ends, answers, strict=True):
        while n_there < end:
            last = end if one_by_one else len(text)
            before, n_there = n_there, rng.choice([n for n in arrivals if n_there < n <= last])
            segments.append(("." * rng.choice(pauses), LEARN))
            segments.append((text[before:n_there], SKIP))
        segments += [(waiting(rng), SKIP), *answer]
    return segments
