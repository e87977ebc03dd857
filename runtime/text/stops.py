"""Stop texts across token borders.

Text arrives in pieces. What may be shown is everything up to the longest end that could still grow
into a stop. The stop that counts is the one that is *complete first*; of several complete at the
same character, the longest. So the answer does not depend on how the text was cut into pieces, and
generation ends at the first token that completes any stop.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hogdsl.errors import InternalError, PlanError


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

    def __init__(self, stops: Sequence[str]) -> None:
        """
        Raises:
            PlanError: one of the stops is empty.
        """
        if "" in stops:
            raise PlanError("stop: a stop text must not be empty, it would stop before anything.")
        self._stops = tuple(dict.fromkeys(stops))
        self._held = ""
        self._n_released = 0
        self.found: FoundStop | None = None
        """The stop, once there is one; nothing may be fed after it."""

    def __repr__(self) -> str:
        state = f"found {self.found.stop!r}" if self.found else f"holds {self._held!r}"
        return f"<StopMatcher {len(self._stops)} stops, {self._n_released} released, {state}>"

    def feed(self, text: str) -> str:
        """Take the next piece of text; gives the text that can be shown now."""
        if self.found is not None:
            raise InternalError(f"text {text!r} was fed after the stop {self.found.stop!r}")
        text = self._held + text
        self.found = self._first_stop(text)
        if self.found is not None:
            return self._release(text, self.found.start - self._n_released, keep_rest=False)
        return self._release(text, len(text) - self._n_hopeful(text), keep_rest=True)

    def flush(self) -> str:
        """The generation ended without a stop: gives what was held back."""
        return self._release(self._held, len(self._held), keep_rest=False)

    def _first_stop(self, text: str) -> FoundStop | None:
        """The stop that ends first in the text that is not released; the longest of equals."""
        starts = [(text.find(stop), stop) for stop in self._stops]
        ends = [(start + len(stop), start, stop) for start, stop in starts if start >= 0]
        if not ends:
            return None
        end, start, stop = min(ends)
        return FoundStop(stop, self._n_released + start, self._n_released + end)

    def _n_hopeful(self, text: str) -> int:
        """Length of the longest end of `text` that begins a stop without being one."""
        longest = min(len(text), max(map(len, self._stops), default=1) - 1)
        for length in range(longest, 0, -1):
            if any(stop.startswith(text[-length:]) for stop in self._stops):
                return length
        return 0

    def _release(self, text: str, n_chars: int, *, keep_rest: bool) -> str:
        self._held = text[n_chars:] if keep_rest else ""
        self._n_released += n_chars
        return text[:n_chars]
