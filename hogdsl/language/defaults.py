"""Which runtime is meant when none is named.

A program that is bound with `on` runs there. Otherwise what is around the call counts: the
innermost `use`, or the program that makes it. Otherwise it is one embedded runtime of the process,
which is made when it is first needed and closed at exit.
"""

import atexit
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import final

from hogdsl.ports import Runtime, local


@final
class OnFirstUse:
    """Makes a runtime when it is first called, once for all threads; closes it at exit.

    When making it fails, the next call tries again.
    """

    def __init__(self, make: Callable[[], Runtime]) -> None:
        self._make = make
        self._lock = Lock()
        self._runtime: Runtime | None = None

    def __call__(self) -> Runtime:
        with self._lock:
            if self._runtime is None:
                self._runtime = self._make()
                atexit.register(self._runtime.close)
            return self._runtime


_embedded = OnFirstUse(local)
_meant: ContextVar[Callable[[], Runtime]] = ContextVar("hogdsl_runtime", default=_embedded)


@contextmanager
def use(runtime: Runtime) -> Generator[Runtime]:
    """Programs that are called in the `with` block run on `runtime`; it is not closed."""
    with meant(lambda: runtime):
        yield runtime


@contextmanager
def meant(resolve: Callable[[], Runtime]) -> Generator[None]:
    """In the `with` block, programs that are not bound run on what `resolve` gives."""
    token = _meant.set(resolve)
    try:
        yield
    finally:
        _meant.reset(token)


def resolver(bound: Runtime | None) -> Callable[[], Runtime]:
    """How to find the runtime of a call that is made now: `bound`, or the default.

    The embedded runtime is not made before the resolver is called.
    """
    return _meant.get() if bound is None else lambda: bound
