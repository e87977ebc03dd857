"""A run in a thread of its own, as an iterator of events.

The thread owns the runner and the program's function. The consumer owns a `RunStream`; when that is
closed, left or forgotten, it cancels the runner and waits until the thread has freed everything.
The thread never refers to the `RunStream`, or it would never be forgotten.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread, current_thread
from typing import TYPE_CHECKING, Generic, Self, TypeVar, final
from weakref import finalize

from hogdsl.events import Event, Stats
from hogdsl.language.runner import Run, Runner, Settings
from hogdsl.language.source import here

if TYPE_CHECKING:  # asyncio is loaded when somebody uses it: `import hogdsl` stays quick
    from hogdsl.language.bell import Bell

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

    def __init__(
        self, execute: Callable[[Runner], Run[R]], settings: Settings, *, silent: bool
    ) -> None:
        self.queue: SimpleQueue[Event | _Done[R] | _Raised] = SimpleQueue()
        self.runner = Runner(settings, None if silent else self._put)
        self._execute = execute
        self._thread: Thread | None = None
        self._over = False
        self._bell: Bell | None = None

    def start(self) -> None:
        """Begin, unless it has begun; the program sees the context variables of this caller."""
        if self._thread is None:
            run = copy_context().run
            self._thread = Thread(target=run, args=(self._main,), name="hogdsl-run", daemon=True)
            self._thread.start()

    def cancel(self) -> None:
        """Cancel what still runs."""
        if self._thread is not None and not self._over:
            self.runner.cancel()

    def end(self) -> None:
        """Cancel what still runs and wait until all is free. Safe to call twice."""
        self.cancel()
        # a forgotten stream may be collected by the very thread that runs it; and Ctrl-C may come
        # while the thread starts, which then finds its run cancelled
        thread = self._thread
        if thread is not None and thread is not current_thread() and thread.is_alive():
            thread.join()

    async def get(self) -> Event | _Done[R] | _Raised:
        """The next of the queue; the event loop goes on meanwhile."""
        bell = self._own_bell()
        while True:
            bell.reset()
            with suppress(Empty):
                return self.queue.get_nowait()
            await bell.wait()

    async def over(self) -> None:
        """Wait until the program has ended, however often this task is cancelled meanwhile.

        Raises:
            asyncio.CancelledError: it was, and the program has ended.
        """
        import asyncio

        cancelled: asyncio.CancelledError | None = None
        bell = self._own_bell()
        while self._thread is not None:
            bell.reset()
            if self._over:
                break
            try:
                await bell.wait()
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled

    def _own_bell(self) -> "Bell":
        """Rings when something is put, for the tasks of one event loop."""
        if self._bell is None:
            from hogdsl.language.bell import Bell

            self._bell = Bell()
        return self._bell

    def _main(self) -> None:
        outcome: _Done[R] | _Raised
        try:
            outcome = _Done(self._execute(self.runner))
        except BaseException as error:  # all of it is raised again where the events are read
            outcome = _Raised(error)
        self._over = True
        self._put(outcome)

    def _put(self, item: Event | _Done[R] | _Raised) -> None:
        self.queue.put(item)
        if self._bell is not None:
            self._bell.ring()


@final
class RunStream(Generic[R_co]):
    """The events of a run that goes on while they are read: with `for`, or with `async for`.

    The run begins with the first event that is asked for. `break`, `close`, Ctrl-C and the end of
    a `with` block cancel it within one step and free everything; a stream that was closed has no
    further events. An exception of the program is raised from the iterator. After the last event
    `run` has the results.

    With asyncio, use `async with`: at its end, also when its task is cancelled, the run is
    cancelled, and all is free.
    """

    def __init__(
        self,
        execute: Callable[[Runner], Run[R_co]],
        settings: Settings,
        *,
        silent: bool = False,
    ) -> None:
        """
        Args:
            execute: runs the program.
            settings: how it is run.
            silent: no event is given; the iterator just waits for the end.
        """
        self._work = _Work(execute, settings, silent=silent)
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
                "Read all its events first.",
                code="too-early",
            )
        return self._run

    def stats(self) -> Stats:
        """What the runtime is doing now."""
        return self._work.runner.stats()

    def __next__(self) -> Event:
        if self._over:
            raise StopIteration
        self._work.start()
        event = self._event(self._work.queue.get())
        if event is None:
            raise StopIteration
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

    async def __anext__(self) -> Event:
        event = await self._next()
        if event is None:
            raise StopAsyncIteration
        return event

    async def __aiter__(self) -> AsyncIterator[Event]:
        """The events; leaving the loop early closes the run."""
        try:
            while (event := await self._next()) is not None:
                yield event
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """As `close`; the event loop goes on while all is being freed."""
        self._over = True
        self._work.cancel()
        try:
            await self._work.over()
        finally:
            self._end()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def _next(self) -> Event | None:
        if self._over:
            return None
        self._work.start()
        return self._event(await self._work.get())

    def _event(self, item: "Event | _Done[R_co] | _Raised") -> Event | None:
        """The event; None if there is no further one."""
        if self._over or isinstance(item, _Done | _Raised):
            self._work.queue.put(item)  # for whoever else waits
        if self._over:  # it was closed meanwhile
            return None
        match item:
            case _Done(run):
                self.close()
                self._run = run
                return None
            case _Raised(error):
                self.close()
                raise error
            case event:
                return event
