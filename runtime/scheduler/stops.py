"""Stop texts and stop patterns across token borders.

Text arrives in pieces. What may be shown is everything up to the first place at which a stop could
still begin. The stop that counts is the one that is *complete first*; of several complete at the
same character, the longest. So the answer does not depend on how the text was cut into pieces, and
generation ends at the first token that completes any stop.

Most tokens neither complete a stop nor begin one. One search for all stop texts, and one per
pattern, finds that out; only what is left is looked at closely.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import regex

from hogdsl.errors import InternalError, PlanError
from runtime.scheduler.search import compiled, looks_ahead, may_begin_at


@dataclass(frozen=True, slots=True)
class FoundStop:
    """A stop in the text of one generation; offsets are in characters from its start."""

    stop: str
    start: int
    end: int


class StopMatcher:
    """Watches the text of one generation.

    `released` text never has any part of the stop that is found in the end.
    """

    def __init__(self, stops: Sequence[str], patterns: Sequence[str] = ()) -> None:
        """
        Args:
            stops: texts.
            patterns: regular expressions of the library `regex`.

        Raises:
            PlanError: one of the stops is empty, or matches nothing at all.
            ValueError: one of the patterns is no regular expression.
        """
        if "" in stops:
            raise PlanError("stop: a stop text must not be empty, it would stop before anything.")
        self._stops = tuple(dict.fromkeys(stops))
        self._longest = max(map(len, self._stops), default=0)
        self._patterns = tuple(compiled(pattern) for pattern in dict.fromkeys(patterns))
        for pattern in self._patterns:
            if pattern.search("") is not None:
                raise PlanError(
                    f"stop_regex: {pattern.pattern!r} matches the empty text, it would stop before "
                    "anything."
                )
        self._signs = (compiled("|".join(map(regex.escape, self._stops))),) if self._stops else ()
        self._signs += self._patterns
        self._looks_ahead = any(looks_ahead(pattern.pattern) for pattern in self._patterns)
        self._text = ""
        self._n_released = 0
        self.found: FoundStop | None = None
        """The stop, once there is one; nothing may be fed after it."""

    def __repr__(self) -> str:
        state = f"found {self.found.stop!r}" if self.found else f"holds {self._held!r}"
        n_stops = len(self._stops) + len(self._patterns)
        return f"<StopMatcher {n_stops} stops, {self._n_released} released, {state}>"

    @property
    def _held(self) -> str:
        return self._text[self._n_released :]

    @property
    def n_held(self) -> int:
        """Characters that were fed and are not released."""
        return len(self._text) - self._n_released

    def feed(self, text: str) -> str:
        """Take the next piece of text; gives the text that can be shown now."""
        if self.found is not None:
            raise InternalError(f"text {text!r} was fed after the stop {self.found.stop!r}")
        if not self._signs:
            return text
        n_before = len(self._text)
        self._text += text
        if self._is_harmless():
            return self._release(len(self._text))
        found = [*self._found_texts(), *self._found_patterns(n_before)]
        if found:
            self.found = min(found, key=lambda stop: (stop.end, stop.start))
            return self._release(self.found.start)
        return self._release(self._first_hopeful())

    def flush(self) -> str:
        """The generation ended without a stop: gives what was held back."""
        return self._release(len(self._text)) if self.found is None else ""

    def _is_harmless(self) -> bool:
        """No stop has begun in what is not released. False may be wrong, and costs time only."""
        if self._looks_ahead:
            return False  # a match may be complete before the end of the text, and not at its end
        start, end = self._n_released, len(self._text)
        return all(may_begin_at(sign, self._text, start, end) == end for sign in self._signs)

    def _found_texts(self) -> list[FoundStop]:
        starts = [(self._text.find(stop, self._n_released), stop) for stop in self._stops]
        return [FoundStop(stop, start, start + len(stop)) for start, stop in starts if start >= 0]

    def _found_patterns(self, n_before: int) -> list[FoundStop]:
        """For each pattern the match that is complete first, in what is not released."""
        found: list[FoundStop] = []
        for pattern in self._patterns:
            for end in range(n_before + 1, len(self._text) + 1):
                match = pattern.search(self._text, self._n_released, end)
                if match is not None:
                    found.append(FoundStop(pattern.pattern, match.start(), end))
                    break
        return found

    def _first_hopeful(self) -> int:
        """Where the longest end of the text begins that may yet become a stop."""
        text, n_chars = self._text, len(self._text)
        first = max(self._n_released, n_chars - self._longest + 1) if self._longest else n_chars
        while first < n_chars and not any(stop.startswith(text[first:]) for stop in self._stops):
            first += 1
        hopes = [may_begin_at(p, text, self._n_released, n_chars) for p in self._patterns]
        return min(first, *hopes) if hopes else first

    def _release(self, until: int) -> str:
        released = self._text[self._n_released : until]
        self._n_released = max(self._n_released, until)
        return released
