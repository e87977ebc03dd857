"""The queue in a channel: between those who send and the region that listens.

    item            in the queue   known to the runtime
    sent            yes            as soon as a region listens
    heard           no             yes
    region is over  if not heard   no: the next region is told again

It is bounded, for many senders in threads and event loops, and one listener at a time. The lock is
held for moments only, never while anybody waits.
"""

from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition
from typing import TYPE_CHECKING, Literal, final

from hogdsl.commands import CloseInput, Command, Hear
from hogdsl.compiler.nodes import Place
from hogdsl.errors import InternalError

if TYPE_CHECKING:  # asyncio is loaded when somebody uses it: `import hogdsl` stays quick
    from hogdsl.language.bell import Bell


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Text that was sent; see `hogdsl.commands.Hear`."""

    text: str
    final: bool = True
    at_step: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ear:
    """The stream that listens, and how to reach its region."""

    stream: str
    send: Callable[[Command], None]
    fail: Callable[[BaseException], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    at_step: int | None
    fault: BaseException | None


@final
class Inbox:
    """Items in the order in which they were sent, until they are heard."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._changed = Condition()  # over an RLock: a signal handler may close what it interrupts
        self._sleepers: set[Bell] = set()
        self._items: deque[Item] = deque()
        self._end: _End | None = None
        self._ear: _Ear | None = None

    def __len__(self) -> int:
        return len(self._items)

    @property
    def full(self) -> bool:
        """Whether a sender would have to wait."""
        return len(self._items) >= self.capacity and not self.ended

    @property
    def ended(self) -> bool:
        """Whether nothing more can be put."""
        return self._end is not None

    # ---------------------------------------------------------------- those who send

    def put(self, item: Item, timeout_s: float | None = None) -> Literal["put", "full", "ended"]:
        """Put an item when there is room for it; `full` after waiting for so long in vain."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self.full, timeout_s):
                return "full"
            return self._put(item)

    async def aput(self, item: Item) -> Literal["put", "ended"]:
        """Put an item when there is room for it; the event loop goes on meanwhile."""
        from hogdsl.language.bell import Bell

        while True:
            room = Bell()
            with self._changed:
                if not self.full:
                    return self._put(item)
                self._sleepers.add(room)
            try:
                await room.wait()
            finally:
                with self._changed:
                    self._sleepers.discard(room)

    def end(self, at_step: int | None = None, fault: BaseException | None = None) -> None:
        """Nothing more can be put; with a fault, whoever listens now or later fails.

        Only the first call counts.
        """
        with self._changed:
            if self._end is not None:
                return
            self._end = _End(at_step=at_step, fault=fault)
            self._wake()
            if self._ear is not None:
                self._tell_end(self._ear, self._end)

    def _put(self, item: Item) -> Literal["put", "ended"]:
        if self._end is not None:
            return "ended"
        self._items.append(item)
        if self._ear is not None:
            self._tell(self._ear, item)
        return "put"

    # ---------------------------------------------------------------- the one who listens

    @contextmanager
    def listening(
        self,
        stream: str,
        send: Callable[[Command], None],
        fail: Callable[[BaseException], None],
        place: Place,
    ) -> Generator[None]:
        """In the `with` block, items go to a stream of a region that runs.

        Args:
            stream: its name.
            send: sends commands to its region; must not block.
            fail: ends its run with the error of a source; must not block.
            place: of the program, for the error.

        Raises:
            ProgramError: another region listens.
        """
        ear = _Ear(stream=stream, send=send, fail=fail)
        with self._changed:
            if self._ear is not None:
                raise place.error(
                    f"a channel is heard by one stream at a time, and that of {stream!r} is heard "
                    f"by {self._ear.stream!r}, which still listens. Give each its own "
                    "hog.Channel().",
                    code="channel-in-use",
                )
            self._ear = ear
            for item in self._items:
                self._tell(ear, item)
            if self._end is not None:
                self._tell_end(ear, self._end)
        try:
            yield
        finally:
            with self._changed:
                self._ear = None

    def heard(self, text: str) -> None:
        """The runtime has taken the first item.

        Raises:
            InternalError: it was another text.
        """
        with self._changed:
            if not self._items or self._items[0].text != text:
                first = self._items[0].text if self._items else None
                raise InternalError(
                    f"the runtime heard {text!r} while {first!r} was sent next. Please report it."
                )
            self._items.popleft()
            self._wake()

    def _tell(self, ear: _Ear, item: Item) -> None:
        ear.send(Hear(stream=ear.stream, text=item.text, final=item.final, at_step=item.at_step))

    def _tell_end(self, ear: _Ear, end: _End) -> None:
        if end.fault is not None:
            ear.fail(end.fault)
        else:
            ear.send(CloseInput(stream=ear.stream, at_step=end.at_step))

    def _wake(self) -> None:
        """Let all who wait for room look again."""
        self._changed.notify_all()
        for room in self._sleepers:
            room.ring()
        self._sleepers.clear()
