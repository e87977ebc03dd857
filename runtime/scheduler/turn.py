"""What one run does in a step."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.blocks import Block
from runtime.scheduler.work import Cache, Growth, Job

if TYPE_CHECKING:
    from runtime.scheduler.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The rows of one run in one step.

    Attributes:
        is_prefill: they are chunks of long texts, and its streams wait for them.
    """

    run: "Run"
    jobs: tuple[Job, ...]
    is_prefill: bool

    @property
    def n_tokens(self) -> int:
        return sum(len(job.work.tokens) for job in self.jobs)

    def free_scratch(self, cache: Cache) -> None:
        """Free what was made for its rows alone."""
        cache.free(*(job.scratch for job in self.jobs if job.scratch is not None))


def growth_of(turns: Iterable[Turn]) -> Growth:
    """What blocks get in a step, and histories right behind it."""
    growth: Counter[Block] = Counter()
    for turn in turns:
        for job in turn.jobs:
            own = job.work.view[-1]
            assert isinstance(own, Block)
            growth[own] += len(job.work.tokens)
            if job.moves_into is not None:
                growth[job.moves_into] += own.n_tokens + len(job.work.tokens)
    return growth
