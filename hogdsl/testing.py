"""A runtime that plays a script, for tests of programs.

    from hogdsl.testing import script

    runtime = script({"Alice": "a=42 ", "Bob": "b=79 ", "main": "42, 79"})
    assert solve_together.on(runtime)("a:17+25 b:38+41") == "42, 79"

Every stream is given the texts of its `gen` and `select` in order. They come in lock step, a word
per stream and step, with the events, budgets, stops, steps, `until`, `ask` and `waits_for` of a
real run. What it leaves out: there is no model, so views have no effect on what is written; a token
is a word with the space after it; and no clock, so bounds in seconds never end anything.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, assert_never, final

from hogdsl import events, plan
from hogdsl.events import EndReason, Event, GenReason, Stats, Usage
from hogdsl.plan import Ask, Region

E = TypeVar("E", bound=Event)


def script(
    texts: Mapping[str, str | Sequence[str]],
    *,
    answers: Mapping[str, Sequence[str]] | None = None,
) -> "ScriptRuntime":
    """A runtime that plays a script.

    Args:
        texts: by stream, what the model writes in each `gen` and `select`, in order; one text
            counts as a list of one. What follows a stop is left out.
        answers: by asked stream, the answers to its asks in order, the last one from then on.
            Without it every ask gets its first answer.
    """
    by_stream = {
        stream: (text,) if isinstance(text, str) else tuple(text) for stream, text in texts.items()
    }
    return ScriptRuntime(by_stream, {name: tuple(a) for name, a in (answers or {}).items()})


@final
class ScriptRuntime:
    """Plays the same script for every run. See `script`."""

    def __init__(
        self, texts: Mapping[str, tuple[str, ...]], answers: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._texts, self._answers = texts, answers
        self.sessions: list[ScriptSession] = []
        """All that were opened, for tests that look at what programs leave behind."""

    def open(self, *, seed: int = 0, max_tokens: int | None = None) -> "ScriptSession":
        """Begin a run; the script begins anew. `seed` has no effect."""
        session = ScriptSession(self._texts, self._answers, max_tokens)
        self.sessions.append(session)
        return session

    def stats(self) -> Stats:
        """Counts of this runtime; it has no pages and no cache."""
        return Stats(
            model="script",
            device="none",
            runs=sum(not session.closed for session in self.sessions),
            steps=sum(session.usage.steps for session in self.sessions),
            tokens_per_second=0.0,
            pages_used=0,
            pages_total=0,
            tokens_cached=0,
        )

    def close(self) -> None:
        """Close all runs."""
        for session in self.sessions:
            session.close()


@final
class ScriptSession:
    """One run of a script."""

    def __init__(
        self,
        texts: Mapping[str, tuple[str, ...]],
        answers: Mapping[str, tuple[str, ...]],
        max_tokens: int | None,
    ) -> None:
        self._texts = {name: list(values) for name, values in texts.items()}
        self._answers = {name: list(values) for name, values in answers.items()}
        self._max_tokens = max_tokens
        self._seq = 0
        self._cancelled = False
        self.usage = Usage()
        self.regions: list[Region] = []
        """What was run, in order."""
        self.closed = False

    def run(self, region: Region) -> Iterator[Event]:
        """Play a region; the last event is `Joined` or `Failed`."""
        self.regions.append(region)
        lanes = [_Lane(stream, self) for stream in region.streams]
        yield self.event(
            events.RegionStarted, region=region.name, streams=tuple(x.name for x in lanes)
        )
        try:
            while any(lane.live for lane in lanes):
                if self._cancelled or self.closed:
                    yield self._failed("RunCancelled", "the run was cancelled.")
                    return
                self.usage = self.usage.model_copy(update={"steps": self.usage.steps + 1})
                yield from self._step(region, {lane.name: lane for lane in lanes})
        except _ScriptError as fault:
            yield self._failed("PlanError", str(fault))
            return
        yield self.event(events.Joined, region=region.name, usage=self.usage)

    def cancel(self) -> None:
        """End the run at the next step."""
        self._cancelled = True

    def close(self) -> None:
        """The run is over."""
        self.closed = True

    def event(self, kind: type[E], **fields: Any) -> E:
        """The next event of the run."""
        made = kind(seq=self._seq, step=self.usage.steps, **fields)
        self._seq += 1
        return made

    def next_text(self, stream: str) -> str:
        """What the model writes next in a stream."""
        if not self._texts.get(stream):
            raise _ScriptError(
                f"the script has no more texts for the stream {stream!r}, which has a gen or "
                "select to write. Add one."
            )
        return self._texts[stream].pop(0)

    def count_token(self) -> None:
        """One more token was chosen."""
        n = self.usage.tokens_generated + 1
        self.usage = self.usage.model_copy(update={"tokens_generated": n})

    def stream_budget(self, stream: plan.Stream) -> int | None:
        """The most tokens that a stream may choose."""
        bounds = [n for n in (stream.max_tokens, self._max_tokens) if n is not None]
        return min(bounds, default=None)

    def _step(self, region: Region, lanes: dict[str, "_Lane"]) -> Iterator[Event]:
        for lane in lanes.values():
            if not lane.live:
                continue
            held = lane.must_wait(region, lanes)
            if held != lane.held:
                lane.held = held
                yield self.event(events.Held if held else events.Resumed, stream=lane.name)
            if not held:
                yield from lane.advance()
        for ask in region.asks:
            if lanes[ask.stream].is_due(ask) or _is_put_again(ask, region, lanes):
                yield self._ask(ask, lanes[ask.stream])
        for until in region.until:
            matching = [n for n in until.streams if re.search(until.regex, lanes[n].text)]
            if len(matching) >= until.n:
                for lane in lanes.values():
                    yield from lane.end("until")

    def _ask(self, ask: Ask, lane: "_Lane") -> Event:
        left = self._answers.get(ask.stream, [ask.answers[0]])
        answer = left.pop(0) if len(left) > 1 else left[0]
        if answer not in ask.answers:
            raise _ScriptError(
                f"the script answers {answer!r} to {ask.question!r}, whose answers are "
                f"{ask.answers!r}. Give one of them."
            )
        lane.newest[ask.name] = answer
        lane.n_answers[ask.name] = lane.n_answers.get(ask.name, 0) + 1
        lane.asked_at[ask.name] = (lane.n_tokens, len(lane.text))
        self.usage = self.usage.model_copy(update={"probes": self.usage.probes + 1})
        return self.event(
            events.Asked,
            ask=ask.name,
            stream=ask.stream,
            answer=answer,
            odds={a: float(a == answer) for a in ask.answers},
        )

    def _failed(self, error: str, message: str) -> Event:
        return self.event(events.Failed, error=error, message=message)


class _ScriptError(Exception):
    """The script does not fit the program."""


class _Lane:
    """One stream while its region is played."""

    def __init__(self, stream: plan.Stream, session: ScriptSession) -> None:
        self.stream, self.session, self.name = stream, session, stream.name
        self.live, self.held = True, False
        self.text = ""
        self.n_tokens = 0
        self.newest: dict[str, str] = {}
        """The newest answer to each ask that was put to this stream."""
        self.n_answers: dict[str, int] = {}
        self.asked_at: dict[str, tuple[int, int]] = {}
        """Tokens and characters of this stream when an ask was last put to it."""
        self._passes: dict[str, tuple[int, int]] = {}
        """Number of the answer that let this stream go on, and its characters then."""
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
        budget = self.session.stream_budget(self.stream)
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
        yield self.session.event(
            events.StreamEnded, stream=self.name, reason=reason, text=self.text
        )

    def is_due(self, ask: Ask) -> bool:
        """Whether the moment of an ask to this stream has come."""
        if not self.live:
            return False
        n_tokens, n_chars = self.asked_at.get(ask.name, (0, 0))
        by_count = ask.every is not None and self.n_tokens - n_tokens >= ask.every
        return by_count or (ask.at is not None and ask.at in self.text[n_chars:])

    def must_wait(self, region: Region, lanes: dict[str, "_Lane"]) -> bool:
        """Whether a wait holds this stream now."""
        asked = {ask.name: lanes[ask.stream] for ask in region.asks}
        waits = [w for w in region.waits if w.stream == self.name and asked[w.ask].live]
        return any(not self._may_pass(wait, asked[wait.ask]) for wait in waits)

    def stands_at(self, wait: plan.Wait) -> bool:
        """Whether this stream has written up to the `each` of a wait since it last passed."""
        begin = self._passes.get(wait.ask, (0, 0))[1]
        return wait.each is not None and wait.each in self.text[begin:]

    def _may_pass(self, wait: plan.Wait, asked: "_Lane") -> bool:
        number, n_chars = asked.n_answers.get(wait.ask, 0), len(self.text)
        right = asked.newest.get(wait.ask) == wait.answer
        if wait.each is None:
            return right
        passed = self._passes.get(wait.ask)
        if passed is not None and not self.stands_at(wait):
            return True
        if right and (passed is None or number > passed[0]):
            self._passes[wait.ask] = (number, n_chars)
            return True
        return False

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
                text = self.session.next_text(self.name)
                cuts = [at for stop in piece.stop if (at := text.find(stop)) >= 0]
                words = _words(text[: min(cuts)] if cuts else text)
                self._open, self._words = piece, words[: piece.max_tokens]
                over = piece.max_tokens is not None and len(words) > piece.max_tokens
                self._reason = "max_tokens" if over else "stop" if cuts else "end_token"
            case plan.Select():
                yield from self._insert("")
                text = self.session.next_text(self.name)
                if text not in piece.choices:
                    raise _ScriptError(
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
            yield self.session.event(events.Inserted, stream=self.name, text=text)
            yield from self._commit()

    def _write_word(self) -> Iterator[Event]:
        yield from self._insert("")
        word = self._words.pop(0)
        self._value += word
        self.text += word
        self.n_tokens += 1
        self.session.count_token()
        yield self.session.event(events.Token, stream=self.name, token=self.n_tokens - 1, text=word)
        yield from self._commit()

    def _commit(self) -> Iterator[Event]:
        commit = self.stream.commit
        if commit is None or (at := self.text.find(commit.step, self._step_begin)) < 0:
            return
        end = at + len(commit.step)
        step, self._step_begin = self.text[self._step_begin : end], end
        self._n_steps += 1
        yield self.session.event(events.Committed, stream=self.name, index=self._n_steps, text=step)

    def _close_value(self, reason: GenReason) -> Iterator[Event]:
        assert self._open is not None
        name, value = self._open.name, self._value
        self._open, self._value = None, ""
        yield self.session.event(
            events.Value, stream=self.name, name=name, value=value, reason=reason
        )


def _is_put_again(ask: Ask, region: Region, lanes: dict[str, _Lane]) -> bool:
    """Whether a stream has written up to the `each` of its wait for this ask."""
    waits = [w for w in region.waits if w.ask == ask.name and lanes[w.stream].live]
    return lanes[ask.stream].live and any(lanes[w.stream].stands_at(w) for w in waits)


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\S+\s*|\s+", text)
