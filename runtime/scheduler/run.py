"""One run of one program: its blocks, its present region, its events.

A region begins with a step in which its texts are encoded and the streams that have something to
write begin. It ends when every stream has ended; the blocks that it keeps stay, the others are
freed. When the run fails or is closed, everything is freed.
"""

from collections.abc import Callable, Sequence

from hogdsl import events, plan
from hogdsl.commands import Command
from hogdsl.errors import PlanError
from runtime.blocks import Block
from runtime.scheduler import prefill
from runtime.scheduler.asks import AskState
from runtime.scheduler.cached import find_texts, remember_texts, suspend
from runtime.scheduler.clock import RunClock
from runtime.scheduler.course import conclude, deadline_s, end_late, join_if_over, obey, waits
from runtime.scheduler.holdings import all_blocks, check_size, growth
from runtime.scheduler.journal import Journal, NoJournal
from runtime.scheduler.opening import open_region
from runtime.scheduler.present import Blocks, Present
from runtime.scheduler.rows import jobs_of
from runtime.scheduler.setup import check
from runtime.scheduler.telling import Telling, error_name
from runtime.scheduler.turn import Turn
from runtime.scheduler.work import Growth, Job, Machine, Result
from runtime.scheduler.writer import Writer


class Run:
    """The state of one run.

    Attributes:
        present: the region that runs now, if any.
        number: of the run, in the order in which runs were opened.
        is_suspended: its pages have been given up; see `runtime.scheduler.pressure`.
        journal: is told all that the run depends on.
        clock: its time.
    """

    def __init__(
        self,
        machine: Machine,
        emit: Callable[[events.Event], None],
        *,
        number: int = 0,
        seed: int = 0,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
        tenant: str = "",
        opened_at_s: float | None = None,
    ) -> None:
        """
        Args:
            machine: what its rows run on.
            emit: called with every event, in order.
            number: of the run, in the order in which runs were opened.
            seed: of all that is chosen at random.
            max_tokens: bounds every stream that has no smaller budget of its own.
            max_seconds: a run that is not over by then fails.
            tenant: its texts are found in the cache by runs of the same one only.
            opened_at_s: from when that counts; None: from the beginning of its first region.
        """
        self.present: Present | None = None
        self.number = number
        self.is_suspended = False
        self.journal: Journal = NoJournal()
        self.clock = RunClock(opened_at_s, max_seconds)
        self._calls: list[Callable[[], None]] = []
        """What was said to it while it was suspended."""
        self._start_waits = False
        """A region is to begin as soon as it is restored."""
        self._can_step = False
        """It was found that it can make a step, and nothing has happened to it since."""
        self._machine, self._telling = machine, Telling(emit)
        self._accounts, self._emit = self._telling.accounts, self._telling.emit
        self._seed, self._max_tokens, self._tenant = seed, max_tokens, tenant
        self._blocks = Blocks(blocks={}, turns={})

    def __repr__(self) -> str:
        region = self.present.plan.name if self.present else "between regions"
        return f"<Run {region}, {self._accounts.steps} steps, {len(self._blocks.blocks)} blocks>"

    @property
    def usage(self) -> events.Usage:
        """What has been used so far."""
        return self._telling.usage

    @property
    def failure(self) -> events.Failed | None:
        """Why it is over, if it has failed."""
        return self._telling.failure

    @property
    def is_running(self) -> bool:
        """Somebody waits for the end of a region: of the present one, or of one that begins as soon
        as the run is restored."""
        return self.present is not None or self._start_waits

    # ---------------------------------------------------------------- regions

    def start(self, region: plan.Region, now_s: float) -> None:
        """Begin a region; a plan that does not fit together fails the run."""
        now_s = self.clock.own_s(now_s)
        if self.is_suspended:
            self._start_waits = True
            self._calls.append(lambda: self._start(region, now_s))
        else:
            self._start(region, now_s)

    def _start(self, region: plan.Region, now_s: float) -> None:
        self._start_waits = self._can_step = False
        self.journal.started(region, now_s)
        self.clock.begin(now_s)
        try:
            if self.present is not None:
                raise PlanError(f"region {region.name!r}: {self.present.plan.name!r} still runs")
            self.clock.check(now_s)
            check(region, self._blocks.blocks.keys())
            self._emit(
                events.RegionStarted,
                region=region.name,
                streams=tuple(stream.name for stream in region.streams),
            )
            self.present = open_region(
                region,
                self._blocks,
                machine=self._machine,
                run=self.number,
                seed=self._seed,
                tenant=self._tenant,
                max_tokens=self._max_tokens,
                now_s=now_s,
                emit=self._emit,
                count_encoded=self._accounts.encoded,
            )
            find_texts(self.present, self._accounts)
            conclude(self.present, self._accounts, now_s, stepped=False)
            check_size(self._blocks, self.present, self._machine.cache.n_tokens_most)
        except Exception as error:  # whoever waits must hear of it, whatever it is
            self.fail(error)

    def tell(self, command: Command, now_s: float) -> None:
        """The program says something; between two steps only. Too late, it does nothing."""
        now_s = self.clock.own_s(now_s)
        if self.is_suspended and self.is_running:
            self._calls.append(lambda: self._tell(command, now_s))
        else:
            self._tell(command, now_s)

    def _tell(self, command: Command, now_s: float) -> None:
        present = self.present
        if present is None:
            return
        self.journal.told(command, now_s)
        try:
            obey(present, command)
            goes_on = conclude(present, self._accounts, now_s, stepped=False)
            self._can_step = not self._join_if_over(present) and goes_on
        except Exception as error:  # as above
            self.fail(error)

    def keep_time(self, now_s: float) -> bool:
        """End what is late or fills its context; says whether the run can make a step."""
        now_s = self.clock.own_s(now_s)
        present = self.present
        if not self.is_running:
            return False
        try:
            self.clock.check(now_s)
            if present is None or self.is_suspended:
                self._wake_if_late(now_s)
                return False
            late = end_late(present, now_s)
            if not present.has_room(self._machine.context_length):
                self._can_step = False
                late = present.check_length(self._machine.context_length) or late
            if late:
                self._can_step = False
                self.journal.timed(now_s)
                conclude(present, self._accounts, now_s, stepped=False)
            if not self._can_step:
                if self._join_if_over(present) and not late:
                    self.journal.timed(now_s)
                self._can_step = self.present is not None and not waits(present)
            return self._can_step
        except Exception as error:  # one run's fault is not to end the others
            self.fail(error)
            return False

    def _wake_if_late(self, now_s: float) -> None:
        """A suspended stream has to be ended: the run wants to go on."""
        limit_s = None if self.present is None else deadline_s(self.present)
        if limit_s is not None and limit_s <= now_s and not self._calls:
            self._calls.append(lambda: None)

    @property
    def is_prefilling(self) -> bool:
        """Its next turn is a chunk of a long text."""
        return self.present is not None and prefill.is_needed(self.present)

    @property
    def is_interactive(self) -> bool:
        """Somebody waits for what it says, hears or is asked."""
        return self.present is not None and self.present.is_interactive

    def turn(self) -> Turn | None:
        """Its rows in the next step, right after `keep_time`; None if it has failed."""
        present = self.present
        assert present is not None
        cache, text = self._machine.cache, self._machine.text
        jobs: list[Job] = []
        try:
            is_prefill = prefill.is_needed(present)
            if is_prefill:
                jobs += prefill.chunk_jobs(present)
            else:
                for job in jobs_of(present, cache, text, heard=self._heard, commit=self._commit):
                    jobs.append(job)
        except Exception as error:  # one run's fault is not to end the others
            Turn(run=self, jobs=tuple(jobs), is_prefill=False).free_scratch(cache)
            self.fail(error)
            return None
        return Turn(run=self, jobs=tuple(jobs), is_prefill=is_prefill)

    @property
    def is_waiting(self) -> bool:
        """Nothing can go on in it until the program says something, or a deadline passes."""
        present = self.present
        if present is None:
            return True
        return not present.can_advance() and present.awaits_program

    def next_deadline_s(self) -> float | None:
        """When something ends although no step is made; None if nothing will."""
        if not self.is_running:
            return None
        limits = [self.clock.limit_s]
        if self.present is not None:
            limits.append(deadline_s(self.present))
        return min(
            (limit + self.clock.lag_s for limit in limits if limit is not None), default=None
        )

    def stepped(self, turn: Turn, results: Sequence[Result], now_s: float) -> None:
        """A step was made in which this run had rows; its results are told next."""
        now_s = self.clock.own_s(now_s)
        self._can_step = False
        if not turn.is_prefill:
            self.journal.stepped(turn, results, now_s)
        self._accounts.steps += 1
        self._accounts.seconds = self.clock.running_s(now_s)

    def settle(self, now_s: float) -> None:
        """All results of a step were told to its jobs: rules, the region's end."""
        now_s = self.clock.own_s(now_s)
        present = self.present
        if present is None:
            return
        if present.texts:
            remember_texts(present)
            present.texts.clear()
        present.n_steps += 1
        goes_on = conclude(present, self._accounts, now_s, stepped=True)
        self._can_step = not self._join_if_over(present) and goes_on

    # ---------------------------------------------------------------- ends

    def fail(self, error: Exception) -> None:
        """End the run; what it held is freed, and `Failed` says why."""
        name = error_name(error)
        message = str(error) or repr(error)
        self.journal.failed(name, message)
        self.close()
        self._emit(events.Failed, error=name, message=message)

    def close(self) -> None:
        """Free all blocks. Safe to call twice."""
        self._machine.cache.free(*self._all_blocks())
        self.present, self.is_suspended, self._start_waits = None, False, False
        self._blocks.blocks.clear()
        self._calls.clear()

    def _join_if_over(self, present: Present) -> bool:
        if not join_if_over(present):
            return False
        self.present = None
        self._emit(events.Joined, region=present.plan.name, usage=self.usage)
        return True

    # ---------------------------------------------------------------- pages

    def _all_blocks(self) -> list[Block]:
        return all_blocks(self._blocks, self.present)

    @property
    def n_tokens(self) -> int:
        """Tokens of all its blocks."""
        return sum(block.n_tokens for block in self._all_blocks())

    @property
    def holds_tokens(self) -> bool:
        return any(block.n_tokens for block in self._all_blocks())

    def growth(self, n_tokens: int) -> Growth:
        """So many more tokens for every stream that is not over, none for its other blocks."""
        return growth(self._blocks, self.present, n_tokens)

    @property
    def wants_to_go_on(self) -> bool:
        """Suspended or not, there is something for it to do."""
        return bool(self._calls) or not self.is_waiting

    def suspend(self) -> None:
        """Give up all pages; what is said to it meanwhile is kept for later."""
        self._can_step = False
        suspend(self.present, self._all_blocks(), self._machine.cache)
        self.is_suspended = True
        self.journal.suspended()
        self._accounts.suspensions += 1

    def restore(self) -> None:
        """Encode again what was given up, in one pass, and obey what was said meanwhile.

        Raises:
            CapacityError: there is no room for it; it stays suspended.
        """
        self._machine.cache.restore(*self._all_blocks())
        self.is_suspended = False
        self.journal.restored()
        calls, self._calls = self._calls, []
        for call in calls:
            call()

    # ---------------------------------------------------------------- results

    def _heard(self, ask: AskState, odds: dict[str, float]) -> None:
        assert self.present is not None
        answer = max(odds, key=odds.__getitem__)
        self._accounts.probes += 1
        self._emit(
            events.Asked, ask=ask.plan.name, stream=ask.plan.stream, answer=answer, odds=odds
        )
        self.present.rules.hear(ask, answer, self.present.writers)

    def _commit(self, present: Present, writer: Writer) -> None:
        assert writer.plan.commit is not None
        turning = writer.turned_over()
        self._machine.cache.commit(turning.block, into=present.block(writer.plan.commit.into))
        self._machine.cache.free(turning.block)
        self._emit(
            events.Committed, stream=writer.plan.name, index=turning.index, text=turning.text
        )
