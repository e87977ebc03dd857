"""What one run does in a step."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from runtime.blocks import Block
from runtime.scheduler.work import Cache, Growth, Job

if TYPE_CHECKING:
    from runtime.scheduler.run import Run


class Turn(NamedTuple):
    """The rows of one run in one step.

    Attributes:
        is_prefill: they are chunks of long texts, and its streams wait for them.
    """

    run: "Run"
    jobs: tuple[Job, ...]
    is_prefill: bool

    @property
    def n_tokens(self) -> int:
        return sum([len(job.work.tokens) for job in self.jobs])

    def free_scratch(self, cache: Cache) -> None:
        """Free what was made for its rows alone."""
        scratch = [job.scratch for job in self.jobs if job.scratch is not None]
        if scratch:
            cache.free(*scratch)


def growth_of(turns: Iterable[Turn]) -> Growth:
    """What blocks get in a step, and histories right behind it."""
    growth: dict[Block, int] = {}
    for turn in turns:
        for job in turn.jobs:
            own = job.work.view[-1]
            assert isinstance(own, Block)
            growth[own] = growth.get(own, 0) + len(job.work.tokens)
            if job.moves_into is not None:
                n_moved = own.n_tokens + len(job.work.tokens)
                growth[job.moves_into] = growth.get(job.moves_into, 0) + n_moved
    return growth
