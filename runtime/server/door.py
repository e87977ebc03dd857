"""Who may come in, and how all are sent home."""

import asyncio
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from fastapi import WebSocket

from hogdsl.errors import CapacityError, HogError, RunCancelled
from hogdsl.ports import Runtime
from runtime.server.conversation import Conversation
from runtime.server.socket import POLICY, Socket, refusal

STOPPED = "the server was stopped. Run the program again when it is back."


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a server takes from its clients."""

    max_sessions: int = 64
    """At the same time; each running one takes a thread."""
    max_message_bytes: int = 16 << 20
    """Of one message from a client."""
    max_waiting_bytes: int = 4 << 20
    """Of events that wait for one client; one that leaves more unread has its run cancelled."""


class Door:
    """All conversations of a server. For its event loop."""

    def __init__(self, runtime: Runtime, limits: Limits) -> None:
        self.runtime, self.limits = runtime, limits
        self._pool = ThreadPoolExecutor(limits.max_sessions, thread_name_prefix="hogdsl-session")
        self._inside: set[Conversation] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"<Door {state}, {len(self._inside)} of {self.limits.max_sessions} sessions>"

    async def receive(self, websocket: WebSocket) -> None:
        """Serve one client, from its connection to its end."""
        if not _is_of_this_site(websocket):
            await websocket.close(POLICY)  # before it is accepted: answered as 403
            return
        await websocket.accept()
        socket = Socket(websocket, self.limits.max_message_bytes)
        try:
            with self._admitted(socket) as conversation:
                await conversation.hold()
        except HogError as error:
            await socket.end(refusal(error), POLICY)

    async def close(self) -> None:
        """Let nobody in any more, and send all home. Safe to call twice."""
        self._closed = True
        for conversation in self._inside:
            conversation.end(RunCancelled(STOPPED))
        if self._tasks:
            await asyncio.wait(set(self._tasks))
        self._pool.shutdown(wait=False)

    @contextmanager
    def _admitted(self, socket: Socket) -> Generator[Conversation]:
        if self._closed:
            raise RunCancelled(STOPPED)
        if len(self._inside) >= self.limits.max_sessions:
            raise CapacityError(
                f"{len(self._inside)} sessions are open, and the server takes no more. Try again "
                "when one has ended, or start it with a larger --max-sessions."
            )
        conversation = Conversation(
            socket, self.runtime, self._pool, max_waiting_bytes=self.limits.max_waiting_bytes
        )
        task = asyncio.current_task()
        assert task is not None
        self._inside.add(conversation)
        self._tasks.add(task)
        try:
            yield conversation
        finally:
            self._inside.discard(conversation)
            self._tasks.discard(task)


def _is_of_this_site(websocket: WebSocket) -> bool:
    """Whether a page in a browser that connects was served from here.

    Browsers let any page of the web connect to a server on the same machine, and say which page it
    is; other clients say nothing.
    """
    origin = websocket.headers.get("origin")
    return origin is None or origin.partition("://")[2] == websocket.headers.get("host")
