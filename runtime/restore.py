"""What it takes to compute suspended blocks again, from their logs alone. No tensors.

All tokens that are needed are new tokens of one parallel pass: each run that a row wrote is a row
once more, with the view, lengths and places of its own time. In each layer all keys and values are
written first and then all rows attend, so what was written in many steps, one after another, is
computed at once; a row sees only the beginnings of the others' texts that it saw then. That no row
sees what was not yet there needs no rule of its own: it follows from the recorded lengths.

Tokens of blocks that have their keys are read where they are, and so is what the radix cache still
has of the suspended ones. Tokens that were seen and are in no block any more (cropped away, freed,
or in a block that stays suspended) are computed too, in **scratch** pages. Long histories go in
several passes, in the order of their steps, so that memory for activations stays bounded; scratch
pages are free again after the last pass that reads them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType

from runtime.blocks import Block
from runtime.history import Log, Needed, Written, needed_for
from runtime.placement import homes_in

NOTHING: Mapping[Block, int] = MappingProxyType({})
PASS_TOKENS = 512
"""A pass ends with the step in which it reaches so many tokens; scores and masks grow with it."""


@dataclass(frozen=True, slots=True, eq=False)
class Scratch:
    """Tokens in scratch pages, from one pass on and until another.

    Attributes:
        runs: with the number of their tokens that lie here.
    """

    runs: list[tuple[Written, int]]

    @property
    def n_tokens(self) -> int:
        return sum(n_tokens for _, n_tokens in self.runs)


@dataclass(frozen=True, slots=True)
class Computed:
    """A run of which the tokens `n_held … n_tokens - 1` are computed."""

    run: Written
    n_held: int
    n_tokens: int

    @property
    def tokens(self) -> tuple[int, ...]:
        return self.run.tokens[self.n_held : self.n_tokens]


@dataclass(frozen=True, slots=True)
class Pass:
    """Whole steps that are computed at once.

    Attributes:
        runs: what is computed, in the order of steps.
        begins: scratch that is written in this pass.
        ends: scratch that no later pass reads.
    """

    runs: list[Computed]
    begins: list[Scratch]
    ends: list[Scratch]


class Restoration:
    """The plan.

    Attributes:
        homes: of all runs in blocks that have keys or get them.
        passes: to be run in order.
    """

    def __init__(
        self,
        blocks: Sequence[Block],
        present: Sequence[Block],
        found: Mapping[Block, int] = NOTHING,
    ) -> None:
        """Plan it.

        Args:
            blocks: the suspended blocks that are to have keys again.
            present: blocks that have keys; none of `blocks`.
            found: how many first tokens of some of `blocks` have their keys already.
        """
        at_hand = homes_in(present)
        held = {run: home.n_tokens for run, home in at_hand.items()}
        for block, n_tokens in found.items():
            for run, _, n_first in block.log.parts(0, n_tokens):
                held[run] = max(n_first, held.get(run, 0))
        self.homes = at_hand | homes_in(blocks)
        needed = needed_for([block.log for block in blocks], held)
        passes = list(_in_passes(needed, held))
        self.passes = [Pass(runs, [], []) for runs in passes]
        for (first, last), runs in self._homeless(needed, passes).items():
            scratch = Scratch(runs)
            self.passes[first].begins.append(scratch)
            self.passes[last].ends.append(scratch)

    def n_scratch_pages(self, page_size_tokens: int) -> int:
        """The most scratch pages that are in use at a time."""
        n_live = n_most = 0
        for part in self.passes:
            n_live += sum(-(-scratch.n_tokens // page_size_tokens) for scratch in part.begins)
            n_most = max(n_most, n_live)
            n_live -= sum(-(-scratch.n_tokens // page_size_tokens) for scratch in part.ends)
        return n_most

    def _homeless(
        self, needed: Needed, passes: Sequence[Sequence[Computed]]
    ) -> dict[tuple[int, int], list[tuple[Written, int]]]:
        """Runs with tokens that are in no block, by the first and the last pass that has them."""
        computed_in = {each.run: index for index, runs in enumerate(passes) for each in runs}
        read_last_in = _last_reads(passes)
        found: defaultdict[tuple[int, int], list[tuple[Written, int]]] = defaultdict(list)
        # Runs of one log lie together, so that they are read as one span.
        runs = (part.written for log, n in needed.logs.items() for part in log.parts(0, n))
        for run in dict.fromkeys(runs):
            home = self.homes.get(run)
            n_homeless = needed.runs.get(run, 0) - (home.n_tokens if home else 0)
            if n_homeless > 0:
                found[computed_in[run], read_last_in[run]].append((run, n_homeless))
        return found


def _in_passes(needed: Needed, held: dict[Written, int]) -> Iterator[list[Computed]]:
    """The runs in the order of their steps; a step is never divided."""
    found: list[Computed] = []
    n_tokens = 0
    ordered = sorted(needed.runs, key=lambda run: run.step)
    for _, step in groupby(ordered, key=lambda run: run.step):
        for run in step:
            found.append(Computed(run, held.get(run, 0), needed.runs[run]))
            n_tokens += found[-1].n_tokens - found[-1].n_held
        if n_tokens >= PASS_TOKENS:
            yield found
            found, n_tokens = [], 0
    if found:
        yield found


def _last_reads(passes: Iterable[Sequence[Computed]]) -> dict[Written, int]:
    """The last pass in which a run is read or written."""
    reads: defaultdict[Log, dict[int, int]] = defaultdict(dict)
    for index, runs in enumerate(passes):
        for each in runs:
            for log, n_tokens in each.run.view(each.n_tokens):
                reads[log][index] = max(n_tokens, reads[log].get(index, 0))
    last: dict[Written, int] = {}
    for log, by_pass in reads.items():
        n_known = 0
        for index, n_tokens in reversed(by_pass.items()):
            for run, _, _ in log.parts(n_known, n_tokens):
                last[run] = max(index, last.get(run, index))
            n_known = max(n_known, n_tokens)
    return last
