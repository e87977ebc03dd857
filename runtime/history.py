"""What each token saw when it was written, so that it can be computed again. Plain Python.

A token's keys and values depend on the view of its writer at that moment: on which tokens, in which
order. The **log** of a block tells it for all its tokens, as a list of runs that one row wrote in
one step each. A run refers to the logs that its row saw, and to how much of them:

    log of a    [run 0: "the"] [run 3: "cat"] ─saw─▶ log of prompt, 12 tokens
                                               ─saw─▶ log of b, 2 tokens
                                               ─saw─▶ log of a, 2 tokens, the new one included

So what is still needed lives exactly as long as somebody's tokens depend on it, also after its
block was freed; the rest is garbage and is collected as such. A log only grows: a block that is
cropped or emptied gets another log, and those who saw the old text keep the old one. A run is one
object in all logs that have it: `commit` puts the same runs into the history's log.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(slots=True, eq=False)  # not frozen: one is made for every row of every step
class Written:
    """A run of tokens that one row wrote in one step. Two are equal if they are one object.

    Attributes:
        tokens: their ids.
        logs: of the blocks that the row saw, in order, its own last.
        lengths: how many tokens of each it saw; of its own block all these included.
        step: number of the step. What was seen was written in this step or before.
    """

    tokens: tuple[int, ...]
    logs: tuple["Log", ...]
    lengths: tuple[int, ...]
    step: int

    def view(self, n_tokens: int) -> list[tuple["Log", int]]:
        """What the first `n_tokens` of the run saw together, themselves included."""
        seen = list(zip(self.logs, self.lengths, strict=True))
        seen[-1] = self.logs[-1], self.lengths[-1] - len(self.tokens) + n_tokens
        return seen


class Part(NamedTuple):
    """The beginning of a run, as it stands in a log."""

    written: Written
    start: int
    """Index in the log of the run's first token."""
    n_tokens: int
    """How many of the run's first tokens are meant."""


class Log:
    """The runs of a block's tokens, in order. It only grows."""

    __slots__ = ("_ends", "_runs")

    def __init__(self) -> None:
        self._runs: list[Written] = []
        self._ends: list[int] = []
        """Index behind the last token of each run; a run that was cropped ends early."""

    def __repr__(self) -> str:
        return f"<Log {self.n_tokens} tokens in {len(self._runs)} runs>"

    @property
    def n_tokens(self) -> int:
        return self._ends[-1] if self._ends else 0

    def write(
        self,
        tokens: Sequence[int],
        logs: tuple["Log", ...],
        lengths: tuple[int, ...],
        step: int,
    ) -> None:
        """Add what a row wrote.

        Args:
            tokens: at least one.
            logs: of the blocks that the row saw, this one last.
            lengths: how many tokens of each it saw, `tokens` included.
            step: number of the step.
        """
        # Most rows see the blocks that the row before saw: one tuple serves them all.
        if self._runs and self._runs[-1].logs == logs:
            logs = self._runs[-1].logs
        self._runs.append(Written(tuple(tokens), logs, lengths, step))
        self._ends.append(self.n_tokens + len(tokens))

    def extend(self, other: "Log") -> None:
        """Add the runs of another log, as they are."""
        shift = self.n_tokens
        self._runs.extend(other._runs)
        self._ends.extend([end + shift for end in other._ends])

    def first(self, n_tokens: int) -> "Log":
        """Another log, with the first `n_tokens` of its tokens."""
        log = Log()
        if n_tokens:
            n_runs = bisect_left(self._ends, n_tokens) + 1
            log._runs, log._ends = self._runs[:n_runs], self._ends[:n_runs]
            log._ends[-1] = n_tokens
        return log

    def parts(self, start: int, end: int) -> Iterator[Part]:
        """The runs that have tokens among `start … end - 1`, each cut off at `end`."""
        at = bisect_right(self._ends, start)
        begin = self._ends[at - 1] if at else 0
        while begin < end and at < len(self._ends):
            run_end = self._ends[at]
            yield Part(self._runs[at], begin, min(run_end, end) - begin)
            begin = run_end
            at += 1


@dataclass(frozen=True, slots=True)
class Needed:
    """What has to be there, and what has to be computed, so that some logs can be restored.

    Attributes:
        logs: how many first tokens of each log are read by somebody.
        runs: how many first tokens of each run have to be computed.
    """

    logs: dict[Log, int]
    runs: dict[Written, int]


def needed_for(logs: Iterable[Log], held: Mapping[Written, int]) -> Needed:
    """Follow what was seen from `logs` on, as far as it is not at hand.

    Args:
        logs: to be restored, whole.
        held: how many first tokens of a run need not be computed, because their keys are there.
    """
    needed = Needed({}, {})
    asked = [(log, log.n_tokens) for log in logs]
    while asked:
        log, n_tokens = asked.pop()
        known = needed.logs.get(log, 0)
        if n_tokens <= known:
            continue
        needed.logs[log] = n_tokens
        for run, _, n_first in log.parts(known, n_tokens):
            if n_first > max(needed.runs.get(run, 0), held.get(run, 0)):
                needed.runs[run] = n_first
                asked.extend(run.view(n_first))
    return needed
