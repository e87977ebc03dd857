"""From the engine's thread to whoever reads a run.

    engine's thread     put ─▶ events that wait ─▶ get     reader's thread
                        bell ───────────────────▶ wakes it if it waits

What costs is the bell: a reader that wakes wants the interpreter's lock, which the engine's thread
holds. So nobody is woken for an event that nobody looks at before the region is over.
"""

from collections import deque
from queue import SimpleQueue

from hogdsl.errors import HogError
from hogdsl.events import Event

Item = Event | HogError
"""An error is raised where the events are read."""

PIECE = 256
"""So many events that wait wake any reader: a server sends them on, and is not to get a
long region in one piece."""


class EventQueue:
    """The events of one run, in order. `put` is for any thread, `get` for one at a time.

    Attributes:
        live: the reader is woken for every event; else for the last of a region, for an error, and
            when many wait. To be set by the reader, between regions.
    """

    def __init__(self) -> None:
        self.live = True
        self._items: deque[Item] = deque()
        self._bell: SimpleQueue[None] = SimpleQueue()
        """Rung behind a `put`; a reader that was not waiting hears it later, for nothing."""

    def __repr__(self) -> str:
        return f"<EventQueue {len(self._items)} events, {'live' if self.live else 'late'}>"

    def put(self, item: Item) -> None:
        """Add an event behind those that wait."""
        self._items.append(item)
        if self.live or is_last(item) or len(self._items) % PIECE == 0:
            self._bell.put(None)

    def get(self, timeout_s: float | None = None) -> Item:
        """The next event; waits for it.

        Args:
            timeout_s: so long at most; None: for ever.

        Raises:
            queue.Empty: there was none.
        """
        while not self._items:
            self._bell.get(timeout=timeout_s)
        return self._items.popleft()


def is_last(item: Item) -> bool:
    """Nothing follows it in its region."""
    return isinstance(item, HogError) or item.kind in ("joined", "failed")
