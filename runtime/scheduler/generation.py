"""One `gen` while it runs: tokens become text, and the text may hold a stop."""

from bisect import bisect_right
from dataclasses import dataclass

from hogdsl.plan import Gen
from runtime.scheduler.work import Text
from runtime.text.stops import StopMatcher


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A stop was found: what of the generated tokens stays.

    Attributes:
        n_tokens: how many of the tokens stay as they are.
        n_chars: how much text is lost at the end: the stop, and what came after it.
        rest: text after the tokens that stay and before the stop, to be encoded anew.
    """

    n_tokens: int
    n_chars: int
    rest: str


class Generation:
    """The tokens and the text of one `gen`.

    Attributes:
        text: the text of all its tokens, cut where a stop begins.
        n_tokens: tokens chosen so far.
    """

    def __init__(self, piece: Gen, source: Text) -> None:
        self.piece = piece
        self.text = ""
        self.n_tokens = 0
        self._ends: list[int] = []
        """Length of the text after each token."""
        self._detokenizer = source.detokenizer()
        self._stops = StopMatcher(piece.stop)

    def push(self, token: int) -> tuple[str, str]:
        """Take a token; give the text that it completes, and the text that may be shown now."""
        self.n_tokens += 1
        increment = self._detokenizer.push(token)
        self.text += increment
        self._ends.append(len(self.text))
        return increment, self._stops.feed(increment)

    def cut(self) -> Cut | None:
        """If a stop was found, cut the text there and say which tokens stay."""
        if self._stops.found is None:
            return None
        start = self._stops.found.start
        n_kept = bisect_right(self._ends, start)
        kept_to = self._ends[n_kept - 1] if n_kept else 0
        cut = Cut(n_tokens=n_kept, n_chars=len(self.text) - start, rest=self.text[kept_to:start])
        self.text = self.text[:start]
        return cut

    def flush(self) -> str:
        """The text that was held back, when no stop can come any more."""
        rest = self._detokenizer.flush()
        self.text += rest
        return (self._stops.feed(rest) if rest else "") + self._stops.flush()
