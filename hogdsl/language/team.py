"""Fork: workers that run at the same time and see each other as a layout says."""

from collections.abc import Iterator
from typing import final

from hogdsl.compiler.ir import CommitRule, Item, NestedIR, SeesScope, StreamIR, quoted
from hogdsl.compiler.nodes import Node, Place, Text
from hogdsl.compiler.writers import Pen
from hogdsl.language.draft import Draft
from hogdsl.language.handles import Handle
from hogdsl.language.layout_views import items_of
from hogdsl.language.layouts import Layout, LayoutFunction, as_layout
from hogdsl.language.regions import Host, Keep, Region, still_open
from hogdsl.language.source import here
from hogdsl.language.writer import Writer

CONTIGUOUS = Layout()


@final
class _Forks:
    """The forks inside of one worker: they are among the things that it writes."""

    def __init__(self, worker: "Worker", writes: list[Node | NestedIR]) -> None:
        self._worker, self._writes = worker, writes
        self._n_forks = 0
        self.lent: Place | None = None
        """Where the open fork was opened, if one is."""

    def lend(self, kind: str, place: Place) -> str:
        if self.lent is not None:
            raise place.error(
                f"a worker has one fork open at a time, and the one at {self.lent} still is. "
                "Open this one after the other's `with` block, or from one of its workers.",
                code="region-in-region",
            )
        self._worker.check_pen(place)
        self.lent = place
        return f"{self._worker.room}.{self._worker.name}.{kind}.{self._n_forks}"

    def give_back(self) -> None:
        self.lent = None

    def take(self, declared: NestedIR, draft: Draft) -> None:
        self._writes.append(declared)
        self._n_forks += 1
        draft.declared()


@final
class Worker(Writer):
    """A worker of a fork. It may fork in its turn, and then waits for its own workers."""

    def __init__(self, draft: Draft, name: str, *, max_tokens: int | None, place: Place) -> None:
        super().__init__(
            draft, name, "worker", max_tokens=max_tokens, max_seconds=None, place=place
        )
        self._forks = _Forks(self, self._writes)

    def fork(
        self,
        *names: str | int,
        layout: Layout | LayoutFunction = CONTIGUOUS,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
        keep: Keep = "all",
    ) -> "Team":
        """Workers inside of this one: it waits until they have ended, then sees what is kept of
        them and goes on.

        They see all that this worker sees and what it has written so far; arguments and errors are
        those of `Scope.fork`.
        """
        return Team(
            self._forks,
            Draft(self._draft.driver, here(), self._draft, self.path),
            names,
            layout=layout,
            max_tokens=max_tokens,
            max_seconds=max_seconds,
            keep=keep,
        )

    def declared(self, opening: str, view: tuple[Item, ...], commit: CommitRule | None) -> StreamIR:
        """The worker as data; `opening` begins its block."""
        if self._forks.lent is not None:
            raise still_open(self._forks.lent)
        first = (Text(text=opening, place=self._place),) if opening and self._writes else ()
        # a view that begins with the scope is what everybody has
        begins = bool(view) and isinstance(view[0], SeesScope)
        return StreamIR(
            name=self._name,
            role="worker",
            block=f"{self._draft.name}.{self._name}",
            sees=view[1:] if begins else view,
            sees_scope=begins,
            writes=(*first, *self._writes),
            max_tokens=self._max_tokens,
            max_seconds=self._max_seconds,
            commit=commit,
            place=self._place,
        )

    def _pen(self) -> Pen:
        return self._draft.pen if self._forks.lent is None else "lent"


@final
class Team(Region):
    """The workers of a fork: `for worker in team`, `team["Alice"]`."""

    _kind = "fork"

    def __init__(
        self,
        host: Host,
        draft: Draft,
        names: tuple[object, ...],
        *,
        layout: object,
        max_tokens: int | None,
        max_seconds: float | None,
        keep: Keep,
    ) -> None:
        super().__init__(host, draft, max_seconds=max_seconds, keep=keep)
        self._layout = as_layout(layout, draft.place)
        self._workers = tuple(
            Worker(draft, name, max_tokens=max_tokens, place=draft.place)
            for name in _worker_names(names, draft.place)
        )

    def every(
        self, n_tokens: int, *, insert: str, into: str | Handle = "each", at: str | None = None
    ) -> None:
        """Put text into workers again and again.

        Args:
            n_tokens: after so many tokens that the model wrote.
            insert: the text.
            into: `"each"` worker after `n_tokens` of its own, a `"random"` one, or one by its name
                or handle.
            at: when it is due, it still waits until the worker has written this text; by default
                for the end of a step, if the layout has steps.

        Raises:
            ProgramError: the fork is not being declared, or an argument breaks a rule.
        """
        self._add_insert(n_tokens, insert, into, at, here())

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
            f"{quoted(tuple(w.name for w in self._workers))}. Fork it first, or leave it out.",
            code="no-worker",
        )

    def __setitem__(self, name: str, worker: Worker) -> None:
        """Only for `team[name] += ...`, which Python ends with an assignment."""
        if self[name] is not worker:
            raise here().error(
                f"the worker {name!r} is assigned another worker. Write to it with `+=`.",
                code="assigned",
            )

    def _streams(self) -> tuple[StreamIR, ...]:
        layout, step = self._layout, self._layout.step
        commit = None
        if step is not None:
            commit = CommitRule(history=f"{self.name}/history", step=step, header=layout.header)
        return tuple(
            me.declared(
                layout.opening(me.name),
                items_of(layout, self.name, me, self._workers, self._draft.place),
                commit,
            )
            for me in self._workers
        )


def _worker_names(names: tuple[object, ...], place: Place) -> tuple[str, ...]:
    match names:
        case (int(n),) if n > 0:
            return tuple(f"worker{i}" for i in range(1, n + 1))
        case (int(n),):
            raise place.error(
                f"a fork has one worker or more, not {n}. Leave the fork out.", code="fork-names"
            )
        case ():
            raise place.error(
                "a fork names no worker. Give it names, or a number of workers.", code="fork-names"
            )
        case _:
            texts = tuple(name for name in names if isinstance(name, str))
            if len(texts) < len(names):
                found = ", ".join(map(repr, names))
                raise place.error(
                    f"a fork takes names of workers, or one number, not {found}. "
                    "Unpack a list with `*`.",
                    code="fork-names",
                )
            return texts
