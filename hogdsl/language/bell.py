"""How threads wake the tasks of an event loop."""

import asyncio
from contextlib import suppress
from typing import final


@final
class Bell:
    """Rung from any thread, waited for by tasks of the event loop in which it was made.

    Wait so, and no ring is missed: reset, look whether there is something, wait, and again.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._rung = asyncio.Event()
        self._ringing = False

    def reset(self) -> None:
        """It has not rung since."""
        self._rung.clear()
        self._ringing = False

    async def wait(self) -> None:
        """Until it rings."""
        await self._rung.wait()

    def ring(self) -> None:
        """Wake all who wait; the loop is called once for many rings."""
        if not self._ringing:
            self._ringing = True
            with suppress(RuntimeError):  # the loop is closed, and nobody waits in it any more
                self._loop.call_soon_threadsafe(self._rung.set)
