"""The course of a region between two steps: who is heard, who ends, who begins, when it is over.

Whatever changed something calls `conclude`; it goes round until nothing follows from anything.
"""

from typing import assert_never

from hogdsl.commands import (
    CloseInput,
    Command,
    Delivered,
    Hear,
    Pause,
    Release,
    Resume,
    Stop,
    Write,
)
from hogdsl.errors import PlanError
from runtime.scheduler.accounts import Accounts
from runtime.scheduler.cached import find_beginning, remember_streams
from runtime.scheduler.life import Phase
from runtime.scheduler.present import Present
from runtime.scheduler.work import Cache
from runtime.scheduler.writer import Writer

# ---------------------------------------------------------------- what the program says


def obey(present: Present, command: Command) -> None:
    """Do what the program says. Names that the region does not have come too late, or too early."""
    rules, writers = present.rules, present.writers
    match command:
        case Hear() | CloseInput():
            if command.stream in rules.inputs:
                rules.inputs[command.stream].queue(command)
        case Delivered():
            if command.stream in writers:
                writers[command.stream].delivered(command.n_chars)
        case Write():
            if command.stream in writers:
                writers[command.stream].write(command.text)
        case Stop():
            for name in command.streams or writers:
                if name in writers:
                    writers[name].end("stopped")
        case Pause():
            if command.stream in writers and not writers[command.stream].is_over:
                rules.paused.add(command.stream)
        case Resume():
            rules.paused.discard(command.stream)
        case Release():
            if command.watch in rules.watches:
                rules.watches[command.watch].release(command.n)
        case _:
            assert_never(command)


# ---------------------------------------------------------------- conclusions


def conclude(present: Present, accounts: Accounts, now_s: float, *, stepped: bool) -> bool:
    """Draw all conclusions from what happened; says whether there is a row for the next step.

    Args:
        present: the region.
        accounts: of its run.
        now_s: the time.
        stepped: a step was made.
    """
    rules, writers = present.rules, present.writers
    _go_round(present, accounts, now_s)
    rules.look(writers, present.n_steps if stepped else None)
    while not (goes_on := present.can_advance()) and _hear_early(present):
        _go_round(present, accounts, now_s)
        rules.look(writers, None)
    return goes_on


def _go_round(present: Present, accounts: Accounts, now_s: float) -> None:
    """Who is heard, who ends and who begins, until nothing more follows.

    Who begins, or ends because others have, follows from the phases of the streams alone: after
    most steps they are those from which that was concluded before.
    """
    rules = present.rules
    while True:
        phases = present.phases
        if rules.inputs:
            _take_inputs(present, present.n_steps)
            _end_delivered(present)
        if rules.inputs or phases != present.concluded:
            _end_followers(present)
            _begin(present, accounts, now_s)
        rules.end_streams(present.writers)
        if rules.inputs:
            _leave_inputs(present)
        if present.phases == phases:
            present.concluded = phases
            return


def _take_inputs(present: Present, n_steps: int) -> None:
    for state in present.rules.inputs.values():
        state.take(n_steps, present.writers)


def _end_delivered(present: Present) -> None:
    """End those who were played to their ends, and those into whom nobody can break any more."""
    inputs = present.rules.inputs.values()
    for name, writer in present.writers.items():
        if writer.plan.reports_delivery:
            writer.may_be_taken_back = any(state.may_take_back(name) for state in inputs)
            writer.end_if_delivered()


def _hear_early(present: Present) -> bool:
    """Nothing else can go on: hear what is for a later step if no step will come, because the
    program holds nobody. Says whether there was something."""
    rules = present.rules
    if rules.paused or any(watch.is_open for watch in rules.watches.values()):
        return False
    steps = [state.waits_for_step for state in rules.inputs.values()]
    first = min((step for step in steps if step is not None), default=None)
    if first is not None:
        _take_inputs(present, first)
    return first is not None


def _end_followers(present: Present) -> None:
    """A part of a stream that did not finish is not begun."""
    for writer in present.writers.values():
        if writer.phase is Phase.WAITING and writer.plan.parent is not None:
            parent = present.writers[writer.plan.parent]
            if parent.phase is Phase.ENDED and parent.reason not in (None, "finished"):
                writer.end(parent.reason)


def _begin(present: Present, accounts: Accounts, now_s: float) -> None:
    """Begin those before whom all have ended."""
    begins = [
        writer
        for writer in present.writers.values()
        if writer.phase is Phase.WAITING
        and all(present.writers[name].phase is Phase.ENDED for name in writer.plan.after)
    ]
    for writer in begins:
        accounts.tokens_cached += present.find(writer)
    for writer in begins:
        goes_on = writer.plan.continues and writer.plan.parent is not None
        parent = present.writers[writer.plan.parent] if goes_on and writer.plan.parent else None
        writer.begin(present.blocks.state_after(writer.plan.view, present.owners), now_s, parent)
        if not writer.block.n_tokens:
            find_beginning(present, writer, accounts)


def _leave_inputs(present: Present) -> None:
    """Inputs in the background do not keep a region open."""
    writers = present.writers.values()
    background = [w for w in writers if w.plan.input is not None and w.plan.input.background]
    if background and all(w.is_over or w in background for w in writers):
        for writer in background:
            writer.end("left")


# ---------------------------------------------------------------- time

_TIMED = (Phase.RUNNING, Phase.DELIVERING)
"""While a stream's seconds count."""


def _limit_s(present: Present, writer: Writer) -> float | None:
    """When a stream ends by a deadline."""
    limits: list[float] = []
    if present.plan.max_seconds is not None:
        limits.append(present.started_at_s + present.plan.max_seconds)
    if writer.plan.max_seconds is not None and writer.phase in _TIMED:
        limits.append(writer.began_at_s + writer.plan.max_seconds)
    return min(limits, default=None)


def deadline_s(present: Present) -> float | None:
    """When the next stream ends by a deadline."""
    limits = [
        _limit_s(present, writer) for writer in present.writers.values() if not writer.is_over
    ]
    return min((limit for limit in limits if limit is not None), default=None)


def end_late(present: Present, now_s: float) -> bool:
    """End those whose time is over; say whether there were any."""
    late = False
    if not present.is_timed:
        return late
    for writer in present.writers.values():
        limit_s = None if writer.is_over else _limit_s(present, writer)
        if limit_s is not None and now_s >= limit_s:
            writer.end("deadline")
            late = True
    return late


# ---------------------------------------------------------------- the end


def waits(present: Present) -> bool:
    """Whether all streams wait for the program.

    Raises:
        PlanError: they wait for something that cannot come.
    """
    if present.can_advance():
        return False
    if present.awaits_program:
        return True
    held = ", ".join(sorted(present.rules.held))
    raise PlanError(
        f"region {present.plan.name!r}: streams wait for ever: {held}. A stream waits for "
        "something that cannot come: an answer that is never asked for, or another stream "
        "that waits. Give the ask `every` or `at`, or let one of them go on."
    )


def join_if_over(present: Present) -> bool:
    """If all streams have ended, free what the region does not keep; say whether it is over."""
    writers = present.writers.values()
    for writer in writers:  # asked after every step, and mostly the first one says no
        if not writer.is_over:
            return False
    if present.rules.holds_region:
        return False
    for writer in writers:
        if writer.phase is Phase.FLUSHING and not _is_kept(present, writer):
            writer.close()
    if not all(writer.phase is Phase.ENDED for writer in writers):
        return False
    remember_streams(present)
    _join(present, present.cache)
    return True


def _is_kept(present: Present, writer: Writer) -> bool:
    own = writer.plan.view[-1]
    declared_here = any(block.name == own for block in present.plan.blocks)
    committed = writer.plan.commit is not None and writer.plan.commit.into in present.plan.keep
    return own in present.plan.keep or not declared_here or committed


def _join(present: Present, cache: Cache) -> None:
    blocks = present.blocks
    for writer in present.writers.values():
        own = writer.plan.view[-1]
        blocks.blocks[own] = writer.block
        if writer.opens_turns and writer.has_begun:
            blocks.turns[own] = writer.pen.turns
        if writer.turning is not None:
            cache.free(writer.turning.block)
    for block in present.plan.blocks:
        if block.name not in present.plan.keep:
            cache.free(blocks.blocks.pop(block.name))
            blocks.turns.pop(block.name, None)
