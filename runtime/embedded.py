"""The runtime in this process: one thread steps the engine for all runs.

    caller's thread                     the engine's thread
    Session.run, send ── command ──▶ queue ──▶ between two steps
    iterator of events ◀─ EventQueue ◀──────── while results are told

Only the engine's thread touches the engine, the scheduler and the runs. Callers put commands and
read events; a caller that stops reading cancels its run, which ends before the next step. While all
streams wait for a command the thread sleeps until one comes or a deadline passes. It begins with
the first run and ends with the last.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from pathlib import Path

from hogdsl import events
from hogdsl.commands import Command
from hogdsl.errors import HogError, InternalError, RunCancelled
from hogdsl.plan import Region
from runtime.event_queue import EventQueue, is_last
from runtime.loop import Loop
from runtime.scheduler.run import Run
from runtime.scheduler.work import Machine


def start(
    model: str | Path = "piglet",
    *,
    device: str | None = None,
    dtype: str | None = None,
    weights: str | None = None,
    attention: str | None = None,
    n_cache_tokens: int | None = None,
) -> "EmbeddedRuntime":
    """Load a model to serve it in this process; see `hogdsl.local`.

    A small model on a CPU runs in one thread (`EngineMachine.prepare_thread`).
    """
    from runtime.runner import EngineMachine  # torch: other machines do without

    machine = EngineMachine.load(
        model,
        device=device,
        dtype=dtype,
        weights=weights,
        attention=attention,
        n_cache_tokens=n_cache_tokens,
    )
    return EmbeddedRuntime(machine, prepare_thread=machine.prepare_thread)


class EmbeddedRuntime:
    """A `hogdsl.ports.Runtime` over a machine.

    Attributes:
        machine: what it runs on; only for the engine's thread while there are runs.
        prepare_thread: what a thread that steps the machine calls first.
    """

    def __init__(
        self,
        machine: Machine,
        *,
        now_s: Callable[[], float] = time.monotonic,
        prepare_thread: Callable[[], None] | None = None,
        interactive_first: bool = True,
    ) -> None:
        """
        Args:
            machine: what runs the rows of every step.
            now_s: the clock, in seconds from anywhere.
            prepare_thread: called by the engine's thread when it begins.
            interactive_first: runs in which somebody waits for an answer come before the others.
        """
        self.machine = machine
        self.prepare_thread = prepare_thread
        self._loop = Loop(machine, now_s, interactive_first=interactive_first)
        self._commands: deque[Callable[[], None]] = deque()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._fault: InternalError | None = None
        """What has broken the thread."""
        self._n_opened = 0

    def __repr__(self) -> str:
        return f"<EmbeddedRuntime {self.machine.name}, {self._loop!r}>"

    @property
    def context_length(self) -> int:
        """How many tokens a view of the model may hold."""
        return self.machine.context_length

    def open(
        self,
        *,
        seed: int = 0,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
        tenant: str = "",
    ) -> "EmbeddedSession":
        """Begin a run.

        Raises:
            RunCancelled: the runtime is closed.
        """
        queue = EventQueue()
        run = self.new_run(
            queue, seed=seed, max_tokens=max_tokens, max_seconds=max_seconds, tenant=tenant
        )
        self.submit(lambda: self.add(run))
        return EmbeddedSession(self, run, queue)

    def stats(self) -> events.Stats:
        return self._loop.stats()

    def close(self) -> None:
        """Stop all runs, each with `Failed`, and wait for the thread. Safe to call twice."""
        with self._wake:
            self._closed = True
            self._wake.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    # ---------------------------------------------------------------- for sessions

    def submit(self, command: Callable[[], None]) -> None:
        """Have the engine's thread do something between two steps. It must not raise.

        Raises:
            RunCancelled: the runtime is closed.
            InternalError: its thread has broken.
        """
        with self._wake:
            if self._fault is not None:
                raise self._fault
            if self._closed:
                raise RunCancelled("the runtime is closed. Open another one to run programs.")
            self._commands.append(command)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="hogdsl", daemon=True)
                self._thread.start()
            self._wake.notify()

    def now_s(self) -> float:
        """The runtime's clock."""
        return self._loop.now_s()

    @property
    def is_closed(self) -> bool:
        return self._closed

    def new_run(
        self,
        queue: EventQueue,
        *,
        seed: int,
        max_tokens: int | None,
        max_seconds: float | None,
        tenant: str,
    ) -> Run:
        """A run whose own clock begins now; it takes no steps before `add`."""
        with self._wake:
            number, self._n_opened = self._n_opened, self._n_opened + 1
        run = Run(
            self.machine,
            queue.put,
            number=number,
            seed=seed,
            max_tokens=max_tokens,
            max_seconds=max_seconds,
            tenant=tenant,
            opened_at_s=0.0,
        )
        run.clock.lag_s = self.now_s()
        return run

    def add(self, run: Run) -> None:
        """Let a run go on with the others. Only for the engine's thread."""
        self._loop.add(run)

    def forget(self, run: Run) -> None:
        """Free what a run holds; whoever still reads its events is told. Only for the engine's
        thread."""
        self._forget(run, RunCancelled("the session was closed while the run went on."))

    def _forget(self, run: Run, error: HogError) -> None:
        if run.is_running:
            run.fail(error)
        self._loop.remove(run)

    # ---------------------------------------------------------------- the engine's thread

    def _serve(self) -> None:
        if self.prepare_thread is not None:
            self.prepare_thread()
        advanced = True
        try:
            while self._obey(sleep=not advanced):
                advanced = self._loop.advance()
        except BaseException as error:  # nobody is to wait for a thread that is gone
            fault = InternalError(f"the engine's thread broke: {error!r}. Please report it.")
            with self._wake:
                self._closed, self._fault = True, fault
            self._end_all(fault)

    def _obey(self, *, sleep: bool) -> bool:
        """Do what callers asked for. False: the thread is to end.

        Args:
            sleep: no run could advance; wait for a command, or for a deadline to pass.
        """
        with self._wake:
            if sleep and self._loop.runs:
                self._wake.wait_for(self._is_called, timeout=self._loop.wait_s())
            if not (self._commands or self._loop.runs):
                self._thread = None
                return False
            closed, n_commands = self._closed, len(self._commands)
        if closed:
            self._end_all(RunCancelled("the runtime was closed while the run went on."))
            return False
        for _ in range(n_commands):
            self._commands.popleft()()
        return True

    def _is_called(self) -> bool:
        return self._closed or bool(self._commands)

    def _end_all(self, error: HogError) -> None:
        """Do what callers still wait for, and end all runs."""
        while self._commands:
            with suppress(Exception):  # the others are to be done, too
                self._commands.popleft()()
        for run in self._loop.runs:
            with suppress(Exception):
                self._forget(run, error)


class EmbeddedSession:
    """A `hogdsl.ports.Session`. `run` is for one thread at a time, all else for any."""

    def __init__(self, runtime: EmbeddedRuntime, run: Run, queue: EventQueue) -> None:
        self._runtime, self._run, self._events = runtime, run, queue
        self._cancelled = self._closed = False

    def run(
        self, region: Region, commands: Sequence[Command] = (), *, live: bool = True
    ) -> Generator[events.Event, None, None]:
        """Run one region; see `hogdsl.ports.Session.run`."""
        if self._closed:
            raise RunCancelled("the session is closed. Open another one to run the program again.")
        self._events.live = live
        self._runtime.submit(lambda: self._start(region, commands))
        over = False
        try:
            while not over:
                event = self._events.get()
                if isinstance(event, HogError):
                    raise event
                over = is_last(event)
                yield event
        finally:
            if not over:
                self.close()

    def send(self, command: Command) -> None:
        """Tell the running region something; too late, it does nothing."""
        with suppress(RunCancelled, InternalError):
            self._runtime.submit(lambda: self._tell(command))

    def cancel(self) -> None:
        """End the run before its next step; it then ends with `Failed`."""
        self._cancelled = True
        with suppress(RunCancelled, InternalError):
            self._runtime.submit(self._cancel)

    def close(self) -> None:
        """Free all that the run holds and wait until it is free. Safe to call twice."""
        done = threading.Event()
        self._closed = True

        def command() -> None:
            try:
                self._runtime.forget(self._run)
            finally:
                done.set()

        with suppress(RunCancelled, InternalError):
            self._runtime.submit(command)
            done.wait()

    # ---------------------------------------------------------------- in the engine's thread

    def _start(self, region: Region, commands: Sequence[Command]) -> None:
        if self._closed or self._cancelled:
            self._run.fail(RunCancelled("the run was cancelled before the region began."))
            return
        self._run.start(region, self._runtime.now_s())
        for command in commands:
            self._tell(command)

    def _tell(self, command: Command) -> None:
        try:
            self._run.tell(command, self._runtime.now_s())
        except Exception as error:  # whoever reads must hear of it, whatever it is
            self._run.fail(error)

    def _cancel(self) -> None:
        if self._run.is_running:
            self._run.fail(RunCancelled("the run was cancelled."))
