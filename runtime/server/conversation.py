"""One client's session.

    state     open      run                   command, cancel   close
    (new)     idle      refused               refused           refused
    idle      refused   running               passed on         the end
    running   refused   refused; idle again   passed on         the end
                        after the region's
                        last event

The end comes by `close`, by a refusal, by the client's leaving, or from the door (`end`). However
it comes, the run is cancelled, its thread has returned and its pages are free before the client is
told.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import assert_never

from fastapi import WebSocketDisconnect

from hogdsl import events
from hogdsl.errors import CapacityError, HogError, PlanError, RunCancelled, ServerError
from hogdsl.ports import Runtime, Session
from hogdsl.wire import Cancel, Close, Closed, Open, Opened, Refused, RunRegion, Tell
from runtime.server.outbox import Outbox
from runtime.server.socket import (
    FAULT,
    GONE,
    GOODBYE_S,
    NORMAL,
    POLICY,
    RESTART,
    TOO_LARGE,
    Socket,
    refusal,
)

HELLO_S = 10.0
"""So long a client may take to open the session."""
LEFT = "the session was closed while the run went on."


class Conversation:
    """From the client's first message to the last word. For the event loop, but for `_pump`."""

    def __init__(
        self, socket: Socket, runtime: Runtime, pool: Executor, *, max_waiting_bytes: int
    ) -> None:
        """
        Args:
            socket: the client's.
            runtime: where its programs run.
            pool: threads for what may wait; one is free for every conversation.
            max_waiting_bytes: of events that the client has not read.
        """
        self._socket, self._runtime, self._pool = socket, runtime, pool
        self._outbox = Outbox(max_waiting_bytes)
        self._max_waiting_bytes = max_waiting_bytes
        self._running: asyncio.Future[None] | None = None
        self._region_over = True
        """The last event of the newest region is in the outbox."""
        self._reading: asyncio.Task[None] | None = None
        self._why: str | None = None
        """What a client whose run is cancelled is told, if there is more to say."""
        self._error: BaseException | None = None
        """What has ended it from this side."""

    def end(self, error: BaseException) -> None:
        """Send the client home: what runs is cancelled, and it is told why."""
        self._error, self._why = self._error or error, self._why or str(error)
        if self._reading is not None:
            self._reading.cancel()

    async def hold(self) -> None:
        """Talk until one of both ends it."""
        try:
            async with asyncio.timeout(HELLO_S):
                message = await self._socket.read()
            session = self._open(message)
        except GONE:
            return
        except TimeoutError:
            late = PlanError(f"a session begins with 'open', within {HELLO_S:g} seconds.")
            await self._socket.end(refusal(late), POLICY)
            return
        except HogError as error:
            await self._socket.end(refusal(error), _code(error))
            return
        last, code = await self._talk(session)
        await self._socket.end(last, code)

    def _open(self, message: object) -> Session:
        if self._error is not None:
            raise self._error
        if not isinstance(message, Open):
            raise PlanError("a session begins with 'open', and this is another message.")
        return self._runtime.open(
            seed=message.seed,
            max_tokens=message.max_tokens,
            max_seconds=message.max_seconds,
            tenant=message.tenant,
        )

    async def _talk(self, session: Session) -> tuple[Closed | Refused | None, int]:
        """With an open session; gives the last word to the client, and the code of the end."""
        self._reading = asyncio.create_task(self._obey(session))
        sending = asyncio.create_task(self._deliver())
        try:
            await asyncio.wait({self._reading, sending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._reading.cancel()
            await self._free(session)
            self._outbox.finish()
            # what a client does not read in time it does not get
            await asyncio.wait({sending}, timeout=GOODBYE_S)
            sending.cancel()
        return self._verdict(self._reading)

    def _verdict(self, reading: "asyncio.Task[None]") -> tuple[Closed | Refused | None, int]:
        if self._error is not None:
            return refusal(self._error), _code(self._error)
        if reading.cancelled():  # nothing can be sent
            return None, NORMAL
        match reading.exception():
            case None:
                return Closed(), NORMAL
            case WebSocketDisconnect():
                return None, NORMAL
            case error:
                return refusal(error), _code(error)

    async def _deliver(self) -> None:
        with suppress(*GONE):
            await self._socket.send(Opened())
            await self._outbox.deliver(self._socket.send_text)

    async def _free(self, session: Session) -> None:
        """Cancel what runs, wait for its thread, and give all back."""
        self._why = self._why or LEFT
        session.cancel()
        if self._running is not None:
            await asyncio.wait({self._running})
        await self._in_pool(session.close)

    # ---------------------------------------------------------------- what the client says

    async def _obey(self, session: Session) -> None:
        """Do what the client says until it closes.

        Raises:
            HogError: it is to be refused.
            WebSocketDisconnect: it has left.
        """
        while True:
            match await self._socket.read():
                case Open():
                    raise PlanError("the session is open already. One socket is one session.")
                case RunRegion() as message:
                    await self._begin(session, message)
                case Tell(command=command):
                    session.send(command)
                case Cancel():
                    session.cancel()
                case Close():
                    return
                case message:
                    assert_never(message)

    async def _begin(self, session: Session, message: RunRegion) -> None:
        if not self._region_over:
            raise PlanError(
                f"region {message.region.name!r}: another one still runs. Wait for its event "
                "'joined' or 'failed'."
            )
        if self._running is not None:
            await asyncio.wait({self._running})  # its last event is out, so it returns at once
        self._region_over = False
        self._running = self._in_pool(lambda: self._pump(session, message))
        self._running.add_done_callback(self._pumped)

    def _in_pool(self, work: Callable[[], None]) -> "asyncio.Future[None]":
        return asyncio.get_running_loop().run_in_executor(self._pool, work)

    def _pumped(self, running: "asyncio.Future[None]") -> None:
        """A region's thread has returned; if it raised, the client is refused for that."""
        error = running.exception()
        if error is not None:
            self.end(error)

    # ---------------------------------------------------------------- in a thread of the pool

    def _pump(self, session: Session, message: RunRegion) -> None:
        """Run a region; its events go to the outbox."""
        full = False
        for event in session.run(message.region, message.commands, live=message.live):
            last = event.kind in ("joined", "failed")
            if full and not last:
                continue
            if isinstance(event, events.Failed) and event.error == "RunCancelled" and self._why:
                event = event.model_copy(update={"message": self._why})
            if last:
                self._region_over = True
            if not self._outbox.put(event.model_dump_json(), last=last):
                full = True
                self._why = (
                    f"the client has left {self._max_waiting_bytes} bytes of events unread. Read "
                    "them as they come."
                )
                session.cancel()


def _code(error: BaseException) -> int:
    match error:
        case RunCancelled():
            return RESTART
        case CapacityError():
            return TOO_LARGE
        case PlanError() | ServerError():
            return POLICY
        case _:
            return FAULT
