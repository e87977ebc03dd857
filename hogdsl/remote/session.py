"""One WebSocket as a session.

    any thread                    the thread that runs the program
    send, cancel ─▶ socket        socket ─▶ run: events
    close ────────▶ socket        whoever of the two is first reads on, up to `closed`

Only one thread reads at a time (`_reading`); what `close` reads on behalf of a `run` that goes on
is kept for it. Pings find out when the other end is gone, so nobody waits for ever.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from threading import Lock, RLock
from typing import final
from weakref import finalize

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connect_socket

from hogdsl.commands import Command
from hogdsl.errors import CapacityError, HogError, PlanError, RunCancelled, ServerError
from hogdsl.events import Event
from hogdsl.plan import Region
from hogdsl.remote.address import Address
from hogdsl.wire import (
    ERRORS,
    SESSION_PATH,
    Cancel,
    Close,
    Closed,
    Events,
    Open,
    Opened,
    Refused,
    RunRegion,
    ServerMessage,
    Tell,
    read_server,
)

PING_S = 20.0
"""A ping so often; the other end may take as long to answer it."""
CLOSE_S = 10.0
"""So long `close` waits for the server to say that all is free; then it just leaves."""


@final
class RemoteSession:
    """A `hogdsl.ports.Session` on a server. `run` is for one thread at a time, all else for any."""

    def __init__(self, address: Address, hello: Open, max_message_bytes: int) -> None:
        """
        Raises:
            ServerError: the server does not answer, or is none of ours.
            HogError: it refuses the session; of the class that it names.
        """
        self._address, self._max_message_bytes = address, max_message_bytes
        self._events: deque[Event] = deque()
        self._reading = Lock()
        self._closing = RLock()  # a forgotten iterator may be collected while this thread closes
        self._closed = False
        self._end: HogError | None = None
        """Why nothing more comes."""
        self._socket = _connected(address)
        self._hang_up = finalize(self, self._socket.close)  # also when it is forgotten, and at exit
        try:
            self._say(hello)
            self._read_opened()
        except BaseException:
            self._hang_up()
            raise

    def run(
        self, region: Region, commands: Sequence[Command] = (), *, live: bool = True
    ) -> Iterator[Event]:
        """Run one region; see `hogdsl.ports.Session.run`.

        Raises:
            ServerError: the connection was lost.
            CapacityError: the region is longer than a message may be.
            RunCancelled: the session is closed, or the server was stopped.
        """
        if self._closed:
            raise RunCancelled("the session is closed. Open another one to run the program again.")
        self._say(RunRegion(region=region, commands=tuple(commands), live=live))
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
        """Tell the running region something; too late, it does nothing.

        Raises:
            CapacityError: it is longer than a message may be.
        """
        self._say(Tell(command=command))

    def cancel(self) -> None:
        """End the run within one step; `run` then ends with `Failed`."""
        self._say(Cancel())

    def close(self) -> None:
        """Free all that the run holds and wait until it is free. Safe to call twice."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._leave()

    # ---------------------------------------------------------------- writing

    def _say(self, message: Open | RunRegion | Tell | Cancel | Close) -> None:
        text = message.model_dump_json().encode()
        if len(text) > self._max_message_bytes:
            raise CapacityError(
                f"a message to {self._address.url} may have {self._max_message_bytes} bytes, and "
                f"this {message.kind!r} has {len(text)}. Send less at once, or start the server "
                "with a larger --max-message-bytes."
            )
        with suppress(ConnectionClosed):  # whoever reads on finds out why
            self._socket.send(text, text=True)

    def _leave(self) -> None:
        """Have the server free all, then close the socket."""
        end_s = time.monotonic() + CLOSE_S
        self._say(Close())
        if self._reading.acquire(timeout=CLOSE_S):
            try:
                while self._end is None:
                    self._read(end_s - time.monotonic())
            finally:
                self._reading.release()
        self._hang_up()

    # ---------------------------------------------------------------- reading

    def _next(self) -> Event:
        with self._reading:
            while not self._events:
                if self._end is not None:
                    raise self._end
                self._read()
            return self._events.popleft()

    def _read_opened(self) -> None:
        message = self._receive(self._address.seconds)
        if isinstance(message, Refused):
            raise ERRORS[message.error](message.message)
        if not isinstance(message, Opened):
            raise self._address.no_server(f"it began with {message.kind!r}")

    def _read(self, timeout_s: float | None = None) -> None:
        """Take in one message, or note why there is none. For who holds `_reading`."""
        try:
            message = self._receive(timeout_s)
        except HogError as error:
            self._end = error
            return
        match message:
            case Events(events=events):
                self._events += events
            case Refused(error=error, message=reason):
                self._end = ERRORS[error](reason)
            case Closed():
                self._end = RunCancelled("the session was closed while the run went on.")
            case Opened():
                self._end = self._address.no_server("it opened the session twice")

    def _receive(self, timeout_s: float | None) -> ServerMessage:
        try:
            return read_server(self._socket.recv(timeout_s))
        except TimeoutError as error:
            raise self._address.unreachable(error) from None
        except ConnectionClosed:
            raise self._lost() from None
        except PlanError as error:
            raise self._address.no_server(f"it sent a message that is none: {error}") from error

    def _lost(self) -> ServerError:
        reason = self._socket.close_reason or f"code {self._socket.close_code}"
        return ServerError(
            f"the connection to {self._address.url} was lost ({reason}); the run is over. See "
            "whether the server still runs, and run the program again."
        )


def _connected(address: Address) -> ClientConnection:
    try:
        connecting = connect_socket(
            address.socket_url(SESSION_PATH),
            open_timeout=address.seconds,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            close_timeout=CLOSE_S,
            max_size=None,  # the server is trusted; an event may hold all that a stream wrote
            compression=None,
        )
        return connecting.__enter__()  # from now on it is ours; `_hang_up` closes it
    except OSError as error:
        raise address.unreachable(error) from error
    except WebSocketException as error:
        raise address.no_server(f"{SESSION_PATH}: {error}") from error
