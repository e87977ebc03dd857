"""What piglet is asked: lists of sums, long sums, and numbers that arrive one by one.

Everything here is plain text and arithmetic; `transcripts` turns it into training sequences and
`evaluate` into tests. A problem is drawn from a `random.Random` and nothing else.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

LABELS = "abcdefgh"
NAMES = ("Alice", "Bob", "Carol", "Dave")


def draw_number(rng: random.Random) -> int:
    """A number of one or two digits; one in five has one digit by choice."""
    return rng.randint(0, 9) if rng.random() < 0.2 else rng.randint(1, 99)


@dataclass(frozen=True, slots=True)
class SumList:
    """A list of sums that can be shared out: `a:17+25 b:38+41`."""

    pairs: tuple[tuple[int, int], ...]

    @classmethod
    def draw(cls, rng: random.Random, n_items: int) -> "SumList":
        return cls(tuple((draw_number(rng), draw_number(rng)) for _ in range(n_items)))

    @property
    def prompt(self) -> str:
        items = zip(LABELS, self.pairs, strict=False)
        return " ".join(f"{label}:{x}+{y}" for label, (x, y) in items)

    @property
    def answers(self) -> dict[str, int]:
        return {label: x + y for label, (x, y) in zip(LABELS, self.pairs, strict=False)}

    def line(self, index: int) -> str:
        """The worked line of one item, with its line break."""
        x, y = self.pairs[index]
        return f"{LABELS[index]}:{x}+{y}={x + y}\n"


@dataclass(frozen=True, slots=True)
class LongSum:
    """Numbers to be added one after another: `a:17 b:25 c:3`."""

    terms: tuple[int, ...]

    @classmethod
    def draw(cls, rng: random.Random, n_terms: int) -> "LongSum":
        return cls(tuple(draw_number(rng) for _ in range(n_terms)))

    @property
    def prompt(self) -> str:
        return label_terms(self.terms)

    @property
    def running(self) -> tuple[int, ...]:
        """The running totals: `running[i]` is the sum of the terms 0 to i."""
        totals = [self.terms[0]]
        for term in self.terms[1:]:
            totals.append(totals[-1] + term)
        return tuple(totals)

    def thought(self, index: int) -> str:
        """The thought that adds term `index` (1 or more) to the running total."""
        before, after = self.running[index - 1], self.running[index]
        return f"{LABELS[index]}:{before}+{self.terms[index]}={after}\n"

    def said(self, index: int) -> str:
        """The running total of term `index` as it is spoken, without what follows it."""
        return f"{LABELS[index]}={self.running[index]}"

    @property
    def speech(self) -> str:
        """The whole reply, as it is spoken while the thoughts go on."""
        return ", ".join(self.said(i) for i in range(1, len(self.terms))) + "."


def label_terms(terms: Sequence[int]) -> str:
    """Numbers with labels, as piglet reads them: `a:17 b:25 c:3`."""
    return " ".join(f"{label}:{term}" for label, term in zip(LABELS, terms, strict=False))
