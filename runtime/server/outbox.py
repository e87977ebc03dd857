"""Events on their way to one client."""

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable

BATCH_BYTES = 1 << 16
"""Events that wait are sent together, up to about so much in one message."""


class Outbox:
    """Filled by a thread, emptied by the event loop; holds a bounded number of bytes."""

    def __init__(self, max_bytes: int) -> None:
        """Made in the event loop.

        Args:
            max_bytes: of JSON that may wait.
        """
        self._max_bytes = max_bytes
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._lock = threading.Lock()
        self._waiting: deque[str] = deque()
        self._n_bytes = 0
        self._finished = False

    def __repr__(self) -> str:
        return f"<Outbox {len(self._waiting)} events, {self._n_bytes} bytes>"

    def put(self, event: str, *, last: bool = False) -> bool:
        """Have an event sent, given as JSON; for any thread.

        Args:
            last: of a region: it is taken in even if there is no room.

        Returns:
            False if there is no room for it.
        """
        n_bytes = len(event.encode())
        with self._lock:
            if self._n_bytes + n_bytes > self._max_bytes and not last:
                return False
            is_first = not self._waiting
            self._waiting.append(event)
            self._n_bytes += n_bytes
        if is_first:  # else it was called, and takes all that waits
            self._loop.call_soon_threadsafe(self._changed.set)
        return True

    def finish(self) -> None:
        """Nothing more will be put; `deliver` ends when all is sent. For the event loop."""
        self._finished = True
        self._changed.set()

    async def deliver(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Send messages (`hogdsl.wire.Events`) until the outbox is finished and empty."""
        while True:
            self._changed.clear()
            if batch := self._take():
                await send('{"kind":"events","events":[' + ",".join(batch) + "]}")
            elif self._finished:
                return
            else:
                await self._changed.wait()

    def _take(self) -> list[str]:
        """The events of the next message, removed from those that wait."""
        batch: list[str] = []
        n_bytes = 0
        with self._lock:
            while self._waiting and n_bytes < BATCH_BYTES:
                batch.append(self._waiting.popleft())
                n_bytes += len(batch[-1].encode())
            self._n_bytes -= n_bytes
        return batch
