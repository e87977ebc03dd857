"""Concurrent: streams that think and speak at the same time and see what their views say."""

from typing import Literal, final

from hogdsl.compiler.ir import StreamIR, quoted
from hogdsl.language.conditions import Quorum, Regex
from hogdsl.language.pieces import Piece
from hogdsl.language.regions import Keep, Region
from hogdsl.language.source import here
from hogdsl.language.streams import Stream
from hogdsl.language.trace import Trace


@final
class Now(Region):
    """Streams that think and speak at the same time; after the region `now[name]` is a text."""

    _kind = "concurrent"

    def __init__(
        self,
        trace: Trace,
        *,
        until: Regex | Quorum | None,
        max_seconds: float | None,
        keep: Keep,
    ) -> None:
        super().__init__(trace, max_seconds=max_seconds, keep=keep)
        self._handles: list[Stream] = []
        if until is not None:
            self._add_until(until, self._draft.place)

    def think(
        self,
        name: str,
        prompt: str | Piece | None = None,
        *,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
    ) -> Stream:
        """A stream that thinks. By default it sees its prompt and itself.

        Args:
            name: its name in the region.
            prompt: stands first in its view, after the scope.
            max_tokens: the most tokens that it writes.
            max_seconds: the longest that it runs.

        Raises:
            ProgramError: the region is not being declared, or an argument breaks a rule.
        """
        return self._add(name, "think", prompt, max_tokens, max_seconds)

    def say(
        self,
        name: str,
        prompt: str | Piece | None = None,
        *,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
    ) -> Stream:
        """A stream that speaks. By default it sees its prompt, all thoughts, and itself.

        Arguments and errors are those of `think`.
        """
        return self._add(name, "say", prompt, max_tokens, max_seconds)

    def __getitem__(self, name: str) -> str:
        """The text of a stream.

        Raises:
            ProgramError: the region has not run, or has no such stream.
        """
        place = here()
        results = self._draft.results(f"the text of {name!r}", place)
        if all(handle.name != name for handle in self._handles):
            raise place.error(
                f"the region has no stream {name!r}. There is "
                f"{quoted(tuple(h.name for h in self._handles))}."
            )
        return results.text(self.name, name, place)

    def _add(
        self,
        name: str,
        role: Literal["think", "say"],
        prompt: str | Piece | None,
        max_tokens: int | None,
        max_seconds: float | None,
    ) -> Stream:
        place = here()
        self._draft.check_open(f"the stream {name!r}", place)
        handle = Stream(
            self._draft,
            name,
            role,
            prompt=prompt,
            max_tokens=max_tokens,
            max_seconds=max_seconds,
            place=place,
        )
        self._handles.append(handle)
        return handle

    def _streams(self) -> tuple[StreamIR, ...]:
        return tuple(handle.declared() for handle in self._handles)
