"""Computing suspended blocks again, from their logs alone, in one parallel pass.

All tokens that are needed are the new tokens of one pass: each run that a row wrote is a row once
more, with the view, lengths and places of its own time. In each layer all keys and values are
written first and then all rows attend, so what was written in many steps, one after another, is
computed at once; a row sees only the beginnings of the others' texts that it saw then. That no row
sees what was not yet there needs no rule of its own: it follows from the recorded lengths.

Tokens that were seen and are in no block any more (cropped away, freed, or in a block that stays
suspended) are computed too, in **scratch** pages that are free again afterwards. Tokens of blocks
that have their keys are read where they are. Long histories go in several passes, in the order of
their steps, so that memory for activations stays bounded.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from runtime.attention.base import Span, SpanRow
from runtime.blocks import Block
from runtime.history import Log, Needed, Written, needed_for

PASS_TOKENS = 512
"""A pass ends with the step in which it reaches so many tokens; scores and masks grow with it."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Steps that are computed at once.

    Attributes:
        rows: what attention reads.
        tokens: the new tokens of all rows.
    """

    rows: list[SpanRow]
    tokens: list[int]


class Layout:
    """In which slots consecutive tokens lie; spans that continue each other are one."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._spans: list[Span] = []
        self._ends: list[int] = []
        for span in spans:
            self.append(span)

    def append(self, span: Span) -> None:
        """Some tokens more."""
        end = (self._ends[-1] if self._ends else 0) + span.n_tokens
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


class Restoration:
    """What it takes to restore some blocks."""

    def __init__(self, blocks: Sequence[Block], present: Iterable[Block]) -> None:
        """Plan it.

        Args:
            blocks: the suspended blocks that are to have keys again.
            present: blocks that have keys; none of `blocks`.
        """
        self._homes = _homes(present)
        self._held = {run: home.n_tokens for run, home in self._homes.items()}
        self._homes |= _homes(blocks)
        self._needed: Needed = needed_for([block.log for block in blocks], self._held)

    @property
    def n_scratch_tokens(self) -> int:
        """Tokens to compute that belong to no block that has or gets keys."""
        return sum(self._n_homeless(run) for run in self._needed.runs)

    def passes(
        self, blocks: Mapping[Block, Sequence[Span]], scratch: Sequence[Span]
    ) -> Iterator[Pass]:
        """The passes, to be run in order.

        Args:
            blocks: where the tokens of all blocks with keys lie, restored ones included.
            scratch: `n_scratch_tokens` slots.
        """
        homes = {block: Layout(spans) for block, spans in blocks.items()}
        layouts = self._log_layouts(homes, Layout(scratch))
        rows: list[SpanRow] = []
        tokens: list[int] = []
        runs = sorted(self._needed.runs, key=lambda run: run.step)
        for _, step in groupby(runs, key=lambda run: run.step):
            for run in step:
                n_held, n_tokens = self._held.get(run, 0), self._needed.runs[run]
                rows.append(_row(run, n_held, n_tokens, layouts))
                tokens.extend(run.tokens[n_held:n_tokens])
            if len(tokens) >= PASS_TOKENS:
                yield Pass(rows, tokens)
                rows, tokens = [], []
        if rows:
            yield Pass(rows, tokens)

    def _n_homeless(self, run: Written) -> int:
        home = self._homes.get(run)
        return max(0, self._needed.runs.get(run, 0) - (home.n_tokens if home else 0))

    def _log_layouts(self, homes: Mapping[Block, Layout], scratch: Layout) -> dict[Log, Layout]:
        """Where the tokens of each log lie, as far as they are needed."""
        placed: dict[Written, Layout] = {}
        n_in_scratch = 0
        layouts: dict[Log, Layout] = {}
        for log, n_tokens in self._needed.logs.items():
            layout = layouts[log] = Layout()
            for run, _, n_first in log.parts(0, n_tokens):
                if run not in placed:
                    start, n_in_scratch = n_in_scratch, n_in_scratch + self._n_homeless(run)
                    rest = scratch.cut(start, n_in_scratch)
                    placed[run] = Layout([*self._spans_at_home(run, homes), *rest])
                for span in placed[run].cut(0, n_first):
                    layout.append(span)
        return layouts

    def _spans_at_home(self, run: Written, homes: Mapping[Block, Layout]) -> list[Span]:
        home = self._homes.get(run)
        return homes[home.block].cut(home.start, home.start + home.n_tokens) if home else []


@dataclass(frozen=True, slots=True)
class _Home:
    """The place of a run in a living block: its first `n_tokens`, from index `start` on."""

    block: Block
    start: int
    n_tokens: int


def _homes(blocks: Iterable[Block]) -> dict[Written, _Home]:
    return {
        part.written: _Home(block, part.start, part.n_tokens)
        for block in blocks
        for part in block.log.parts(0, block.n_tokens)
    }


def _row(run: Written, n_held: int, n_tokens: int, layouts: dict[Log, Layout]) -> SpanRow:
    """The tokens `n_held … n_tokens - 1` of a run, with the view that they had."""
    view = [(log, n) for log, n in run.view(n_tokens) if n]
    spans = [span for log, n in view for span in layouts[log].cut(0, n)]
    return SpanRow(spans, sum(n for _, n in view), n_tokens - n_held)


def _continues(one: Span, two: Span) -> bool:
    slots, rotations = two.slot - one.slot, two.rotated_for - one.rotated_for
    return slots == rotations == one.n_tokens
