"""Cancellation: a run ends with all runs that its program began.

Every run has a `CancelScope`. While a program's function or one of its callbacks runs, the scope is
the current one of that context, and a run that begins there is bounded by it: it is cancelled with
it, and has no more time left than it.
"""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import final

from hogdsl.errors import RunCancelled

_current: ContextVar["CancelScope | None"] = ContextVar("hogdsl_scope", default=None)


def inside_a_run() -> bool:
    """Whether this is the code of a program, which its own regions wait for."""
    return _current.get() is not None


@final
class CancelScope:
    """Cancelled once and for all, from any thread; knows how much time is left."""

    def __init__(self) -> None:
        self._outer = _current.get()
        self._lock = Lock()
        self._actions: dict[object, Callable[[], None]] = {}
        self._cancelled = False
        self._end_s: float | None = None
        """By `time.monotonic`."""

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def bound(self, max_seconds: float | None) -> float | None:
        """From now on, so much time is left, or less if an outer scope has less: what is given."""
        outer = None if self._outer is None else self._outer.left_s()
        given = min((s for s in (max_seconds, outer) if s is not None), default=None)
        self._end_s = None if given is None else time.monotonic() + given
        return given

    def left_s(self) -> float | None:
        """Seconds until no time is left, 0 if there is none; None: no bound."""
        if self._end_s is None:
            return None if self._outer is None else self._outer.left_s()
        return max(0.0, self._end_s - time.monotonic())

    def check(self) -> None:
        """Nothing more may begin in a scope that was cancelled or has no time left.

        Raises:
            RunCancelled: it is so.
        """
        if self._cancelled or (self._outer is not None and self._outer.cancelled):
            raise RunCancelled("the run was cancelled, and nothing more begins in it.")
        if self.left_s() == 0.0:
            raise RunCancelled("the run has no time left. Give it more with max_seconds=.")

    @contextmanager
    def watched(self, action: Callable[[], None]) -> Generator[None]:
        """In the `with` block, `cancel` calls `action`, in the thread that cancels.

        It is called at once if the scope has been cancelled already.
        """
        key = object()
        with self._lock:
            self._actions[key] = action
            late = self._cancelled
        try:
            if late:
                action()
            yield
        finally:
            with self._lock:
                del self._actions[key]

    def cancel(self) -> None:
        """Cancel all that goes on in the scope. Safe to call twice."""
        with self._lock:
            if self._cancelled:
                return
            self._cancelled = True
            actions = list(self._actions.values())
        for action in actions:
            action()

    @contextmanager
    def current(self) -> Generator[None]:
        """In the `with` block this is the scope of what begins."""
        if self._outer is None:
            with self._as_current():
                yield
        else:
            with self._outer.watched(self.cancel), self._as_current():
                yield

    @contextmanager
    def _as_current(self) -> Generator[None]:
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)
