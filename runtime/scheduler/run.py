"""One run of one program: its blocks, its present region, its events.

A region begins with a step in which its texts are encoded and the streams that have something to
write begin. It ends when every stream has ended; the blocks that it keeps stay, the others are
freed. When the run fails or is closed, everything is freed.
"""

from collections.abc import Callable
from typing import Any, Literal

from hogdsl import events, plan
from hogdsl.errors import CapacityError, PlanError, RunCancelled
from runtime.scheduler.present import Blocks, Present, check_length, open_region
from runtime.scheduler.rows import jobs_of
from runtime.scheduler.rules import AskState
from runtime.scheduler.setup import check
from runtime.scheduler.work import Cache, Job, Text
from runtime.scheduler.writer import Phase, Writer

ErrorName = Literal["PlanError", "CapacityError", "RunCancelled", "InternalError"]


class Run:
    """The state of one run.

    Attributes:
        present: the region that runs now, if any.
        usage: what has been used so far.
    """

    def __init__(
        self,
        cache: Cache,
        text: Text,
        emit: Callable[[events.Event], None],
        *,
        context_length: int,
        seed: int = 0,
        max_tokens: int | None = None,
    ) -> None:
        """
        Args:
            emit: called with every event, in order.
            context_length: how many tokens a view may hold.
            max_tokens: bounds every stream that has no smaller budget of its own.
        """
        self.present: Present | None = None
        self.usage = events.Usage()
        self._cache, self._text, self._emit_event = cache, text, emit
        self._seed, self._max_tokens = seed, max_tokens
        self._context_length = context_length
        self._blocks = Blocks(blocks={}, turns={})
        self._n_events = 0
        self._began_at_s: float | None = None

    def __repr__(self) -> str:
        region = self.present.plan.name if self.present else "between regions"
        return f"<Run {region}, {self.usage.steps} steps, {len(self._blocks.blocks)} blocks>"

    # ---------------------------------------------------------------- regions

    def start(self, region: plan.Region, now_s: float) -> None:
        """Begin a region; a plan that does not fit together fails the run."""
        if self._began_at_s is None:
            self._began_at_s = now_s
        try:
            if self.present is not None:
                raise PlanError(f"region {region.name!r}: {self.present.plan.name!r} still runs")
            check(region, self._blocks.blocks.keys())
            self._emit(
                events.RegionStarted,
                region=region.name,
                streams=tuple(stream.name for stream in region.streams),
            )
            self.present = open_region(
                region,
                self._blocks,
                cache=self._cache,
                text=self._text,
                seed=self._seed,
                max_tokens=self._max_tokens,
                now_s=now_s,
                emit=self._emit,
                count_encoded=lambda n: self._count(tokens_encoded=n),
            )
            self._count(tokens_cached=self.present.n_found)
            for writer in self.present.writers.values():
                writer.start()
            self._after_writing(self.present)
        except Exception as error:  # whoever waits must hear of it, whatever it is
            self.fail(error)

    def jobs(self, now_s: float) -> list[Job]:
        """The rows of the next step; none if nothing runs."""
        present = self.present
        if present is None:
            return []
        jobs: list[Job] = []
        try:
            self._check_deadlines(present, now_s)
            check_length(present, self._context_length)
            self._join_if_over(present)
            if self.present is None:
                return []
            jobs += jobs_of(present, self._cache, self._text, self._heard)
            if not jobs:
                held = ", ".join(sorted(present.rules.held))
                raise PlanError(
                    f"region {present.plan.name!r}: streams wait for ever: {held}. A stream waits "
                    "for an answer that is never asked for. Give the ask `every` or `at`."
                )
        except Exception as error:  # one run's fault is not to end the others
            self._cache.free(*(job.scratch for job in jobs if job.scratch is not None))
            self.fail(error)
            return []
        return jobs

    def stepped(self, now_s: float) -> None:
        """A step was made in which this run had rows; its results are told next."""
        self._count(steps=1)
        began_at_s = now_s if self._began_at_s is None else self._began_at_s
        self.usage = self.usage.model_copy(update={"seconds": now_s - began_at_s})

    def settle(self) -> None:
        """All results of a step were told to its jobs: commits, rules, the region's end."""
        present = self.present
        if present is None:
            return
        present.texts.clear()
        for writer in present.writers.values():
            self._commit(present, writer)
        self._after_writing(present)
        self._join_if_over(present)

    # ---------------------------------------------------------------- ends

    def fail(self, error: Exception) -> None:
        """End the run; what it held is freed, and `Failed` says why."""
        known = (PlanError, CapacityError, RunCancelled)
        name = type(error).__name__ if isinstance(error, known) else "InternalError"
        message = str(error) or repr(error)
        self.close()
        self._emit(events.Failed, error=name, message=message)

    def close(self) -> None:
        """Free all blocks. Safe to call twice."""
        present, self.present = self.present, None
        if present is not None:
            for writer in present.writers.values():
                self._blocks.blocks[writer.plan.view[-1]] = writer.block
                if writer.turning is not None:
                    self._cache.free(writer.turning.block)
        self._cache.free(*self._blocks.blocks.values())
        self._blocks.blocks.clear()

    def _join_if_over(self, present: Present) -> None:
        writers = present.writers.values()
        if any(writer.phase is Phase.RUNNING for writer in writers):
            return
        for writer in writers:
            if writer.phase is Phase.FLUSHING and not self._is_kept(present, writer):
                writer.close()
        if all(writer.phase is Phase.ENDED for writer in writers):
            self._join(present)

    def _is_kept(self, present: Present, writer: Writer) -> bool:
        own = writer.plan.view[-1]
        declared_here = any(block.name == own for block in present.plan.blocks)
        committed = writer.plan.commit is not None and writer.plan.commit.into in present.plan.keep
        return own in present.plan.keep or not declared_here or committed

    def _join(self, present: Present) -> None:
        for writer in present.writers.values():
            own = writer.plan.view[-1]
            self._blocks.blocks[own] = writer.block
            if any(isinstance(piece, plan.Turn | plan.CloseTurn) for piece in writer.plan.pieces):
                self._blocks.turns[own] = writer.turns
            if writer.turning is not None:
                self._cache.free(writer.turning.block)
            if writer.is_between_steps and writer.block.n_tokens:
                self._cache.crop(writer.block, 0)
        for block in present.plan.blocks:
            if block.name not in present.plan.keep:
                self._cache.free(self._blocks.blocks.pop(block.name))
                self._blocks.turns.pop(block.name, None)
        self.present = None
        self._emit(events.Joined, region=present.plan.name, usage=self.usage)

    # ---------------------------------------------------------------- rules

    def _after_writing(self, present: Present) -> None:
        held_before = present.rules.held
        present.rules.look(present.writers)
        for name in sorted(present.rules.held - held_before):
            self._emit(events.Held, stream=name)
        for name in sorted(held_before - present.rules.held):
            if present.writers[name].phase is Phase.RUNNING:
                self._emit(events.Resumed, stream=name)
        if present.rules.fulfilled(present.writers):
            for writer in present.writers.values():
                writer.end("until")

    def _heard(self, ask: AskState, odds: dict[str, float]) -> None:
        assert self.present is not None
        answer = max(odds, key=odds.__getitem__)
        self._count(probes=1)
        self._emit(
            events.Asked, ask=ask.plan.name, stream=ask.plan.stream, answer=answer, odds=odds
        )
        self.present.rules.hear(ask, answer, self.present.writers)

    def _commit(self, present: Present, writer: Writer) -> None:
        if writer.plan.commit is None or writer.turning is None or not writer.turning.is_complete:
            return
        turning = writer.turned_over()
        self._cache.commit(turning.block, into=present.block(writer.plan.commit.into))
        self._cache.free(turning.block)
        self._emit(
            events.Committed, stream=writer.plan.name, index=turning.index, text=turning.text
        )

    def _check_deadlines(self, present: Present, now_s: float) -> None:
        age_s = now_s - present.started_at_s
        region_over = present.plan.max_seconds is not None and age_s >= present.plan.max_seconds
        for writer in present.writers.values():
            limit_s = writer.plan.max_seconds
            if region_over or (limit_s is not None and age_s >= limit_s):
                writer.end("deadline")

    # ---------------------------------------------------------------- accounts

    def _count(self, **more: int) -> None:
        update = {name: getattr(self.usage, name) + n for name, n in more.items()}
        self.usage = self.usage.model_copy(update=update)

    def _emit(self, kind: type[events.Event], **fields: Any) -> None:
        if kind is events.Token and fields["token"] is not None:
            self._count(tokens_generated=1)
        event = kind(seq=self._n_events, step=self.usage.steps, **fields)
        self._n_events += 1
        self._emit_event(event)
