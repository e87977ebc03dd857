"""Where the texts of a channel come from, if not from `send`: iterators, lines, files.

A source starts when its channel is first listened to and feeds the channel's inbox until it has no
more, the inbox is closed, or it is stopped. What goes wrong in it goes into the inbox as a fault
and ends the run that listens.
"""

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path
from threading import Event, Thread, current_thread
from typing import Protocol, final

from hogdsl.compiler.nodes import Place
from hogdsl.language.inbox import Inbox, Item

THREAD_NAME = "hogdsl-source"


class Source(Protocol):
    """Feeds an inbox."""

    def start(self, inbox: Inbox, place: Place) -> None:
        """Begin; called once. `place` is where the program listens.

        Raises:
            ProgramError: it could never give anything here.
        """
        ...

    def stop(self) -> None:
        """Give no more; called after the inbox was closed. Safe to call twice, from any thread."""
        ...


@final
class FromLines:
    """Reads lines in a thread. A read that blocks cannot be stopped: then the thread, a daemon,
    ends with the next line."""

    def __init__(self, lines: Iterable[str], end: str) -> None:
        self._lines, self._end = lines, end

    def start(self, inbox: Inbox, place: Place) -> None:
        items = (Item(text=line.rstrip("\r\n") + self._end) for line in self._lines)
        _feeding(inbox, items).start()

    def stop(self) -> None:
        pass  # the thread finds the inbox closed


class Clock(Protocol):
    """Seconds that pass, for what is played back; a test has its own."""

    def now_s(self) -> float: ...
    def sleep(self, seconds: float, woken: Event) -> None:
        """Wait so long, or until `woken` is set."""
        ...


@final
class RealClock:
    """`time.monotonic`."""

    def now_s(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float, woken: Event) -> None:
        woken.wait(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """What is heard, and when: seconds since the beginning, at the speed of playing."""

    at_s: float
    item: Item


@final
class FromFile:
    """Plays cues back in time, in a thread."""

    def __init__(self, cues: Iterable[Cue], clock: Clock) -> None:
        self._cues, self._clock = tuple(cues), clock
        self._stopped = Event()
        self._thread: Thread | None = None

    def start(self, inbox: Inbox, place: Place) -> None:
        self._thread = _feeding(inbox, self._played())
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread is not None and self._thread is not current_thread():
            self._thread.join()

    def _played(self) -> Iterator[Item]:
        began_s = self._clock.now_s()
        for cue in self._cues:
            # a channel that was full may have held the last one up
            while (left_s := began_s + cue.at_s - self._clock.now_s()) > 0:
                self._clock.sleep(left_s, self._stopped)
                if self._stopped.is_set():
                    return
            yield cue.item


def read_cues(path: Path, speed: float, words_per_second: float, place: Place) -> list[Cue]:
    """The cues of a file; see `hogdsl.Channel.from_file`.

    Raises:
        ProgramError: a line says no number of seconds, or a rate is not above 0.
        OSError: the file cannot be read.
    """
    for what, rate in (("speed", speed), ("words_per_second", words_per_second)):
        if not 0 < rate < inf:
            raise place.error(
                f"{what} is a number above 0, not {rate!r}. 1.0 is as it was.", code="channel-rate"
            )
    cues: list[Cue] = []
    now_s = 0.0
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        stamp, tab, text = line.partition("\t")
        if tab:
            now_s = max(now_s, _seconds(stamp, path, number, place) / speed)
            cues.append(Cue(at_s=now_s, item=Item(text=text)))
            continue
        words = re.findall(r"\s*\S+(?:\s+$)?", line)
        for i, word in enumerate(words, start=1):
            cues.append(Cue(at_s=now_s, item=Item(text=word, final=i == len(words))))
            now_s += 1 / (words_per_second * speed)
    return cues


def _seconds(stamp: str, path: Path, number: int, place: Place) -> float:
    try:
        seconds = float(stamp)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < inf:
        raise place.error(
            f"a line with a tab begins with the second at which it is heard, and line {number} of "
            f"{str(path)!r} begins with {stamp!r}. Write a number before the tab.",
            code="channel-file",
        )
    return seconds


def _feeding(inbox: Inbox, items: Iterator[Item]) -> Thread:
    """A thread that puts all items into an inbox and then ends it."""

    def feed() -> None:
        try:
            for item in items:
                if inbox.put(item) == "ended":
                    return
        except Exception as error:
            inbox.end(fault=error)
        else:
            inbox.end()

    return Thread(target=feed, name=THREAD_NAME, daemon=True)
