"""Questions to streams, and streams that wait for the answers.

A question is *due* when its stream has written enough or reached a boundary; it is put in the next
step as a row on a scratch block behind the stream's view, so it sees what all append in that step
and leaves nothing behind.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp

from hogdsl import plan
from runtime.scheduler.life import Phase
from runtime.scheduler.work import Text
from runtime.scheduler.writer import Writer


@dataclass(slots=True, kw_only=True)
class AskState:
    """A question, when it is due, and what the newest answer was.

    Attributes:
        question: its tokens.
        first_tokens: for each answer the tokens that may begin it.
        n_put: how many times it was put.
    """

    plan: plan.Ask
    question: tuple[int, ...]
    first_tokens: tuple[tuple[int, ...], ...]
    due: bool = False
    n_put: int = 0
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
            generated = writer.written.generated
            self.due = self.due or has_come(at, generated, self._seen_chars)
            self._seen_chars = len(generated)
        if self.due:
            self._seen_tokens = writer.n_generated

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


def has_come(at: str, text: str, n_seen: int) -> bool:
    """Whether `at` stands in a text and was not complete in its first `n_seen` characters.

    If some of the text was taken back, it has not come in what is left.
    """
    return len(text) > n_seen and text.find(at, max(0, n_seen - len(at) + 1)) >= 0


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
            self.may_write, self._seen_chars = True, len(writer.written.generated)

    def look(self, writer: Writer) -> None:
        """See whether the stream has used up a permission, by writing up to its `each`."""
        each = self.plan.each
        if each is None or not self.may_write:
            return
        generated = writer.written.generated
        self._seen_chars = min(self._seen_chars, len(generated))
        place = generated.find(each, self._seen_chars)
        if place >= 0:
            self._seen_chars = place + len(each)
            self.may_write, self.may_go_on = self.may_go_on, False
        else:
            # Only its beginning may stand at the end of what was looked at.
            self._seen_chars = max(self._seen_chars, len(generated) - len(each) + 1)

    def holds(self, asked: Writer) -> bool:
        """Whether its stream is to wait. Nobody waits for a stream that has ended."""
        return not self.may_write and not asked.has_written
