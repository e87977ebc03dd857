"""Regions: parts of a program in which streams run at the same time.

Both kinds are context managers. The `with` block declares; at its end the region is checked,
lowered and run. When the block raises, nothing runs.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Literal, Self, final

from hogdsl.compiler.ir import RegionIR, SeesStream, StreamIR, UntilIR, quoted
from hogdsl.compiler.nodes import Place, check_count
from hogdsl.language.conditions import Quorum, Regex
from hogdsl.language.draft import Draft
from hogdsl.language.handles import Stream, Worker
from hogdsl.language.layouts import Layout
from hogdsl.language.pieces import Piece
from hogdsl.language.source import here
from hogdsl.language.trace import Trace

Keep = str | Sequence[str]
"""`"all"`, the name of one stream, or names of streams; `()` for none."""


class Region(ABC):
    """What `fork` and `concurrent` have in common."""

    _kind = "region"

    def __init__(self, trace: Trace, *, max_seconds: float | None, keep: Keep) -> None:
        place = here()
        check_count("max_seconds", max_seconds, place)
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


@final
class Team(Region):
    """The workers of a fork: `for worker in team`, `team["Alice"]`."""

    _kind = "fork"

    def __init__(
        self,
        trace: Trace,
        names: tuple[object, ...],
        *,
        layout: Layout,
        max_tokens: int | None,
        max_seconds: float | None,
        keep: Keep,
    ) -> None:
        super().__init__(trace, max_seconds=max_seconds, keep=keep)
        place = self._draft.place
        self._layout = _checked_layout(layout, place)
        self._workers = tuple(
            Worker(
                self._draft, name, "worker", max_tokens=max_tokens, max_seconds=None, place=place
            )
            for name in _worker_names(names, place)
        )

    def __iter__(self) -> Iterator[Worker]:
        return iter(self._workers)

    def __len__(self) -> int:
        return len(self._workers)

    def __getitem__(self, name: str) -> Worker:
        for worker in self._workers:
            if worker.name == name:
                return worker
        raise here().error(
            f"the team has no worker {name!r}, which was never forked. There is "
            f"{quoted(tuple(w.name for w in self._workers))}. Fork it first, or leave it out."
        )

    def __setitem__(self, name: str, worker: Worker) -> None:
        """Only for `team[name] += ...`, which Python ends with an assignment."""
        if self[name] is not worker:
            raise here().error(
                f"the worker {name!r} is assigned another worker. Write to it with `+=`."
            )

    def _streams(self) -> tuple[StreamIR, ...]:
        layout, place = self._layout, self._draft.place
        streams: list[StreamIR] = []
        for me in self._workers:
            others = tuple(
                SeesStream(region=self.name, stream=other.name, place=place)
                for other in self._workers
                if other is not me
            )
            sees = layout.items(others, place)
            streams.append(me.declared(layout.opening(me.name), sees, layout.commit))
        return tuple(streams)


@final
class Now(Region):
    """Streams that think and speak at the same time; after the region `now[name]` is a text."""

    _kind = "concurrent"

    def __init__(
        self,
        trace: Trace,
        *,
        until: Regex | Quorum | None,
        max_seconds: float | None,
        keep: Keep,
    ) -> None:
        super().__init__(trace, max_seconds=max_seconds, keep=keep)
        self._handles: list[Stream] = []
        if until is not None:
            self._add_until(until, self._draft.place)

    def think(
        self,
        name: str,
        prompt: str | Piece | None = None,
        *,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
    ) -> Stream:
        """A stream that thinks. By default it sees its prompt and itself.

        Args:
            name: its name in the region.
            prompt: stands first in its view, after the scope.
            max_tokens: the most tokens that it writes.
            max_seconds: the longest that it runs.

        Raises:
            ProgramError: the region is not being declared, or an argument breaks a rule.
        """
        return self._add(name, "think", prompt, max_tokens, max_seconds)

    def say(
        self,
        name: str,
        prompt: str | Piece | None = None,
        *,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
    ) -> Stream:
        """A stream that speaks. By default it sees its prompt, all thoughts, and itself.

        Arguments and errors are those of `think`.
        """
        return self._add(name, "say", prompt, max_tokens, max_seconds)

    def __getitem__(self, name: str) -> str:
        """The text of a stream.

        Raises:
            ProgramError: the region has not run, or has no such stream.
        """
        place = here()
        results = self._draft.results(f"the text of {name!r}", place)
        if all(handle.name != name for handle in self._handles):
            raise place.error(
                f"the region has no stream {name!r}. There is "
                f"{quoted(tuple(h.name for h in self._handles))}."
            )
        return results.text(self.name, name, place)

    def _add(
        self,
        name: str,
        role: Literal["think", "say"],
        prompt: str | Piece | None,
        max_tokens: int | None,
        max_seconds: float | None,
    ) -> Stream:
        place = here()
        self._draft.check_open(f"the stream {name!r}", place)
        handle = Stream(
            self._draft,
            name,
            role,
            prompt=prompt,
            max_tokens=max_tokens,
            max_seconds=max_seconds,
            place=place,
        )
        self._handles.append(handle)
        return handle

    def _streams(self) -> tuple[StreamIR, ...]:
        return tuple(handle.declared() for handle in self._handles)


def _worker_names(names: tuple[object, ...], place: Place) -> tuple[str, ...]:
    match names:
        case (int(n),) if n > 0:
            return tuple(f"worker{i}" for i in range(1, n + 1))
        case (int(n),):
            raise place.error(f"a fork has one worker or more, not {n}. Leave the fork out.")
        case ():
            raise place.error("a fork names no worker. Give it names, or a number of workers.")
        case _:
            texts = tuple(name for name in names if isinstance(name, str))
            if len(texts) < len(names):
                raise place.error(
                    f"a fork takes names of workers, or one number, not {names!r}. "
                    "Unpack a list with `*`."
                )
            return texts


def _checked_layout(layout: object, place: Place) -> Layout:
    if isinstance(layout, Layout):
        return layout
    raise place.error(
        f"layout= takes a layout, and {layout!r} is none. Call one of hog.layouts, for example "
        "hog.layouts.combined()."
    )
