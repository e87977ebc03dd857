"""What streams come to: their texts match, or they have ended."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import regex

from hogdsl.plan import Condition, Ended, Matches, Whole
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


def parts_of(whole: Whole) -> tuple[str, ...]:
    """The streams that count as one."""
    return (whole,) if isinstance(whole, str) else whole


class _Told:
    """What was told of a stream, or of all parts of one."""

    def __init__(self, whole: Whole) -> None:
        self._names = parts_of(whole)

    def n_chars(self, writers: Mapping[str, Writer]) -> int:
        """How much that is."""
        if len(self._names) == 1:  # in most programs, and asked for at every step
            return writers[self._names[0]].written.n_told
        return sum(writers[name].written.n_told for name in self._names)

    def text(self, writers: Mapping[str, Writer]) -> str:
        """A text that begins with it."""
        if len(self._names) == 1:
            return writers[self._names[0]].written.text
        told = (writers[name].written for name in self._names)
        return "".join(written.text[: written.n_told] for written in told)

    def is_over(self, writers: Mapping[str, Writer]) -> bool:
        """Nothing more comes."""
        return all(writers[name].has_written for name in self._names)


class MatchesState:
    """The texts of enough streams match. What was told of them counts, and stays when it came."""

    def __init__(self, plan: Matches) -> None:
        self._plan = plan
        self._told = [_Told(whole) for whole in plan.streams]
        self._searches = [Search(plan.regex) for _ in plan.streams]
        self._n_seen = [0 for _ in plan.streams]
        self._n_found = 0

    def look(self, writers: Mapping[str, Writer]) -> bool:
        """Whether it holds now."""
        for i, told in enumerate(self._told):
            n_told = told.n_chars(writers)
            if n_told != self._n_seen[i]:
                self._search(i, told.text(writers), n_told)
        return self._n_found >= self._plan.n

    def _search(self, i: int, text: str, end: int) -> None:
        before = self._searches[i].found
        if end < self._n_seen[i]:  # some of it was taken back
            self._searches[i] = Search(self._plan.regex)
        self._n_seen[i] = end
        if self._searches[i].feed(text, end) is not before:
            self._n_found = sum(search.found is not None for search in self._searches)

    def is_possible(self, writers: Mapping[str, Writer]) -> bool:
        """Whether it may yet hold."""
        hopes = [
            search.found is not None or not told.is_over(writers)
            for told, search in zip(self._told, self._searches, strict=True)
        ]
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
        self._last = [(_Told(whole), _Last()) for whole in plan.streams]
        self._n_agreeing = 0

    def look(self, writers: Mapping[str, Writer]) -> bool:
        """Whether it holds now."""
        for told, last in self._last:
            n_told = told.n_chars(writers)
            if n_told != last.n_seen:
                said = last.said
                self._search(last, told.text(writers), n_told)
                if last.said != said:
                    self._count()
        return self._n_agreeing >= self._plan.n

    def _count(self) -> None:
        said = Counter(last.said for _, last in self._last if last.said is not None)
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
        n_open = sum(not told.is_over(writers) for told, _ in self._last)
        said = Counter(
            last.said
            for told, last in self._last
            if last.said is not None and told.is_over(writers)
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
