"""The tokens that were chosen for one `gen`, as far as somebody asks for them.

Penalties need to know how often each token was chosen, and the log-probabilities of a `gen` are
told with its value. Both are kept up token by token, so no step goes through the text again. What
is taken back is taken out.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from hogdsl.events import ChosenToken, TokenLogprob
from runtime.scheduler.work import Chosen, Numbers, Text


@dataclass(frozen=True, slots=True)
class _Entry:
    """A token, and where in the stream's generated text the part that it completed stands."""

    chosen: Chosen
    begin: int
    end: int


@dataclass(slots=True, kw_only=True)
class Record:
    """Tokens in the order in which they were chosen.

    Attributes:
        spell: the text of a token alone.
        counts: how often each of them stands there, if penalties ask for it.
        keeps_logprobs: whether their log-probabilities are asked for.
    """

    spell: Callable[[int], str]
    counts: Numbers | None
    keeps_logprobs: bool
    _entries: list[_Entry] = field(default_factory=list[_Entry])

    @property
    def logprobs(self) -> tuple[ChosenToken, ...] | None:
        """Of all tokens; None if nobody asks for them."""
        if not self.keeps_logprobs:
            return None
        return tuple(self._told(entry.chosen) for entry in self._entries)

    def add(self, chosen: Chosen, begin: int, end: int) -> None:
        """A token was chosen, and `generated[begin:end]` is the text that it completed."""
        if self.counts is None and not self.keeps_logprobs:
            return
        self._entries.append(_Entry(chosen, begin, end))
        if self.counts is not None:
            self.counts.add(chosen.token, 1)

    def cut(self, n_generated: int) -> None:
        """So much of the stream's generated text has stayed: drop tokens that do not stay whole."""
        entries = self._entries
        while entries and (entries[-1].end > n_generated or _is_torn(entries[-1])):
            entry = entries.pop()
            if self.counts is not None:
                self.counts.add(entry.chosen.token, -1)

    def _told(self, chosen: Chosen) -> ChosenToken:
        assert chosen.logprob is not None
        top = tuple(
            TokenLogprob(token=token, text=self.spell(token), logprob=logprob)
            for token, logprob in chosen.top
        )
        text = self.spell(chosen.token)
        return ChosenToken(token=chosen.token, text=text, logprob=chosen.logprob, top=top)


def _is_torn(entry: _Entry) -> bool:
    """It began a character, and what completes it has gone."""
    return entry.begin == entry.end


def speller(text: Text) -> Callable[[int], str]:
    """Gives the text of tokens, each alone."""

    def spell(token: int) -> str:
        alone = text.detokenizer()
        return alone.push(token) + alone.flush()

    return spell
