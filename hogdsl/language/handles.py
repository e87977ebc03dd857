"""What all streams of a region have in common: a name, and results to read when it has run."""

from hogdsl.compiler.ir import ConditionIR, StreamRole
from hogdsl.compiler.names import check_stream_name
from hogdsl.compiler.nodes import Place, check_count, check_seconds
from hogdsl.events import EndReason, Value
from hogdsl.language.conditions import Condition, Regex, as_pattern
from hogdsl.language.draft import Draft
from hogdsl.language.source import here


class Handle:
    """A stream of a region."""

    def __init__(
        self,
        draft: Draft,
        name: str,
        role: StreamRole,
        *,
        max_tokens: int | None,
        max_seconds: float | None,
        place: Place,
    ) -> None:
        check_stream_name(name, place)
        check_count("max_tokens", max_tokens, place)
        check_seconds("max_seconds", max_seconds, place)
        self._draft, self._name, self._place = draft, name, place
        self._role: StreamRole = role
        self._max_tokens, self._max_seconds = max_tokens, max_seconds

    @property
    def name(self) -> str:
        """The stream's name."""
        return self._name

    @property
    def path(self) -> str:
        """The stream's name in the plan: that of a worker inside of another begins with it."""
        return self._draft.prefix + self._name

    @property
    def room(self) -> str:
        """Name of the region, or of the fork inside of a worker, in which it is declared."""
        return self._draft.name

    @property
    def text(self) -> str:
        """All that the stream wrote, its fixed texts included.

        Raises:
            ProgramError: the region has not run.
        """
        place = here()
        results = self._draft.results(f"the text of {self._name!r}", place)
        parts = results.parts(self.path)
        return "".join(results.driver.text(results.region, part, place) for part in parts)

    @property
    def ended(self) -> EndReason:
        """Why the stream ended.

        Raises:
            ProgramError: the region has not run.
        """
        place = here()
        results = self._draft.results(f"why {self._name!r} ended", place)
        return results.driver.ended(results.region, results.parts(self.path)[-1], place)

    def matches(self, pattern: str | Regex) -> Condition:
        """The condition that this stream's text matches `pattern` somewhere.

        Raises:
            ProgramError: the region is not being declared, or it is no regular expression.
        """
        place = here()
        self._draft.check_rules(f"a condition on {self._name!r}", place)
        return ConditionIR(regex=as_pattern(pattern, place), streams=(self.path,), place=place)

    def __repr__(self) -> str:
        return f"<{self._role} {self.path!r}>"

    def _value(self, key: str | int, place: Place) -> Value:
        what = (
            f"{key!r} of {self._name!r}" if isinstance(key, str) else f"a value of {self._name!r}"
        )
        results = self._draft.results(what, place)
        parts = results.parts(self.path)
        return results.driver.value_event(results.region, parts, key, place)
