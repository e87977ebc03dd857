"""Which runtime is meant when none is named, and which tenant.

A program that is bound with `on` runs there. Otherwise what is around the call counts: the
innermost `use`, or the program that makes it. Otherwise it is one embedded runtime of the process,
which is made when it is first needed and closed at exit.
"""

import atexit
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
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


@final
@dataclass(frozen=True, slots=True)
class Where:
    """Where runs go on.

    Attributes:
        runtime: gives it; the embedded one is not made before.
        tenant: whose runs they are.
    """

    runtime: Callable[[], Runtime]
    tenant: str = ""


_embedded = Where(OnFirstUse(local))
_meant: ContextVar[Where] = ContextVar("hogdsl_where", default=_embedded)


@contextmanager
def use(runtime: Runtime, *, tenant: str = "") -> Generator[Runtime]:
    """Programs that are called in the `with` block run on `runtime`; it is not closed.

    Args:
        runtime: where they run.
        tenant: whose runs they are; see `Program.on`.
    """
    with meant(where(runtime, tenant)):
        yield runtime


@contextmanager
def meant(place: Where) -> Generator[None]:
    """In the `with` block, programs that are not bound run there."""
    token = _meant.set(place)
    try:
        yield
    finally:
        _meant.reset(token)


def where(runtime: Runtime | None, tenant: str) -> Where:
    """Where a call that is made now runs: as it is bound, else as what is around it.

    A tenant stays on other runtimes, too: who calls for somebody does so everywhere.
    """
    around = _meant.get()
    return Where(
        around.runtime if runtime is None else lambda: runtime,
        tenant or around.tenant,
    )
