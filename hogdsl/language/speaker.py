"""What plays or shows a stream to somebody, and says how far it has got."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import RLock
from typing import final

from hogdsl.commands import Command, Delivered
from hogdsl.compiler.nodes import Place
from hogdsl.language.source import here


@final
class Speaker:
    """Says how much of a stream's text was delivered: when somebody breaks in, the rest of it is
    taken back.

    Give it to `now.say(..., speaker=)`; it serves one stream at a time. Its methods may be called
    from any thread.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._attached: tuple[Callable[[Command], None], str] | None = None
        self._text = ""

    @property
    def text(self) -> str:
        """What the stream that it serves, or served last, has told so far."""
        return self._text

    def delivered(self, n_chars: int) -> None:
        """So much of `text` has been played or shown, counted from its beginning.

        When nothing is being said it has no effect.

        Raises:
            ProgramError: it is no number of characters.
        """
        if type(n_chars) is not int or n_chars < 0:
            raise here().error(
                f"what was delivered is a number of characters, 0 or more, not {n_chars!r}.",
                code="speaker-delivered",
            )
        with self._lock:
            if self._attached is not None:
                send, stream = self._attached
                send(Delivered(stream=stream, n_chars=n_chars))

    @contextmanager
    def serving(
        self, send: Callable[[Command], None], stream: str, place: Place
    ) -> Generator[None]:
        """In the `with` block it serves a stream of a region that runs.

        Raises:
            ProgramError: it serves another one.
        """
        with self._lock:
            if self._attached is not None:
                raise place.error(
                    f"a speaker serves one stream at a time, and that of {stream!r} serves "
                    f"{self._attached[1]!r} already. Give each its own hog.Speaker().",
                    code="speaker-in-use",
                )
            self._attached, self._text = (send, stream), ""
        try:
            yield
        finally:
            with self._lock:
                self._attached = None

    def tell(self, text: str) -> None:
        """All that its stream has told so far."""
        self._text = text

    def __repr__(self) -> str:
        stream = None if self._attached is None else self._attached[1]
        return f"<Speaker of {stream!r}>" if stream else "<Speaker>"
