"""One stream while its region is played."""

import re
from collections.abc import Iterator
from typing import assert_never

from hogdsl import events, plan
from hogdsl.events import EndReason, Event, GenReason
from hogdsl.testing.tape import ScriptError, Tape


class Lane:
    """One stream while its region is played."""

    def __init__(self, stream: plan.Stream, tape: Tape, max_tokens: int | None) -> None:
        self.stream, self.name, self._tape = stream, stream.name, tape
        bounds = [n for n in (stream.max_tokens, max_tokens) if n is not None]
        self._max_tokens = min(bounds, default=None)
        self.live, self.held = True, False
        self.text = ""
        """All that it wrote."""
        self.generated = ""
        """What the model chose of it."""
        self.n_tokens = 0
        self._pieces = list(stream.pieces)
        self._words: list[str] = []
        self._open: plan.Gen | plan.Select | None = None
        self._value = ""
        self._reason: GenReason = "end_token"
        self._n_steps, self._step_begin = 0, 0

    def advance(self) -> Iterator[Event]:
        """Insert what is fixed, then write one word."""
        while self._open is None and self._pieces:
            yield from self._begin(self._pieces.pop(0))
        if self._open is not None:
            if self._words:
                yield from self._write_word()
            if not self._words:
                yield from self._close_value(self._reason)
        budget = self._max_tokens
        if self._open is None and not self._pieces:
            yield from self.end("finished")
        elif budget is not None and self.n_tokens >= budget:
            yield from self.end("budget")

    def end(self, reason: EndReason) -> Iterator[Event]:
        """Write no more."""
        if not self.live:
            return
        self.live = False
        if self._open is not None:
            yield from self._close_value("stream_ended")
        yield self._tape.event(events.StreamEnded, stream=self.name, reason=reason, text=self.text)

    def _begin(self, piece: plan.Piece) -> Iterator[Event]:
        match piece:
            case plan.Text():
                yield from self._insert(piece.text)
            case plan.Turn():
                yield from self._insert(piece.prefix)
            case plan.CloseTurn():
                pass
            case plan.Gen():
                yield from self._insert("")
                text = self._tape.next_text(self.name)
                cuts = [at for stop in piece.stop if (at := text.find(stop)) >= 0]
                words = _words(text[: min(cuts)] if cuts else text)
                self._open, self._words = piece, words[: piece.max_tokens]
                over = piece.max_tokens is not None and len(words) > piece.max_tokens
                self._reason = "max_tokens" if over else "stop" if cuts else "end_token"
            case plan.Select():
                yield from self._insert("")
                text = self._tape.next_text(self.name)
                if text not in piece.choices:
                    raise ScriptError(
                        f"the script selects {text!r} in the stream {self.name!r}, whose choices "
                        f"are {piece.choices!r}. Give one of them."
                    )
                self._open, self._words, self._reason = piece, [text], "selected"
            case _:
                assert_never(piece)

    def _insert(self, text: str) -> Iterator[Event]:
        commit = self.stream.commit
        if commit is not None and self._step_begin == len(self.text):
            text = commit.header.format(name=self.name, step=self._n_steps + 1) + text
        if text:
            self.text += text
            yield self._tape.event(events.Inserted, stream=self.name, text=text)
            yield from self._commit()

    def _write_word(self) -> Iterator[Event]:
        yield from self._insert("")
        word = self._words.pop(0)
        self._value += word
        self.generated += word
        self.text += word
        self.n_tokens += 1
        self._tape.count("tokens_generated")
        yield self._tape.event(events.Token, stream=self.name, token=self.n_tokens - 1, text=word)
        yield from self._commit()

    def _commit(self) -> Iterator[Event]:
        commit = self.stream.commit
        if commit is None or (at := self.text.find(commit.step, self._step_begin)) < 0:
            return
        end = at + len(commit.step)
        step, self._step_begin = self.text[self._step_begin : end], end
        self._n_steps += 1
        yield self._tape.event(events.Committed, stream=self.name, index=self._n_steps, text=step)

    def _close_value(self, reason: GenReason) -> Iterator[Event]:
        assert self._open is not None
        name, value = self._open.name, self._value
        self._open, self._value = None, ""
        yield self._tape.event(
            events.Value, stream=self.name, name=name, value=value, reason=reason
        )


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\S+\s*|\s+", text)
