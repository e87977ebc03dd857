"""What all regions have in common: parts of a program in which streams run at the same time.

A region is a context manager. Its `with` block declares; at the end of it the region is given to
its host: the trace, which checks, lowers and runs it, or, for a fork inside of a worker, that
worker. When the block raises, nothing runs.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self, cast, overload

from hogdsl.compiler.ir import InsertIR, NestedIR, StreamIR, UntilIR
from hogdsl.compiler.nodes import Place, check_count, check_seconds
from hogdsl.errors import ProgramError
from hogdsl.language.callbacks import OnStepT, watch_steps
from hogdsl.language.conditions import Condition, Regex, as_condition
from hogdsl.language.draft import Draft
from hogdsl.language.handles import Handle
from hogdsl.language.source import here

Keep = str | Sequence[str]
"""`"all"`, the name of one stream, or names of streams; `()` for none."""


class Host(Protocol):
    """What a region is opened in: the scope's trace, or a worker."""

    def lend(self, kind: str, place: Place) -> str:
        """Open a region: until it is given back, the host cannot be written to.

        Returns: the region's name.

        Raises:
            ProgramError: the host cannot be written to now.
        """
        ...

    def give_back(self) -> None:
        """The region is declared, or given up."""
        ...

    def take(self, declared: NestedIR, draft: Draft) -> None:
        """Deal with a declared region.

        Raises:
            ProgramError: it breaks a rule.
        """
        ...


class Region(ABC):
    """What `fork` and `concurrent` have in common."""

    _kind = "region"

    def __init__(self, host: Host, draft: Draft, *, max_seconds: float | None, keep: Keep) -> None:
        check_seconds("max_seconds", max_seconds, draft.place)
        self._host, self._draft = host, draft
        self._max_seconds = max_seconds
        self._keep = _checked_keep(keep, draft.place)

    @property
    def name(self) -> str:
        """Name of the region in the plan, once it is opened."""
        return self._draft.name

    def until(self, condition: Condition | Regex) -> None:
        """End all its streams as soon as the condition holds; of several, any one is enough.

        Raises:
            ProgramError: the region is not being declared, or this is no condition.
        """
        place = here()
        self._draft.check_open("an until", place)
        self._add_until(condition, place)

    @overload
    def on_step(self, function: OnStepT, /) -> OnStepT: ...
    @overload
    def on_step(
        self, function: None = None, /, *, every: int = 1
    ) -> Callable[[OnStepT], OnStepT]: ...
    def on_step(
        self, function: OnStepT | None = None, /, *, every: int = 1
    ) -> OnStepT | Callable[[OnStepT], OnStepT]:
        """Call a function between two steps, while everything stands still.

        The function is given the running region, `hog.Live`. What it raises ends the run.

        Args:
            function: when the decorator is written without brackets.
            every: call it after so many steps of the region.

        Raises:
            ProgramError: the region is not being declared, or the function cannot be called with
                one argument.
        """
        place = here()
        self._draft.check_open("a callback", place)
        declare = watch_steps(self._draft.rules, every, place)
        return declare if function is None else declare(function)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name or 'unopened'}>"

    def __enter__(self) -> Self:
        if self._draft.phase != "unopened":
            raise here().error(
                "a region is opened once. Make a new one for the next `with`.", code="opened-twice"
            )
        self._draft.open(self._host.lend(self._kind, self._draft.place))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._draft.give_up()
        self._host.give_back()
        if kind is None:
            self._host.take(self._declared(), self._draft)

    @abstractmethod
    def _streams(self) -> tuple[StreamIR, ...]:
        """The streams as data, in the order of their declaration."""

    def _add_until(self, condition: object, place: Place) -> None:
        checked = as_condition(condition, "the end of a region", place)
        self._draft.until.append(UntilIR(condition=checked, place=place))

    def _add_insert(
        self, every: int, text: str, into: str | Handle, at: str | None, place: Place
    ) -> None:
        draft = self._draft
        draft.check_open("an insert", place)
        check_count("every", every, place)
        if not isinstance(cast(object, text), str) or not text:
            raise place.error(
                f"insert= is the text that is put in, and not empty: {text!r} is none.",
                code="insert",
            )
        draft.inserts.append(
            InsertIR(
                name=f"insert.{draft.rules.count_insert()}",
                text=text,
                every=every,
                into=into.path if isinstance(into, Handle) else into,
                at=at,
                place=place,
            )
        )

    def _declared(self) -> NestedIR:
        draft = self._draft
        return NestedIR(
            name=self.name,
            streams=self._streams(),
            until=tuple(draft.until),
            inserts=tuple(draft.inserts),
            keep=self._keep,
            max_seconds=self._max_seconds,
            place=draft.place,
        )


def still_open(place: Place) -> ProgramError:
    """The error that a region was opened and never closed."""
    return place.error(
        "the program ends while this region is open, so it never runs. "
        "Open it with a `with` block.",
        code="never-closed",
    )


def _checked_keep(keep: object, place: Place) -> tuple[str, ...] | None:
    match keep:
        case "all":
            return None
        case str():
            return (keep,)
        case Sequence() if all(isinstance(name, str) for name in cast(Sequence[object], keep)):
            return tuple(cast(Sequence[str], keep))
        case _:
            raise place.error(
                f"keep= takes 'all', the name of a stream or names of streams, not {keep!r}.",
                code="keep",
            )
