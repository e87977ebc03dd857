"""What a run holds of the cache."""

from hogdsl.errors import CapacityError
from runtime.blocks import Block
from runtime.scheduler.present import Blocks, Present
from runtime.scheduler.work import Growth


def all_blocks(blocks: Blocks, present: Present | None) -> list[Block]:
    """The blocks of a run: those that it keeps, and those that its region writes now."""
    held = dict(blocks.blocks)
    turning: list[Block] = []
    if present is not None:
        for writer in present.writers.values():
            held[writer.plan.view[-1]] = writer.block
            turning += [writer.turning.block] if writer.turning is not None else []
    return [*held.values(), *turning]


def growth(blocks: Blocks, present: Present | None, n_tokens: int) -> Growth:
    """So many more tokens for every stream that is not over, none for the other blocks."""
    more = dict.fromkeys(all_blocks(blocks, present), 0)
    if present is not None:
        for writer in present.writers.values():
            if not writer.is_over:
                more[writer.block] = n_tokens + len(writer.written.pending)
    return more


def check_size(blocks: Blocks, present: Present, n_most: int) -> None:
    """Refuse a region whose texts alone do not fit a cache of `n_most` tokens.

    Raises:
        CapacityError: with the numbers.
    """
    n_new = sum(map(len, present.texts.values()))
    n_new += sum(len(writer.written.pending) for writer in present.writers.values())
    n_held = sum(block.n_tokens for block in all_blocks(blocks, present))
    if n_held + n_new > n_most:
        raise CapacityError(
            f"region {present.plan.name!r} is too large for the cache: it begins with {n_new} "
            f"tokens besides the {n_held} that the run holds, and the cache holds {n_most}. "
            "Waiting will not help: shorten it, or give the cache more memory."
        )
