"""A run in a thread of its own, as an iterator of events.

The thread owns the runner and the program's function. The consumer owns a `RunStream`; when that is
closed, left or forgotten, it cancels the runner and waits until the thread has freed everything.
The thread never refers to the `RunStream`, or it would never be forgotten.
"""

from collections.abc import Callable, Iterator
from contextvars import copy_context
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread, current_thread
from typing import Generic, Self, TypeVar, final
from weakref import finalize

from hogdsl.events import Event, Stats
from hogdsl.language.runner import Run, Runner, Settings
from hogdsl.language.source import here

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True)
class _Done(Generic[R]):
    run: Run[R]


@dataclass(frozen=True, slots=True)
class _Raised:
    error: BaseException


class _Work(Generic[R]):
    """The thread's side: runs the program and puts events, then its outcome, into a queue."""

    def __init__(self, execute: Callable[[Runner], Run[R]], settings: Settings) -> None:
        self.queue: SimpleQueue[Event | _Done[R] | _Raised] = SimpleQueue()
        self.runner = Runner(settings, self.queue.put)
        self._execute = execute
        self._thread: Thread | None = None
        self._over = False

    def start(self) -> None:
        """Begin, unless it has begun; the program sees the context variables of this caller."""
        if self._thread is None:
            run = copy_context().run
            self._thread = Thread(target=run, args=(self._main,), name="hogdsl-run", daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Cancel what still runs and wait until all is free. Safe to call twice."""
        if self._thread is None:
            return
        if not self._over:
            self.runner.cancel()
        # a forgotten stream may be collected by the very thread that runs it
        if self._thread is not current_thread():
            self._thread.join()

    def _main(self) -> None:
        outcome: _Done[R] | _Raised
        try:
            outcome = _Done(self._execute(self.runner))
        except BaseException as error:  # all of it is raised again where the events are read
            outcome = _Raised(error)
        self._over = True
        self.queue.put(outcome)


@final
class RunStream(Generic[R_co]):
    """The events of a run that goes on while they are read.

    The run begins with the first event that is asked for. `break`, `close`, Ctrl-C and the end of
    a `with` block cancel it within one step and free everything. An exception of the program is
    raised from the iterator. After the last event `run` has the results.
    """

    def __init__(self, execute: Callable[[Runner], Run[R_co]], settings: Settings) -> None:
        self._work = _Work(execute, settings)
        # also at exit, while threads can still be waited for
        self._end = finalize(self, self._work.end)
        self._over = False
        self._run: Run[R_co] | None = None

    @property
    def run(self) -> Run[R_co]:
        """The results, after the last event.

        Raises:
            ProgramError: the run is not over, or it did not end well.
        """
        if self._run is None:
            raise here().error(
                "the results of a run are read too early: it is not over, or was ended. "
                "Read all its events first."
            )
        return self._run

    def stats(self) -> Stats:
        """What the runtime is doing now."""
        return self._work.runner.stats()

    def __next__(self) -> Event:
        if self._over:
            raise StopIteration
        self._work.start()
        match self._work.queue.get():
            case _Done(run):
                self.close()
                self._run = run
                raise StopIteration
            case _Raised(error):
                self.close()
                raise error
            case event:
                return event

    def __iter__(self) -> Iterator[Event]:
        """The events; leaving the loop early closes the run."""
        try:
            while (event := next(self, None)) is not None:
                yield event
        finally:
            self.close()

    def close(self) -> None:
        """End the run if it is not over, and wait until all is free. Safe to call twice."""
        self._over = True
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
