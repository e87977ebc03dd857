"""A server in a thread of the test, and runtimes that tell the test what is done to them."""

import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue

from hogdsl.commands import Command
from hogdsl.events import Event, Failed, Stats, Token
from hogdsl.plan import Region
from hogdsl.ports import Runtime, Session
from runtime.server import Limits, create_app
from runtime.server.serving import Server, listen, url_of

PATIENCE_S = 60.0
"""A test that waits longer has failed."""


class Served:
    """A server that runs: its URL, and its end."""

    def __init__(self, runtime: Runtime, limits: Limits) -> None:
        listener = listen("127.0.0.1", 0)
        self.url = url_of(listener)
        ready = threading.Event()
        self._server = Server(create_app(runtime, limits), ready.set)
        self._thread = threading.Thread(target=self._server.run, args=([listener],))
        self._thread.start()
        assert ready.wait(PATIENCE_S)

    def stop(self) -> None:
        """As Ctrl-C does. Safe to call twice."""
        self._server.should_exit = True
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


@contextmanager
def served(runtime: Runtime, limits: Limits | None = None) -> Generator[Served]:
    """A server for the `with` block; the runtime is not closed."""
    server = Served(runtime, limits or Limits())
    try:
        yield server
    finally:
        server.stop()


class Observed:
    """A runtime that says what was wanted of its sessions, and which of them were closed."""

    def __init__(self, runtime: Runtime) -> None:
        self.inner = runtime
        self.tenants: list[str] = []
        """Whose sessions were opened."""
        self.live: list[bool] = []
        """Whether the events of a region were wanted as they come."""
        self.closed: SimpleQueue[Session] = SimpleQueue()

    def open(
        self,
        *,
        seed: int = 0,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
        tenant: str = "",
    ) -> Session:
        self.tenants.append(tenant)
        session = self.inner.open(
            seed=seed, max_tokens=max_tokens, max_seconds=max_seconds, tenant=tenant
        )
        return _ObservedSession(session, self)

    def stats(self) -> Stats:
        return self.inner.stats()

    def close(self) -> None:
        self.inner.close()


class _ObservedSession:
    def __init__(self, session: Session, runtime: Observed) -> None:
        self._session, self._runtime = session, runtime
        self.send, self.cancel = session.send, session.cancel

    def run(
        self, region: Region, commands: Sequence[Command] = (), *, live: bool = True
    ) -> Iterator[Event]:
        self._runtime.live.append(live)
        return self._session.run(region, commands, live=live)

    def close(self) -> None:
        self._session.close()
        self._runtime.closed.put(self)


class Chatter:
    """A runtime without a model: its runs tell tokens until cancelled."""

    def __init__(self, error: Exception | None = None, *, pause_s: float = 0.0) -> None:
        self.cancelled = threading.Event()
        self.n_told = 0
        self.pause_s = pause_s
        """After each token; by default they come as fast as they can."""
        self.error = error
        """What `run` raises."""

    def open(
        self,
        *,
        seed: int = 0,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
        tenant: str = "",
    ) -> Session:
        return _ChatterSession(self)

    def stats(self) -> Stats:
        return Stats(
            model="chatter",
            device="none",
            runs=0,
            steps=0,
            tokens_per_second=0.0,
            pages_used=0,
            pages_total=0,
            tokens_cached=0,
        )

    def close(self) -> None:
        self.cancelled.set()


class _ChatterSession:
    def __init__(self, runtime: Chatter) -> None:
        self._runtime = runtime

    def run(
        self, region: Region, commands: Sequence[Command] = (), *, live: bool = True
    ) -> Iterator[Event]:
        if self._runtime.error is not None:
            raise self._runtime.error
        n = 0
        while not self._runtime.cancelled.wait(self._runtime.pause_s):
            yield Token(seq=n, step=n, stream="main", token=7, text="word " * 20)
            n += 1
            self._runtime.n_told = n
        yield Failed(seq=n, step=n, error="RunCancelled", message="the run was cancelled.")

    def send(self, command: Command) -> None: ...

    def cancel(self) -> None:
        self._runtime.cancelled.set()

    def close(self) -> None:
        self._runtime.cancelled.set()
