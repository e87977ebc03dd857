"""One program run for many items, several at a time."""

import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Any, Generic, TypeAlias, TypeVar, cast, final, overload

from hogdsl.compiler.nodes import Place, check_count
from hogdsl.language.cancelling import CancelScope
from hogdsl.language.runner import Run
from hogdsl.language.source import here

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

Item: TypeAlias = tuple[Any, ...] | Mapping[str, Any]
"""Arguments of one run: in order, or by name."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[R_co]):
    """What came of one item: either `run` or `error` is there."""

    item: Item
    run: Run[R_co] | None
    error: Exception | None

    @property
    def value(self) -> R_co:
        """What the program returned.

        Raises:
            Exception: what it raised instead.
        """
        if self.error is not None:
            raise self.error
        assert self.run is not None
        return self.run.value


@final
class Batch(Sequence[Outcome[R_co]]):
    """The outcomes of a batch, in the order of its items."""

    def __init__(self, outcomes: Iterable[Outcome[R_co]]) -> None:
        self._outcomes = tuple(outcomes)

    @property
    def values(self) -> tuple[R_co, ...]:
        """What the program returned, for the items that did not fail."""
        return tuple(o.run.value for o in self._outcomes if o.run is not None)

    @property
    def errors(self) -> Mapping[int, Exception]:
        """What was raised, by the index of the item."""
        return {i: o.error for i, o in enumerate(self._outcomes) if o.error is not None}

    def __len__(self) -> int:
        return len(self._outcomes)

    @overload
    def __getitem__(self, index: int) -> Outcome[R_co]: ...
    @overload
    def __getitem__(self, index: slice) -> "Batch[R_co]": ...
    def __getitem__(self, index: int | slice) -> "Outcome[R_co] | Batch[R_co]":
        if isinstance(index, slice):
            return Batch(self._outcomes[index])
        return self._outcomes[index]

    def __repr__(self) -> str:
        return f"<Batch of {len(self)}, {len(self.errors)} failed>"


def run_batch(
    run: Callable[[Item], Run[R]],
    items: Iterable[Item],
    *,
    at_once: int,
    progress: bool | None,
) -> Batch[R]:
    """Run all items; see `hogdsl.language.program.Program.batch`."""
    place = here()
    check_count("at_once", at_once, place)
    checked = [_checked(item, place) for item in items]
    with _bar(len(checked), progress) as advance:
        return Batch(_Crew(run, checked).work(at_once, advance))


class _Crew(Generic[R]):
    """Threads that run one item after another.

    Ctrl-C may come at any moment, also while a thread starts: one that starts too late finds the
    batch over and does nothing. When the run around it is cancelled, all items end as cancelled.
    """

    def __init__(self, run: Callable[[Item], Run[R]], items: Sequence[Item]) -> None:
        self._run, self._items = run, items
        self._scope = CancelScope()
        self._changed = Condition()
        self._todo = deque(range(len(items)))
        self._n_running = 0
        self._done: list[tuple[int, Outcome[R]]] = []
        """As they came to an end, with the index of the item."""
        self._fault: BaseException | None = None
        """What was raised that is no `Exception`: it ends the batch."""
        self._over = False

    def work(self, at_once: int, advance: Callable[[bool], None]) -> list[Outcome[R]]:
        """Run all items; `advance` is called for each that is over, with whether it failed."""
        with self._scope.current():
            threads = [
                Thread(target=copy_context().run, args=(self._serve,), name="hogdsl-batch")
                for _ in range(min(at_once, len(self._items)))
            ]
            try:
                for thread in threads:
                    thread.start()
                for n in range(len(self._items)):
                    advance(self._nth(n).error is not None)
            finally:
                self._end()
                for thread in threads:
                    if thread.is_alive():
                        thread.join()
        by_index = dict(self._done)
        return [by_index[i] for i in range(len(self._items))]

    def _nth(self, n: int) -> Outcome[R]:
        """The n-th outcome that there is, counted from 0; waits for it."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._done) > n or self._fault is not None)
        if self._fault is not None:
            raise self._fault
        return self._done[n][1]

    def _end(self) -> None:
        """Cancel what still runs, and wait for it."""
        self._scope.cancel()
        with self._changed:
            self._over = True
            self._changed.wait_for(lambda: self._n_running == 0)

    def _serve(self) -> None:
        while (index := self._next()) is not None:
            outcome = fault = None
            try:
                outcome = self._outcome(self._items[index])
            except BaseException as error:
                fault = error
            with self._changed:
                self._n_running -= 1
                if outcome is not None:
                    self._done.append((index, outcome))
                self._fault = self._fault or fault
                self._changed.notify_all()

    def _next(self) -> int | None:
        with self._changed:
            if self._over or not self._todo:
                return None
            self._n_running += 1
            return self._todo.popleft()

    def _outcome(self, item: Item) -> Outcome[R]:
        try:
            self._scope.check()
            return Outcome(item=item, run=self._run(item), error=None)
        except Exception as error:
            return Outcome(item=item, run=None, error=error)


def arguments(item: Item) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional arguments and arguments by name."""
    return (item, {}) if isinstance(item, tuple) else ((), dict(item))


def _checked(item: object, place: Place) -> Item:
    if not isinstance(item, tuple | Mapping):
        raise place.error(
            f"an item of a batch is a tuple of arguments, or a mapping of them by name, and "
            f"{item!r} is neither. Write ({item!r},) for one argument.",
            code="batch-item",
        )
    return cast(Item, item)


@contextmanager
def _bar(n_items: int, progress: bool | None) -> Generator[Callable[[bool], None]]:
    """Shows how far it is; what it gives is called for every item that is over."""
    if not (sys.stderr.isatty() if progress is None else progress):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[failed]}"))
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task("", total=n_items, failed="")
        n_failed = 0

        def advance(failed: bool) -> None:
            nonlocal n_failed
            n_failed += failed
            shown.update(task, advance=1, failed=f"{n_failed} failed" if n_failed else "")

        yield advance
