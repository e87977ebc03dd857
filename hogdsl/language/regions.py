"""What all regions have in common: parts of a program in which streams run at the same time.

A region is a context manager. Its `with` block declares; at the end of it the region is checked,
lowered and run. When the block raises, nothing runs.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from hogdsl.compiler.ir import RegionIR, StreamIR, UntilIR
from hogdsl.compiler.nodes import Place, check_seconds
from hogdsl.language.conditions import Quorum, Regex
from hogdsl.language.draft import Draft
from hogdsl.language.source import here
from hogdsl.language.trace import Trace

Keep = str | Sequence[str]
"""`"all"`, the name of one stream, or names of streams; `()` for none."""


class Region(ABC):
    """What `fork` and `concurrent` have in common."""

    _kind = "region"

    def __init__(self, trace: Trace, *, max_seconds: float | None, keep: Keep) -> None:
        place = here()
        check_seconds("max_seconds", max_seconds, place)
        self._trace = trace
        self._draft = Draft(trace.driver, place)
        self._max_seconds = max_seconds
        self._keep = None if keep == "all" else (keep,) if isinstance(keep, str) else tuple(keep)
        self._until: list[UntilIR] = []

    @property
    def name(self) -> str:
        """Name of the region in the plan, once it is opened."""
        return self._draft.name

    def until(self, condition: Regex | Quorum) -> None:
        """End the region as soon as the condition holds.

        Raises:
            ProgramError: the region is not being declared, or this is no condition.
        """
        place = here()
        self._draft.check_open("an until", place)
        self._add_until(condition, place)

    def __enter__(self) -> Self:
        if self._draft.phase != "unopened":
            raise here().error("a region is opened once. Make a new one for the next `with`.")
        self._draft.name = self._trace.lend(self._kind, self._draft.place)
        self._draft.phase = "declaring"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._draft.phase = "given up"
        self._trace.give_back()
        if kind is None:
            self._trace.run(self._build)
            self._draft.phase = "done"

    @abstractmethod
    def _streams(self) -> tuple[StreamIR, ...]:
        """The streams as data, in the order of their declaration."""

    def _add_until(self, condition: object, place: Place) -> None:
        match condition:
            case Regex():
                self._until.append(UntilIR(regex=condition.pattern, n=1, place=place))
            case Quorum():
                self._until.append(UntilIR(regex=condition.of.pattern, n=condition.n, place=place))
            case _:
                raise place.error(
                    f"a region ends at a condition, and {condition!r} is none. "
                    "Write hog.any_worker(hog.regex(...))."
                )

    def _build(self, scope: tuple[str, ...]) -> RegionIR:
        return RegionIR(
            name=self.name,
            scope=scope,
            streams=self._streams(),
            asks=tuple(self._draft.asks),
            waits=tuple(self._draft.waits),
            until=tuple(self._until),
            keep=self._keep,
            max_seconds=self._max_seconds,
            place=self._draft.place,
        )
