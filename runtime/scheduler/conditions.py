"""What streams come to: their texts match, or they have ended."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import regex

from hogdsl.plan import Condition, Ended, Matches
from runtime.scheduler.life import Phase
from runtime.scheduler.search import WINDOW_CHARS, Search, compiled, looks_ahead, may_begin_at
from runtime.scheduler.writer import Writer


def track(condition: Condition) -> "MatchesState | AgreesState | EndedState":
    """The state of a condition at the beginning of its region."""
    match condition:
        case Ended():
            return EndedState(condition)
        case Matches(agree=True):
            return AgreesState(condition)
        case Matches():
            return MatchesState(condition)


class MatchesState:
    """The texts of enough streams match. What was told of them counts, and stays when it came."""

    def __init__(self, plan: Matches) -> None:
        self._plan = plan
        self._searches = {name: Search(plan.regex) for name in plan.streams}
        self._n_seen = dict.fromkeys(plan.streams, 0)
        self._found: set[str] = set()

    def look(self, writers: Mapping[str, Writer]) -> bool:
        """Whether it holds now."""
        for name, n_seen in self._n_seen.items():
            written = writers[name].written
            if written.n_told != n_seen:
                self._search(name, written.text, written.n_told)
        return len(self._found) >= self._plan.n

    def _search(self, name: str, text: str, end: int) -> None:
        if end < self._n_seen[name]:  # some of it was taken back
            self._searches[name] = Search(self._plan.regex)
            self._found.discard(name)
        self._n_seen[name] = end
        if self._searches[name].feed(text, end) is not None:
            self._found.add(name)

    def is_possible(self, writers: Mapping[str, Writer]) -> bool:
        """Whether it may yet hold."""
        hopes = [name in self._found or not writers[name].has_written for name in self._n_seen]
        return sum(hopes) >= self._plan.n


@dataclass(slots=True)
class _Last:
    """The last match in a stream's text."""

    n_seen: int = 0
    start: int = 0
    said: str | None = None


class AgreesState:
    """Enough streams say the same: the last match of each counts."""

    def __init__(self, plan: Matches) -> None:
        self._plan = plan
        self._pattern = compiled(plan.regex)
        self._looks_ahead = looks_ahead(plan.regex)
        self._last = {name: _Last() for name in plan.streams}
        self._n_agreeing = 0

    def look(self, writers: Mapping[str, Writer]) -> bool:
        """Whether it holds now."""
        for name, last in self._last.items():
            written = writers[name].written
            if written.n_told != last.n_seen:
                said = last.said
                self._search(last, written.text, written.n_told)
                if last.said != said:
                    self._count()
        return self._n_agreeing >= self._plan.n

    def _count(self) -> None:
        said = Counter(last.said for last in self._last.values() if last.said is not None)
        self._n_agreeing = max(said.values(), default=0)

    def _search(self, last: _Last, text: str, end: int) -> None:
        """Look from the last match on, which may have become longer while it is near the end."""
        if end < last.n_seen:
            last.start, last.said = 0, None
        last.n_seen = end
        if not self._looks_ahead:
            last.start = may_begin_at(self._pattern, text, last.start, end)
            if last.start == end:
                return
        behind = last.start
        for match in self._pattern.finditer(text, last.start, end):
            last.start, last.said, behind = match.start(), _said(match), match.end()
        if end - last.start > WINDOW_CHARS:
            last.start = may_begin_at(self._pattern, text, behind, end)

    def is_possible(self, writers: Mapping[str, Writer]) -> bool:
        """Whether it may yet hold."""
        n_open = sum(not writers[name].has_written for name in self._last)
        said = Counter(
            last.said
            for name, last in self._last.items()
            if last.said is not None and writers[name].has_written
        )
        return max(said.values(), default=0) + n_open >= self._plan.n


def _said(match: "regex.Match[str]") -> str:
    return (match.group(1) or "") if match.re.groups else match.group()


class EndedState:
    """Enough streams have ended."""

    def __init__(self, plan: Ended) -> None:
        self._plan = plan

    def look(self, writers: Mapping[str, Writer]) -> bool:
        """Whether it holds now."""
        n_ended = sum(writers[name].phase is Phase.ENDED for name in self._plan.streams)
        return n_ended >= self._plan.n

    def is_possible(self, writers: Mapping[str, Writer]) -> bool:
        """Whether it may yet hold: every stream ends some time."""
        return True


ConditionState = MatchesState | AgreesState | EndedState
