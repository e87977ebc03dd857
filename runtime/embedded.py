"""The runtime in this process: one thread steps the engine for all runs.

    caller's thread                     the engine's thread
    Session.run ── command ──▶ queue ──▶ between two steps
    iterator of events ◀── queue ◀────── while results are told

Only the engine's thread touches the engine, the scheduler and the runs. Callers put commands and
read events; a caller that stops reading cancels its run, which ends before the next step.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

from hogdsl import events
from hogdsl.errors import RunCancelled
from hogdsl.plan import Region
from runtime.engine import PIGLET_FOLDER, Engine
from runtime.runner import run_rows
from runtime.scheduler.run import Run
from runtime.scheduler.scheduler import Scheduler, Step
from runtime.scheduler.work import Result
from runtime.text import Text

RATE_WINDOW_S = 1.0
"""Tokens per second are counted over this long."""


def start(
    model: str | Path = "piglet",
    *,
    device: str | None = None,
    dtype: str | None = None,
    attention: str | None = None,
    n_cache_tokens: int | None = None,
) -> "EmbeddedRuntime":
    """Load a model and begin to serve it in this process; see `hogdsl.local`."""
    folder = PIGLET_FOLDER if model == "piglet" else Path(model)
    engine = Engine.load(
        folder, device=device, dtype=dtype, attention=attention, n_cache_tokens=n_cache_tokens
    )
    return EmbeddedRuntime(engine, Text.load(folder), name=str(model))


class EmbeddedRuntime:
    """A `hogdsl.ports.Runtime` over an engine. The thread starts with the first run."""

    def __init__(self, engine: Engine, text: Text, *, name: str) -> None:
        self.engine, self.text, self._name = engine, text, name
        self._scheduler = Scheduler(engine)
        self._commands: deque[Callable[[], None]] = deque()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._n_steps = 0
        self._n_cached = 0
        """Tokens found in the cache by runs that are over."""
        self._recent: deque[tuple[float, int]] = deque()

    def open(self, *, seed: int = 0, max_tokens: int | None = None) -> "EmbeddedSession":
        """Begin a run.

        Raises:
            RunCancelled: the runtime is closed.
        """
        session = EmbeddedSession(self)
        run = Run(
            self.engine,
            self.text,
            session.put,
            context_length=self.engine.config.context_length,
            seed=seed,
            max_tokens=max_tokens,
        )
        session.bind(run)
        self.submit(lambda: self._scheduler.add(run))
        return session

    def stats(self) -> events.Stats:
        runs = self._scheduler.runs
        return events.Stats(
            model=self._name,
            device=str(self.engine.device),
            runs=len(runs),
            steps=self._n_steps,
            tokens_per_second=self._rate(time.monotonic()),
            pages_used=self.engine.pages.n_used,
            pages_total=self.engine.pages.n_total,
            tokens_cached=self._n_cached + sum(run.usage.tokens_cached for run in runs),
        )

    def _rate(self, now_s: float) -> float:
        """Tokens chosen per second since the first step of the last `RATE_WINDOW_S`."""
        recent = [(at_s, n) for at_s, n in list(self._recent) if now_s - at_s <= RATE_WINDOW_S]
        if len(recent) < 2:
            return 0.0
        return sum(n for _, n in recent[1:]) / (now_s - recent[0][0])

    def close(self) -> None:
        """Stop all runs, each with `Failed`, and wait for the thread. Safe to call twice."""
        with self._wake:
            self._closed = True
            self._wake.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def submit(self, command: Callable[[], None]) -> None:
        """Have the engine's thread do something between two steps.

        Raises:
            RunCancelled: the runtime is closed.
        """
        with self._wake:
            if self._closed:
                raise RunCancelled("the runtime is closed. Open another one to run programs.")
            self._commands.append(command)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="hogdsl", daemon=True)
                self._thread.start()
            self._wake.notify()

    def forget(self, run: Run) -> None:
        """Free what a run holds. Only for the engine's thread."""
        if run in self._scheduler.runs:
            self._n_cached += run.usage.tokens_cached
        self._scheduler.remove(run)

    # ---------------------------------------------------------------- the engine's thread

    def _serve(self) -> None:
        while self._obey():
            self._advance()
        for command in self._commands:  # somebody waits for what they do
            command()
        for run in self._scheduler.runs:
            if run.present is not None:
                run.fail(RunCancelled("the runtime was closed while the run went on."))
            self._scheduler.remove(run)

    def _obey(self) -> bool:
        """Do what callers asked for; wait for them if no run can go on. False: stop serving."""
        with self._wake:
            while not (self._closed or self._commands or self._has_work()):
                self._wake.wait()
            if self._closed:
                return False
            commands, self._commands = self._commands, deque()
        for command in commands:
            command()
        return True

    def _has_work(self) -> bool:
        return any(run.present is not None for run in self._scheduler.runs)

    def _advance(self) -> None:
        """One step of all runs, if any can go on; of each run alone if they fail together."""
        step = self._scheduler.next_step(time.monotonic())
        if step is not None and not self._run(step) and len(step.runs) > 1:
            for run in step.runs:
                alone = self._scheduler.next_step(time.monotonic(), only=run)
                if alone is not None:
                    self._run(alone)

    def _run(self, step: Step) -> bool:
        """Run a step and tell its results; False if the forward pass failed."""
        try:
            results = run_rows(self.engine, step.rows)
        except Exception as error:  # a failure must reach those who wait, whatever it is
            self._scheduler.drop(step, error)
            return False
        self._tell(step, results)
        return True

    def _tell(self, step: Step, results: list[Result]) -> None:
        self._n_steps += 1
        n_before = sum(run.usage.tokens_generated for run in step.runs)
        now_s = time.monotonic()
        try:
            self._scheduler.apply(step, results, now_s)
        except Exception as error:  # as above
            for run in step.runs:
                run.fail(error)
        n_new = sum(run.usage.tokens_generated for run in step.runs) - n_before
        self._recent.append((now_s, n_new))
        while self._recent and now_s - self._recent[0][0] > RATE_WINDOW_S:
            self._recent.popleft()


class EmbeddedSession:
    """A `hogdsl.ports.Session`. `run` is for one thread at a time, `cancel` for any."""

    def __init__(self, runtime: EmbeddedRuntime) -> None:
        self._runtime = runtime
        self._events: SimpleQueue[events.Event] = SimpleQueue()
        self._run: Run | None = None
        self._closed = False

    def bind(self, run: Run) -> None:
        """Say which run the session is for."""
        self._run = run

    def put(self, event: events.Event) -> None:
        """An event of the run has come about."""
        self._events.put(event)

    def run(self, region: Region) -> Iterator[events.Event]:
        """Run one region; see `hogdsl.ports.Session.run`."""
        run = self._bound()
        if self._closed:
            raise RunCancelled("the session is closed. Open another one to run the program again.")
        self._runtime.submit(lambda: run.start(region, time.monotonic()))
        over = False
        try:
            while not over:
                event = self._events.get()
                over = event.kind in ("joined", "failed")
                yield event
        finally:
            if not over:
                self.close()

    def cancel(self) -> None:
        """End the run before its next step; it then ends with `Failed`."""
        run = self._bound()

        def command() -> None:
            if run.present is not None:
                run.fail(RunCancelled("the run was cancelled."))

        with suppress(RunCancelled):
            self._runtime.submit(command)

    def close(self) -> None:
        """Free all that the run holds and wait until it is free. Safe to call twice."""
        run, done = self._bound(), threading.Event()
        self._closed = True

        def command() -> None:
            self._runtime.forget(run)
            done.set()

        with suppress(RunCancelled):
            self._runtime.submit(command)
            done.wait()

    def _bound(self) -> Run:
        assert self._run is not None
        return self._run
