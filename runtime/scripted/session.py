"""Runs of a script, each turned by whoever reads its events.

There is no thread: the next step is made when the reader asks for an event and has taken all that
came before. So commands that a program sends in answer to an event come at the same step in every
run. Callbacks take no steps either: the reader waits until a notice was answered (`Release`), but
not for ever, since a callback may itself wait for what the streams write next.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from threading import Condition
from time import monotonic
from typing import final

from hogdsl.commands import Command, Release
from hogdsl.errors import RunCancelled
from hogdsl.events import Event, Noticed, Stats, Usage
from hogdsl.plan import Region
from runtime.loop import Loop
from runtime.scheduler.run import Run
from runtime.scripted.machine import ScriptMachine
from runtime.scripted.texts import ScriptTexts, Texts
from runtime.scripted.words import Words

PATIENCE_S = 0.5
"""So long the streams stand still for the answer to a notice."""


def script(
    texts: Mapping[str, str | Sequence[str]],
    *,
    answers: Mapping[str, str | Sequence[str]] | None = None,
    seconds_per_step: float = 0.0,
) -> "ScriptRuntime":
    """A runtime that plays a script.

    Args:
        texts: by stream, what the model writes in each `gen` and `select`, in order; one text
            counts as a list of one. What follows a stop is left out.
        answers: by asked stream, the answers to its asks in order, the last one from then on.
            Without it every ask gets its first answer.
        seconds_per_step: how long a step takes, for bounds in seconds. Else time passes only while
            all streams wait for something from outside.
    """
    return ScriptRuntime(_by_stream(texts), _by_stream(answers or {}), seconds_per_step)


def _by_stream(texts: Mapping[str, str | Sequence[str]]) -> Texts:
    return {name: (text,) if isinstance(text, str) else tuple(text) for name, text in texts.items()}


@final
class ScriptRuntime:
    """Plays the same script for every run. See `script`."""

    def __init__(self, texts: Texts, answers: Texts, seconds_per_step: float) -> None:
        self._texts, self._answers = texts, answers
        self._seconds_per_step = seconds_per_step
        self._closed = False
        self.sessions: list[ScriptSession] = []
        """All that were opened, for tests that look at what programs leave behind."""

    def open(
        self,
        *,
        seed: int = 0,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
        tenant: str = "",
    ) -> "ScriptSession":
        """Begin a run; the script begins anew.

        Raises:
            RunCancelled: the runtime is closed.
        """
        if self._closed:
            raise RunCancelled("the runtime is closed. Open another one to run programs.")
        words = Words()
        texts = ScriptTexts(self._texts, self._answers, words)
        session = ScriptSession(
            texts,
            words,
            seconds_per_step=self._seconds_per_step,
            seed=seed,
            max_tokens=max_tokens,
            max_seconds=max_seconds,
            tenant=tenant,
        )
        self.sessions.append(session)
        return session

    def stats(self) -> Stats:
        """Counts of this runtime; it has no pages."""
        return Stats(
            model="script",
            device="none",
            runs=sum(not session.closed for session in self.sessions),
            steps=sum(session.usage.steps for session in self.sessions),
            tokens_per_second=0.0,
            pages_used=0,
            pages_total=0,
            tokens_cached=sum(session.usage.tokens_cached for session in self.sessions),
        )

    def close(self) -> None:
        """Close all runs."""
        self._closed = True
        for session in self.sessions:
            session.close()


@final
class ScriptSession:
    """One run of a script. `run` is for one thread at a time, all else for any.

    Attributes:
        tenant: whose run it is.
        regions: what was run, in order.
        commands: what was told to them, in order.
        cancelled: `cancel` was called.
        closed: `close` was called.
    """

    def __init__(
        self,
        texts: ScriptTexts,
        words: Words,
        *,
        seconds_per_step: float,
        seed: int,
        max_tokens: int | None,
        max_seconds: float | None,
        tenant: str,
    ) -> None:
        self.tenant = tenant
        self.regions: list[Region] = []
        self.commands: list[Command] = []
        self.cancelled = self.closed = False
        self._now_s, self._seconds_per_step = 0.0, seconds_per_step
        self._changed = Condition()
        """Held while something is done to the run."""
        self._events: deque[Event] = deque()
        self._unanswered: set[tuple[str, int]] = set()
        self._machine = ScriptMachine(texts, words, self._stepped)
        self._run = Run(
            self._machine,
            self._hear,
            seed=seed,
            max_tokens=max_tokens,
            max_seconds=max_seconds,
            tenant=tenant,
            opened_at_s=self._now_s,
        )
        self._loop = Loop(self._machine, lambda: self._now_s)
        self._loop.add(self._run)

    @property
    def usage(self) -> Usage:
        """What the run has used so far."""
        return self._run.usage

    @property
    def n_blocks(self) -> int:
        """Blocks that the run holds."""
        return len(self._machine.cache.blocks)

    def run(
        self, region: Region, commands: Sequence[Command] = (), *, live: bool = True
    ) -> Iterator[Event]:
        """Play a region; see `hogdsl.ports.Session.run`. Its events are made as they are read, so
        they are never late."""
        if self.closed:
            raise RunCancelled("the session is closed. Open another one to run the program again.")
        self._start(region, commands)
        over = False
        try:
            while not over:
                event = self._next()
                over = event.kind in ("joined", "failed")
                yield event
        finally:
            if not over:
                self.close()

    def send(self, command: Command) -> None:
        """Tell the running region something; too late, it does nothing."""
        with self._changed:
            self.commands.append(command)
            if isinstance(command, Release):
                self._unanswered.discard((command.watch, command.n))
            self._tell(command)
            self._changed.notify()

    def cancel(self) -> None:
        """End the run; it then ends with `Failed`."""
        self.cancelled = True
        self._end(RunCancelled("the run was cancelled."))

    def close(self) -> None:
        """Free all that the run holds. Safe to call twice."""
        self.closed = True
        self._end(RunCancelled("the session was closed while the run went on."))
        with self._changed:
            self._loop.remove(self._run)

    # ---------------------------------------------------------------- the reader's side

    def _start(self, region: Region, commands: Sequence[Command]) -> None:
        with self._changed:
            self.regions.append(region)
            self.commands += commands
            self._unanswered.clear()
            self._machine.begin(region)
            if self.cancelled:
                self._run.fail(RunCancelled("the run was cancelled."))
                return
            self._run.start(region, self._now_s)
            for command in commands:
                self._tell(command)

    def _next(self) -> Event:
        """The next event; makes steps until there is one."""
        with self._changed:
            while not self._events:
                if self._unanswered:
                    self._changed.wait_for(self._may_go_on, timeout=PATIENCE_S)
                    self._unanswered.clear()
                elif not self._loop.advance() and not self._events:
                    self._wait(self._loop.wait_s())
            return self._events.popleft()

    def _may_go_on(self) -> bool:
        return not self._unanswered or bool(self._events)

    def _wait(self, timeout_s: float | None) -> None:
        """Wait for a command or a deadline, in real time."""
        began_s = monotonic()
        self._changed.wait(timeout_s)
        self._now_s += monotonic() - began_s

    # ---------------------------------------------------------------- while `_changed` is held

    def _tell(self, command: Command) -> None:
        try:
            self._run.tell(command, self._now_s)
        except Exception as error:  # whoever reads must hear of it, whatever it is
            self._run.fail(error)

    def _hear(self, event: Event) -> None:
        self._events.append(event)
        if isinstance(event, Noticed):
            self._unanswered.add((event.watch, event.n))

    def _stepped(self) -> None:
        self._now_s += self._seconds_per_step

    def _end(self, error: RunCancelled) -> None:
        with self._changed:
            if self._run.is_running:
                self._run.fail(error)
            self._changed.notify()
