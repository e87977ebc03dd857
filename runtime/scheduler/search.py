"""Regular expressions in text that grows.

A match counts from the first *character* at which it is complete, so the answer does not depend on
how the text was cut into tokens: of `\\d+` in "42" that is "4". What has been searched in vain is
not searched again: `regex` says where a match could begin that the text so far does not finish.
Mostly it says *nowhere*, and then one search of the new characters is all that a token costs; and
not even that where no match begins with any of them, which is learned for each character once.
"""

from functools import lru_cache

import regex

WINDOW_CHARS = 200
"""Where a match depends on the text behind it, or may still grow, so much is searched again without
asking where one could begin."""
_LOOKS_AHEAD = regex.compile(r"\$|\\[bBZzmM]|\(\?(?!:|P?<\w)")
"""What makes a match depend on the text behind it."""
_LOOKS_BACK = regex.compile(r"\(\?<[=!]|\\[bBmMGKX]|\(\?[a-zA-Z0-9-]*[rw]|\(\*")
"""What may make the beginning of a match depend on more than its first character."""
FEW_CHARS = 16
"""So many are looked at one by one before `regex` is asked."""


@lru_cache(maxsize=256)
def compiled(pattern: str) -> "regex.Pattern[str]":
    """The pattern, compiled; `.` does not match a line break unless the pattern says so.

    Raises:
        ValueError: it is no regular expression, with the reason.
    """
    try:
        return regex.compile(pattern)
    except regex.error as error:
        raise ValueError(str(error)) from error


def may_begin_at(pattern: "regex.Pattern[str]", text: str, start: int, end: int) -> int:
    """Where in `text[start:end]` a match begins that is not complete yet, at the earliest."""
    if end - start <= FEW_CHARS:
        known = _beginnings(pattern)
        if known is not None and not _begins_in(pattern, known, text[start:end]):
            return end
    match = pattern.search(text, start, end, partial=True)
    return match.start() if match is not None else end


@lru_cache(maxsize=256)
def _beginnings(pattern: "regex.Pattern[str]") -> dict[str, bool] | None:
    """Whether a match may begin with a character, as far as it was asked for; None: it depends."""
    return None if _LOOKS_BACK.search(pattern.pattern) else {}


def _begins_in(pattern: "regex.Pattern[str]", known: dict[str, bool], text: str) -> bool:
    """Whether a match may begin with one of these characters."""
    for character in text:
        begins = known.get(character)
        if begins is None:
            match = pattern.search(character, partial=True)
            begins = known[character] = match is not None and match.start() == 0
        if begins:
            return True
    return False


def looks_ahead(pattern: str) -> bool:
    """Whether a match may depend on the text behind it: more text may then undo it."""
    return _LOOKS_AHEAD.search(pattern) is not None


class Search:
    """Finds the first match in a text that grows at its end.

    Attributes:
        found: the match, once there is one; its offsets count from the beginning of the text.
    """

    __slots__ = ("_looks_ahead", "_n_seen", "_pattern", "_start", "found")

    def __init__(self, pattern: str, start: int = 0) -> None:
        """
        Args:
            pattern: a regular expression of the library `regex`.
            start: matches begin here or later.
        """
        self._pattern = compiled(pattern)
        self._looks_ahead = looks_ahead(pattern)
        self._start = self._n_seen = start
        self.found: regex.Match[str] | None = None

    def feed(self, text: str, end: int) -> "regex.Match[str] | None":
        """Look at `text[:end]`, which begins as before, and give what is found, now or before."""
        if self.found is None and end > self._n_seen:
            if self._looks_ahead:
                self.found = self._first(text, end)
                if self.found is None and end - self._start > WINDOW_CHARS:
                    self._start = may_begin_at(self._pattern, text, self._start, end)
            else:
                self._start = may_begin_at(self._pattern, text, self._start, end)
                if self._start < end and self._pattern.search(text, self._start, end) is not None:
                    self.found = self._first(text, end)
            self._n_seen = end
        return self.found

    def _first(self, text: str, end: int) -> "regex.Match[str] | None":
        for place in range(self._n_seen + 1, end + 1):
            match = self._pattern.search(text, self._start, place)
            if match is not None and match.end() > match.start():
                return match
        return None
