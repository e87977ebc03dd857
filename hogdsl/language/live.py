"""A region while it runs, as its callbacks see it."""

from collections.abc import Callable
from typing import Protocol, cast, final

from hogdsl.commands import Command, Pause, Resume, Stop, Write
from hogdsl.compiler.ir import quoted
from hogdsl.compiler.nodes import Place
from hogdsl.events import Event, Heard, Inserted, Interrupted, StreamEnded, Token
from hogdsl.language.parts import whole_name
from hogdsl.language.source import here
from hogdsl.plan import Region


class HasPath(Protocol):
    """A handle of a stream."""

    @property
    def path(self) -> str: ...


Target = str | HasPath
"""A stream, by its handle or its name; a worker inside of another is `"Alice/x"`."""


class Texts:
    """What the streams of a region have written so far. Written by one thread, read by any."""

    def __init__(self, region: Region) -> None:
        self.region = region.name
        self._texts = {stream.name: "" for stream in region.streams}
        self._ended: set[str] = set()

    def add(self, event: Event) -> None:
        """Note an event of the region."""
        match event:
            case Inserted() | Token() | Heard():
                self._texts[event.stream] += event.text
            case Interrupted():
                self._texts[event.stream] = event.text
            case StreamEnded():
                self._texts[event.stream] = event.text
                self._ended.add(event.stream)
            case _:
                pass

    def __getitem__(self, stream: str) -> str:
        return self._texts[stream]

    def parts(self, name: str) -> tuple[str, ...]:
        """The streams of that name, in order: several if a worker forked; none if there is none."""
        return tuple(stream for stream in self._texts if whole_name(stream) == name)

    def running(self, name: str) -> str | None:
        """The part that is being written, or will be next; the last if all have ended."""
        parts = self.parts(name)
        return next((p for p in parts if p not in self._ended), parts[-1] if parts else None)

    def whole(self, name: str) -> str:
        """All that the parts of that name have written."""
        return "".join(self._texts[part] for part in self.parts(name))

    def names(self) -> tuple[str, ...]:
        """Names of the streams, each once."""
        return tuple(dict.fromkeys(whole_name(stream) for stream in self._texts))


@final
class Live:
    """A region that runs: callbacks read its streams, and write to, hold and end them.

    What it is told takes effect between two steps, in order; for a stream that has ended it does
    nothing. It may be used from any thread. Once the run was cancelled or has failed, it raises
    `RunCancelled`, so that a callback that goes on alone ends soon.
    """

    def __init__(self, step: int, texts: Texts, send: Callable[[Command], None]) -> None:
        self._step, self._texts, self._send = step, texts, send

    @property
    def step(self) -> int:
        """Forward passes that the run had taken part in when the callback was called for."""
        return self._step

    @property
    def region(self) -> str:
        """Name of the region in the plan."""
        return self._texts.region

    @property
    def streams(self) -> tuple[str, ...]:
        """Names of the region's streams."""
        return self._texts.names()

    def text(self, stream: Target) -> str:
        """What a stream has written so far, its fixed texts included.

        Raises:
            ProgramError: the region has no such stream.
        """
        return self._texts.whole(self._find(stream, here())[0])

    def insert(self, stream: Target, text: str) -> None:
        """Put text into a stream, behind what it has written.

        Raises:
            ProgramError: the region has no such stream, or this is no text.
        """
        place = here()
        if not isinstance(cast(object, text), str):
            raise place.error(
                f"what is inserted is text, not {text!r}. Write it as text, for example with "
                "str().",
                code="insert-text",
            )
        if text:
            self._send(Write(stream=self._find(stream, place)[1], text=text))

    def stop(self, *streams: Target) -> None:
        """End streams with the reason `stopped`; without any, all of the region.

        Raises:
            ProgramError: the region has no such stream.
        """
        place = here()
        named = [part for s in streams for part in self._texts.parts(self._find(s, place)[0])]
        self._send(Stop(streams=tuple(named)))

    def pause(self, stream: Target) -> None:
        """Hold a stream until `resume`.

        Raises:
            ProgramError: the region has no such stream.
        """
        self._send(Pause(stream=self._find(stream, here())[1]))

    def resume(self, stream: Target) -> None:
        """Let a stream go on that was held by `pause`.

        Raises:
            ProgramError: the region has no such stream.
        """
        self._send(Resume(stream=self._find(stream, here())[1]))

    def __repr__(self) -> str:
        return f"<Live {self.region!r} at step {self._step}>"

    def _find(self, stream: Target, place: Place) -> tuple[str, str]:
        """Name of a stream, and of the part of it that is being written."""
        name = stream if isinstance(stream, str) else stream.path
        running = self._texts.running(name)
        if running is None:
            raise place.error(
                f"the region that runs has no stream {name!r}. There is "
                f"{quoted(self._texts.names())}.",
                code="no-such-stream",
            )
        return name, running
