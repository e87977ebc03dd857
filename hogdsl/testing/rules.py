"""What paces the streams of a region while it is played: asks, waits and untils."""

import re
from collections.abc import Iterator, Mapping

from hogdsl import events, plan
from hogdsl.events import Event
from hogdsl.plan import Region
from hogdsl.testing.lane import Lane
from hogdsl.testing.tape import Tape


class Asking:
    """An ask, and how far the asked stream was when it was last put."""

    def __init__(self, ask: plan.Ask, lane: Lane) -> None:
        self.plan, self.lane = ask, lane
        self._n_tokens, self._n_chars = 0, 0

    def is_due(self) -> bool:
        """Whether the stream has written enough, or the text at which it is asked."""
        every, at, lane = self.plan.every, self.plan.at, self.lane
        enough = every is not None and lane.n_tokens - self._n_tokens >= every
        return enough or (at is not None and at in lane.generated[self._n_chars :])

    def put(self) -> None:
        """It is put now."""
        self._n_tokens, self._n_chars = self.lane.n_tokens, len(self.lane.generated)


class Waiting:
    """A wait, and whether it lets its stream write."""

    def __init__(self, wait: plan.Wait, lane: Lane, asking: Asking) -> None:
        self.plan, self.lane, self.asking = wait, lane, asking
        self._may_write = self._may_go_on = False
        self._n_chars = 0

    def holds(self) -> bool:
        """Whether it holds its stream; nobody waits for a stream that has ended."""
        return not self._may_write and self.asking.lane.live

    def hear(self, answer: str) -> None:
        """An answer has come; with `each`, a refusal does not take back what is being used."""
        right = answer == self.plan.answer
        if self.plan.each is None:
            self._may_write = right
        elif self._may_write:
            self._may_go_on = right
        elif right:
            self._may_write, self._n_chars = True, len(self.lane.generated)

    def look(self) -> None:
        """See whether its stream has come to `each`, and needs another answer."""
        each = self.plan.each
        if each is None or not self._may_write:
            return
        place = self.lane.generated.find(each, self._n_chars)
        if place >= 0:
            self._n_chars = place + len(each)
            self._may_write, self._may_go_on = self._may_go_on, False


class Rules:
    """All rules of a region."""

    def __init__(self, region: Region, lanes: Mapping[str, Lane]) -> None:
        self._lanes, self._untils = lanes, region.until
        self._asks = {ask.name: Asking(ask, lanes[ask.stream]) for ask in region.asks}
        self._waits = [Waiting(w, lanes[w.stream], self._asks[w.ask]) for w in region.waits]

    def held(self) -> set[str]:
        """Streams that must not write in the next step."""
        return {wait.plan.stream for wait in self._waits if wait.holds()}

    def ask(self, tape: Tape) -> Iterator[Event]:
        """Put the asks that are due, and tell those who wait."""
        for wait in self._waits:
            wait.look()
        for asking in self._asks.values():
            if not asking.lane.live or not asking.is_due():
                continue
            answer = tape.next_answer(asking.plan)
            asking.put()
            for wait in self._waits:
                if wait.asking is asking:
                    wait.hear(answer)
            tape.count("probes")
            yield tape.event(
                events.Asked,
                ask=asking.plan.name,
                stream=asking.plan.stream,
                answer=answer,
                odds={a: float(a == answer) for a in asking.plan.answers},
            )

    def fulfilled(self) -> bool:
        """Whether an `until` ends the region."""
        return any(
            sum(bool(re.search(u.regex, self._lanes[name].text)) for name in u.streams) >= u.n
            for u in self._untils
        )
