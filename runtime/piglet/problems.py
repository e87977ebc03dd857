"""What piglet is asked: lists of sums, long sums, calculations, and numbers that arrive one by one.

Everything here is plain text and arithmetic; `transcripts` turns it into training sequences and
`evaluate` into tests. A problem is drawn from a `random.Random` and nothing else.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

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

    def wrong_line(self, index: int, rng: random.Random) -> str:
        """The worked line of one item with another digit somewhere in its result."""
        x, y = self.pairs[index]
        digits = list(str(x + y))
        place = rng.randrange(len(digits))
        others = "123456789" if place == 0 else "0123456789"
        digits[place] = rng.choice([digit for digit in others if digit != digits[place]])
        return f"{LABELS[index]}:{x}+{y}={''.join(digits)}\n"


class Reasoning(Protocol):
    """A problem that is worked out line by line in thoughts and told result by result."""

    @property
    def prompt(self) -> str: ...

    @property
    def n_lines(self) -> int: ...

    def written(self, index: int) -> str:
        """What the thinker writes of a line of its thoughts."""
        ...

    def given(self, index: int) -> str:
        """What a tool adds to that line, or nothing."""
        ...

    def said(self, index: int) -> str:
        """The result of a line as it is spoken, without what follows it."""
        ...


def speech(problem: Reasoning) -> str:
    """The whole reply: all results in order."""
    return ", ".join(problem.said(i) for i in range(problem.n_lines)) + "."


@dataclass(frozen=True, slots=True)
class LongSum:
    """Numbers to be added one after another: `a:17 b:25 c:3`.

    Line `i` of the thoughts adds term `i + 1` to the running total.
    """

    terms: tuple[int, ...]

    @classmethod
    def draw(cls, rng: random.Random, n_terms: int) -> "LongSum":
        return cls(tuple(draw_number(rng) for _ in range(n_terms)))

    @property
    def prompt(self) -> str:
        return label_terms(self.terms)

    @property
    def n_lines(self) -> int:
        return len(self.terms) - 1

    def total(self, n_terms: int) -> int:
        """The sum of the first `n_terms` terms."""
        return sum(self.terms[:n_terms])

    def written(self, index: int) -> str:
        before, term = self.total(index + 1), self.terms[index + 1]
        return f"{LABELS[index + 1]}:{before}+{term}={before + term}\n"

    def given(self, index: int) -> str:
        return ""

    def said(self, index: int) -> str:
        return f"{LABELS[index + 1]}={self.total(index + 2)}"


@dataclass(frozen=True, slots=True)
class Calculation:
    """Sums and products: `calc a:17*25 b:38+41`. Products are the work of a tool."""

    items: tuple[tuple[int, str, int], ...]

    @classmethod
    def draw(cls, rng: random.Random, n_items: int) -> "Calculation":
        return cls(
            tuple((draw_number(rng), rng.choice("+*"), draw_number(rng)) for _ in range(n_items))
        )

    @property
    def prompt(self) -> str:
        return "calc " + " ".join(self._task(i) for i in range(len(self.items)))

    @property
    def n_lines(self) -> int:
        return len(self.items)

    def result(self, index: int) -> int:
        x, operator, y = self.items[index]
        return x * y if operator == "*" else x + y

    def written(self, index: int) -> str:
        if self.items[index][1] == "*":
            return f"{self._task(index)}?"
        return f"{self._task(index)}={self.result(index)}\n"

    def given(self, index: int) -> str:
        return f"={self.result(index)}\n" if self.items[index][1] == "*" else ""

    def said(self, index: int) -> str:
        return f"{LABELS[index]}={self.result(index)}"

    def _task(self, index: int) -> str:
        x, operator, y = self.items[index]
        return f"{LABELS[index]}:{x}{operator}{y}"


def label_terms(terms: Sequence[int]) -> str:
    """Numbers with labels, as piglet reads them: `a:17 b:25 c:3`."""
    return " ".join(f"{label}:{term}" for label, term in zip(LABELS, terms, strict=False))
