"""Fork: workers that run at the same time and see each other as a layout says."""

from collections.abc import Iterator
from typing import final

from hogdsl.compiler.ir import CommitRule, Item, SeesStream, StreamIR, quoted
from hogdsl.compiler.nodes import Place
from hogdsl.language.handles import Handle
from hogdsl.language.layouts import Layout
from hogdsl.language.pieces import as_piece
from hogdsl.language.regions import Keep, Region
from hogdsl.language.source import here
from hogdsl.language.trace import Trace


@final
class Worker(Handle):
    """A worker of a fork."""

    def declared(self, opening: str, sees: tuple[Item, ...], commit: CommitRule | None) -> StreamIR:
        """The worker as data; `opening` begins its block."""
        first = as_piece(opening, self._place).nodes if opening and self._writes else ()
        return StreamIR(
            name=self._name,
            role="worker",
            block=f"{self._draft.name}.{self._name}",
            sees=sees,
            writes=(*first, *self._writes),
            max_tokens=self._max_tokens,
            max_seconds=self._max_seconds,
            commit=commit,
            place=self._place,
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
