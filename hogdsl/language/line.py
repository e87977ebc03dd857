"""The way of commands to the region that runs, and to no other.

phase       what is sent then
gathering   waits: the region has not started
open        goes to the session at once
closed      is dropped: the region is over, and the next one may have streams of the same name
"""

from collections.abc import Callable
from threading import RLock
from typing import Literal, final

from hogdsl.commands import Command
from hogdsl.errors import RunCancelled


@final
class Line:
    """Passes commands on in the order in which they are sent, from any thread."""

    def __init__(self, send: Callable[[Command], None]) -> None:
        self._send = send
        self._lock = RLock()  # a signal handler may send while its thread is sending
        self._phase: Literal["gathering", "open", "closed"] = "gathering"
        self._gathered: list[Command] = []

    def send(self, command: Command) -> None:
        """Send now, or when the line opens; a closed line drops it."""
        with self._lock:
            match self._phase:
                case "gathering":
                    self._gathered.append(command)
                case "open":
                    self._pass_on(command)
                case "closed":
                    pass

    def take(self) -> tuple[Command, ...]:
        """What was gathered, for whoever starts the region with it."""
        with self._lock:
            taken, self._gathered = tuple(self._gathered), []
        return taken

    def open(self) -> None:
        """The region has started: send what was gathered since `take`. Nothing if not gathering."""
        with self._lock:
            if self._phase != "gathering":
                return
            self._phase = "open"
            for command in self.take():
                self._pass_on(command)

    def close(self) -> None:
        """The region is over; when this returns, nothing is sent any more."""
        with self._lock:
            self._phase = "closed"
            self._gathered.clear()

    def _pass_on(self, command: Command) -> None:
        try:
            self._send(command)
        except RunCancelled:  # the region's own thread is told of it, too
            self._phase = "closed"
