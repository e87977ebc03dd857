"""In which slots the tokens of logs lie, while blocks are restored. No tensors.

A run has its **home** in the block that holds it, and what no block holds lies in scratch pages. A
log is laid out run by run, as far as it is read; tokens in consecutive slots, their keys rotated
for consecutive positions, are one span.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from runtime.attention.base import Span, SpanRow
from runtime.blocks import Block
from runtime.history import Log, Written


@dataclass(frozen=True, slots=True)
class Home:
    """The place of a run in a block: its first `n_tokens`, from index `start` on."""

    block: Block
    start: int
    n_tokens: int


def homes_in(blocks: Iterable[Block]) -> dict[Written, Home]:
    """The homes of all runs that blocks hold."""
    return {
        part.written: Home(block, part.start, part.n_tokens)
        for block in blocks
        for part in block.log.parts(0, block.n_tokens)
    }


class Layout:
    """Where consecutive tokens lie; spans that continue each other are one."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._spans: list[Span] = []
        self._ends: list[int] = []
        for span in spans:
            self.append(span)

    @property
    def n_tokens(self) -> int:
        return self._ends[-1] if self._ends else 0

    def append(self, span: Span) -> None:
        """Some tokens more."""
        end = self.n_tokens + span.n_tokens
        if self._spans and _continues(self._spans[-1], span):
            last = self._spans[-1]
            self._spans[-1] = last._replace(n_tokens=last.n_tokens + span.n_tokens)
            self._ends[-1] = end
        else:
            self._spans.append(span)
            self._ends.append(end)

    def cut(self, start: int, end: int) -> list[Span]:
        """Where the tokens `start … end - 1` lie."""
        found: list[Span] = []
        at = bisect_right(self._ends, start)
        while start < end:
            span, span_end = self._spans[at], self._ends[at]
            skipped = span.n_tokens - (span_end - start)
            n = min(span_end, end) - start
            found.append(Span(span.slot + skipped, n, span.rotated_for + skipped))
            start += n
            at += 1
        return found


class Placement:
    """Where runs and logs lie."""

    def __init__(
        self, homes: Mapping[Written, Home], blocks: Mapping[Block, Sequence[Span]]
    ) -> None:
        """Without scratch pages as yet.

        Args:
            homes: of all runs that blocks hold.
            blocks: where the tokens of these blocks lie.
        """
        self._homes = homes
        self._blocks = {block: Layout(spans) for block, spans in blocks.items()}
        self._runs: dict[Written, Layout] = {}
        self._logs: dict[Log, Layout] = {}

    def place(self, runs: Iterable[tuple[Written, int]], spans: Sequence[Span]) -> None:
        """Put tokens into scratch pages: of each run so many behind those that are at home."""
        scratch, at = Layout(spans), 0
        for run, n_tokens in runs:
            rest = scratch.cut(at, at + n_tokens)
            self._runs[run] = Layout([*self._at_home(run), *rest])
            at += n_tokens

    def row(self, run: Written, n_held: int, n_tokens: int) -> SpanRow:
        """The tokens `n_held … n_tokens - 1` of a run, as new tokens in the view that they had."""
        view = run.view(n_tokens)
        spans = [span for log, n in view for span in self._beginning(log, n)]
        return SpanRow(spans, sum(n for _, n in view), n_tokens - n_held)

    def _beginning(self, log: Log, n_tokens: int) -> list[Span]:
        """The first tokens of a log, all of which have a place by now."""
        if log not in self._logs:
            self._logs[log] = Layout()
        layout = self._logs[log]
        n_known = layout.n_tokens
        for run, start, n_first in log.parts(n_known, n_tokens):
            if run not in self._runs:
                self._runs[run] = Layout(self._at_home(run))
            for span in self._runs[run].cut(max(0, n_known - start), n_first):
                layout.append(span)
        return layout.cut(0, n_tokens)

    def _at_home(self, run: Written) -> list[Span]:
        home = self._homes.get(run)
        return self._blocks[home.block].cut(home.start, home.start + home.n_tokens) if home else []


def _continues(one: Span, two: Span) -> bool:
    slots, rotations = two.slot - one.slot, two.rotated_for - one.rotated_for
    return slots == rotations == one.n_tokens
