"""The rules of a region while it runs: asks, waits and untils.

A question is *due* when its stream has written enough or reached a boundary; it is put in the next
step as a row on a scratch block behind the stream's view, so it sees what all append in that step
and leaves nothing behind. A stream that waits is *held*: it gets no row, and its pending token
stays outside the cache.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp

from hogdsl import plan
from runtime.scheduler.work import Text
from runtime.scheduler.writer import Phase, Writer


@dataclass(slots=True, kw_only=True)
class AskState:
    """A question, when it is due, and what the newest answer was.

    Attributes:
        question: its tokens.
        first_tokens: for each answer the tokens that may begin it.
    """

    plan: plan.Ask
    question: tuple[int, ...]
    first_tokens: tuple[tuple[int, ...], ...]
    due: bool = False
    _seen_tokens: int = 0
    _seen_chars: int = 0

    def look(self, writer: Writer) -> None:
        """See how far the stream has come, and whether the question is due."""
        if writer.phase is not Phase.RUNNING:
            self.due = False
            return
        every, at = self.plan.every, self.plan.at
        if every is not None and writer.n_generated - self._seen_tokens >= every:
            self.due = True
        if at is not None:
            # A boundary may begin before the place that was looked at last, but must end after it.
            start = max(0, self._seen_chars - len(at) + 1)
            if writer.generated.find(at, start) >= 0:
                self.due = True
        if self.due:
            self._seen_tokens = writer.n_generated
            self._seen_chars = len(writer.generated)

    def odds(self, logprobs: Sequence[float]) -> dict[str, float]:
        """The probability of each answer among the answers.

        Args:
            logprobs: for all `first_tokens`, run together.
        """
        rest = list(logprobs)
        weights: list[float] = []
        for tokens in self.first_tokens:
            weights.append(sum(exp(logprob) for logprob in rest[: len(tokens)]))
            rest = rest[len(tokens) :]
        total = sum(weights) or 1.0
        answers = zip(self.plan.answers, weights, strict=True)
        return {answer: weight / total for answer, weight in answers}


def first_tokens(text: Text, answers: Iterable[str]) -> tuple[tuple[int, ...], ...]:
    """The tokens that may begin each answer: as it stands, capitalised, and after a space.

    Raises:
        ValueError: two answers can begin with the same token.
    """
    found: list[tuple[int, ...]] = []
    for answer in answers:
        forms = (answer, answer.capitalize(), " " + answer, " " + answer.capitalize())
        tokens = [text.encode(form) for form in forms]
        space = text.encode(" ")
        begins = {t[len(space)] if t[: len(space)] == space else t[0] for t in tokens if t}
        found.append(tuple(sorted(begins)))
    for i, begins in enumerate(found):
        for other in found[:i]:
            if set(begins) & set(other):
                raise ValueError(f"the answers {list(answers)} can begin with the same token")
    return tuple(found)


@dataclass(slots=True, kw_only=True)
class WaitState:
    """What holds a stream, and whether it has been let go.

    Attributes:
        may_write: the newest answer, or with `each` a permission, lets it write.
        may_go_on: with `each`: a further permission that came while it was writing.
    """

    plan: plan.Wait
    may_write: bool = False
    may_go_on: bool = False
    _seen_chars: int = 0

    def hear(self, answer: str, writer: Writer) -> None:
        """An answer has come."""
        wanted = answer == self.plan.answer
        if self.plan.each is None:
            self.may_write = wanted
        elif self.may_write:
            self.may_go_on = wanted
        elif wanted:
            self.may_write, self._seen_chars = True, len(writer.generated)

    def look(self, writer: Writer) -> None:
        """See whether the stream has used up a permission, by writing up to its `each`."""
        each = self.plan.each
        if each is None or not self.may_write:
            return
        place = writer.generated.find(each, self._seen_chars)
        if place >= 0:
            self._seen_chars = place + len(each)
            self.may_write, self.may_go_on = self.may_go_on, False


@dataclass(slots=True, kw_only=True)
class Rules:
    """All rules of a region."""

    asks: dict[str, AskState]
    waits: tuple[WaitState, ...]
    untils: tuple[plan.Until, ...]
    held: set[str] = field(default_factory=set[str])

    def look(self, writers: Mapping[str, Writer]) -> None:
        """After a step: which questions are due, who is held."""
        for wait in self.waits:
            wait.look(writers[wait.plan.stream])
        for ask in self.asks.values():
            ask.look(writers[ask.plan.stream])
        self.held = {
            wait.plan.stream
            for wait in self.waits
            if not wait.may_write
            and writers[wait.plan.stream].phase is Phase.RUNNING
            and writers[self.asks[wait.plan.ask].plan.stream].phase is Phase.RUNNING
        }

    def hear(self, ask: AskState, answer: str, writers: Mapping[str, Writer]) -> None:
        """An answer to `ask` has come."""
        ask.due = False
        for wait in self.waits:
            if wait.plan.ask == ask.plan.name:
                wait.hear(answer, writers[wait.plan.stream])

    def fulfilled(self, writers: Mapping[str, Writer]) -> bool:
        """Whether an `until` ends the region."""
        return any(
            sum(bool(re.search(rule.regex, writers[name].text)) for name in rule.streams) >= rule.n
            for rule in self.untils
        )
