"""Text that comes into a running region from outside.

What is sent stays in the channel until the runtime says that it was heard: what a region did not
get to is heard by the next one that listens, in order, nothing lost and nothing twice.
"""

from collections.abc import AsyncIterable, Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Self, final
from weakref import finalize

from hogdsl.commands import Command
from hogdsl.compiler.nodes import Place
from hogdsl.errors import CapacityError, ProgramError
from hogdsl.language.cancelling import inside_a_run
from hogdsl.language.inbox import Inbox, Item
from hogdsl.language.source import here
from hogdsl.language.sources import (
    Clock,
    FromFile,
    FromLines,
    RealClock,
    Source,
    read_cues,
)

CAPACITY = 64
"""Texts that wait in a channel before its senders must wait."""


@final
class Channel:
    """What a `listen` stream hears. Send to it from any thread, or with `asend` from asyncio.

    A channel is heard by one stream at a time. In a `with` block it is closed at the end.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        """A channel in which so many texts may wait to be heard.

        Raises:
            ProgramError: `capacity` is no number of texts.
        """
        _check_capacity(capacity, here())
        self._inbox = Inbox(capacity)
        self._source: Source | None = None
        self._unstarted: Source | None = None
        self._forgotten = finalize(self, self._inbox.end)  # so that nobody feeds it any more
        self._forgotten.atexit = False

    # ---------------------------------------------------------------- where texts come from

    @classmethod
    def from_async(cls, texts: AsyncIterable[str], capacity: int = CAPACITY) -> Self:
        """The texts of an async iterator, which is read from the moment that somebody listens.

        It is read in the event loop that runs here, or in a thread of its own if none does. What
        it raises ends the run. The channel is closed when the iterator ends.
        """
        from hogdsl.language.from_async import FromAsync  # `import hogdsl` stays quick

        return cls._fed(FromAsync(texts), capacity)

    @classmethod
    def from_lines(cls, lines: Iterable[str], *, end: str = "", capacity: int = CAPACITY) -> Self:
        """Lines, such as those of `sys.stdin`, read by a thread while somebody listens or has.

        Args:
            lines: each is an utterance; its line break is left out.
            end: written behind each line.
            capacity: texts that may wait to be heard.
        """
        return cls._fed(FromLines(lines, end), capacity)

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        speed: float = 1.0,
        *,
        words_per_second: float = 2.5,
        clock: Clock | None = None,
        capacity: int = CAPACITY,
    ) -> Self:
        """A text file, played back in time from the moment that somebody listens.

        A line `seconds<TAB>text` is heard as a whole, so long after the beginning; the words of
        any other line come one by one. A line is an utterance.

        Args:
            path: of the file; it is read now.
            speed: 2 is twice as fast.
            words_per_second: at speed 1, of lines that do not say when.
            clock: by which it is played; None for the real one.
            capacity: texts that may wait to be heard.

        Raises:
            ProgramError: a line says no number of seconds, or a rate is not above 0.
            OSError: the file cannot be read.
        """
        place = here()
        cues = read_cues(Path(path), speed, words_per_second, place)
        return cls._fed(FromFile(cues, clock or RealClock()), capacity)

    # ---------------------------------------------------------------- sending

    def send(
        self,
        text: str,
        *,
        final: bool = True,
        at_step: int | None = None,
        timeout: float | None = None,
    ) -> None:
        """Send text; wait while the channel is full.

        Args:
            text: what is heard, as it stands.
            final: it completes an utterance.
            at_step: it is heard when the region has made so many steps, not before.
            timeout: the most seconds to wait for room; None for no bound.

        Raises:
            ProgramError: the channel is closed; or it is full, and this is the code of a program
                or callback, for which the region itself would have to wait.
            CapacityError: there was no room for `timeout` seconds.
        """
        place = here()
        item = _checked(text, final, at_step, place)
        if timeout is None and self._inbox.full and inside_a_run():
            raise place.error(
                f"the channel is full, {self._waiting()} to be heard, and the program itself "
                "would have to wait for the region in which they are. Send from another thread, "
                "or give the channel a greater capacity.",
                code="channel-full",
            )
        match self._inbox.put(item, timeout):
            case "put":
                pass
            case "full":
                raise CapacityError(
                    f"{place}: the channel was full for {timeout} s: {self._waiting()} to be "
                    "heard. Send later, or give the channel a greater capacity."
                )
            case "ended":
                raise _closed(place)

    async def asend(self, text: str, *, final: bool = True, at_step: int | None = None) -> None:
        """Send text from asyncio; wait while the channel is full, and let other tasks go on.

        Arguments are those of `send`. When the task is cancelled while it waits, nothing is sent.

        Raises:
            ProgramError: the channel is closed.
        """
        place = here()
        if await self._inbox.aput(_checked(text, final, at_step, place)) == "ended":
            raise _closed(place)

    def close(self, at_step: int | None = None) -> None:
        """Nothing more is sent; what was sent before is still heard. Safe to call twice.

        Args:
            at_step: the region that listens is told when it has made so many steps, not before.

        Raises:
            ProgramError: `at_step` is no number of steps.
        """
        self._inbox.end(_checked_step(at_step, here()))
        if self._source is not None:
            self._source.stop()

    @property
    def closed(self) -> bool:
        """Nothing more can be sent."""
        return self._inbox.ended

    def __len__(self) -> int:
        """Texts that were sent and not heard yet."""
        return len(self._inbox)

    def _waiting(self) -> str:
        """`2 texts wait`, for messages."""
        n = len(self)
        return f"{n} text waits" if n == 1 else f"{n} texts wait"

    def __bool__(self) -> bool:
        """A channel is one, however many texts wait in it."""
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self.closed else "open"
        return f"<Channel {state}, {len(self)} of {self._inbox.capacity} texts wait>"

    # ---------------------------------------------------------------- listening

    @contextmanager
    def listening(
        self,
        stream: str,
        send: Callable[[Command], None],
        fail: Callable[[BaseException], None],
        place: Place,
    ) -> Generator[None]:
        """In the `with` block it is heard by a stream of a region; see `Inbox.listening`.

        Raises:
            ProgramError: another region listens, or the channel's source cannot start here.
        """
        with self._inbox.listening(stream, send, fail, place):
            source, self._unstarted = self._unstarted, None
            if source is not None:
                source.start(self._inbox, place)
            yield

    def heard(self, text: str) -> None:
        """The runtime says that it has taken the first text that was sent."""
        self._inbox.heard(text)

    @classmethod
    def _fed(cls, source: Source, capacity: int) -> Self:
        channel = cls(capacity)
        channel._source = channel._unstarted = source
        return channel


def _checked(text: object, final: bool, at_step: object, place: Place) -> Item:
    if not isinstance(text, str):
        raise place.error(
            f"a channel takes text, not {text!r}. Write it as text, for example with str().",
            code="channel-text",
        )
    return Item(text=text, final=final, at_step=_checked_step(at_step, place))


def _checked_step(at_step: object, place: Place) -> int | None:
    if at_step is None or (isinstance(at_step, int) and at_step >= 0):
        return at_step
    raise place.error(
        f"at_step is a number of steps of the region, 0 or more, not {at_step!r}. "
        "None is as soon as possible.",
        code="channel-step",
    )


def _check_capacity(capacity: object, place: Place) -> None:
    if type(capacity) is not int or capacity < 1:
        raise place.error(
            f"the capacity of a channel is a number of texts, 1 or more, not {capacity!r}.",
            code="channel-capacity",
        )


def _closed(place: Place) -> ProgramError:
    return place.error(
        "nothing is sent to a channel that is closed. Send before close(), or make another one.",
        code="channel-closed",
    )
