"""What a pattern has found in a stream while it runs."""

from typing import final

from hogdsl.events import Noticed


@final
class Match:
    """Where the model's text of a stream matches the pattern of a callback or tool."""

    def __init__(self, pattern: str, noticed: Noticed) -> None:
        import regex  # `import hogdsl` stays quick

        assert noticed.stream is not None, "a notice of a match names its stream"
        self._stream = noticed.stream
        self._text = noticed.text[noticed.start : noticed.end]
        # a pattern that looks ahead matched with text that is not here: it has no groups then
        self._groups = regex.fullmatch(pattern, noticed.text, pos=noticed.start, endpos=noticed.end)

    @property
    def text(self) -> str:
        """All that matched."""
        return self._text

    @property
    def stream(self) -> str:
        """Name of the stream."""
        return self._stream

    def __getitem__(self, group: int | str) -> str | None:
        """The text of a group by its number or name; None if it took no part, 0 is all of it.

        Raises:
            IndexError: the pattern has no such group.
        """
        if self._groups is None:
            return (self._text,)[group] if isinstance(group, int) else self._missing(group)
        return self._groups[group]

    def groups(self) -> tuple[str | None, ...]:
        """The texts of all groups in order, without the whole."""
        return () if self._groups is None else self._groups.groups()

    def named(self) -> dict[str, str | None]:
        """The texts of the named groups."""
        return {} if self._groups is None else self._groups.groupdict()

    def __repr__(self) -> str:
        return f"<Match {self._text!r} in {self._stream!r}>"

    def _missing(self, group: str) -> str:
        raise IndexError(f"no such group: {group!r}")
