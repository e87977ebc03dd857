"""The driver that runs plans on a runtime."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from types import MappingProxyType
from typing import Generic, TypeVar, final

from hogdsl.compiler.nodes import Place
from hogdsl.errors import InternalError, RunCancelled
from hogdsl.events import EndReason, Event, Joined, Stats, Usage
from hogdsl.language.results import Results
from hogdsl.language.source import here
from hogdsl.plan import Region
from hogdsl.ports import Runtime, Session

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Generic[R_co]):
    """What came of a run. `run[name]` is a named value: a value of the scope by its name, a value
    of another stream as `stream.name`."""

    value: R_co
    """What the program's function returned."""
    usage: Usage
    events: tuple[Event, ...]
    values: Mapping[str, str]
    streams: Mapping[str, str]
    """All that each stream wrote, by its name."""

    def __getitem__(self, name: str) -> str:
        if name not in self.values:
            there = ", ".join(map(repr, self.values)) or "none"
            raise here().error(f"the run has no value {name!r}. There is {there}.")
        return self.values[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a program is run. `resolve` finds the runtime when it is first needed."""

    resolve: Callable[[], Runtime]
    seed: int
    max_tokens: int | None


class Runner:
    """Runs regions in one session, which it opens at the first region.

    `cancel` may be called from any thread, all else by the thread that runs the program.
    """

    def __init__(self, settings: Settings, hear: Callable[[Event], None] | None = None) -> None:
        self._settings, self._hear = settings, hear
        self._results = Results()
        self._session: Session | None = None
        self._cancelled = False
        self._lock = Lock()

    def run(self, region: Region) -> None:
        """Run a region to its end.

        Raises:
            RunCancelled: `cancel` was called.
            HogError: the run failed; of the class that the runtime names.
        """
        event = None
        for event in self._open().run(region):
            if self._hear is not None:
                self._hear(event)
            self._results.add(region.name, event)
        if not isinstance(event, Joined):
            raise InternalError(
                f"the runtime left the region {region.name!r} without Joined or Failed; the last "
                f"event was {event!r}. Please report it."
            )

    def value(self, region: str, stream: str, name: str, place: Place) -> str:
        return self._results.value(region, stream, name, place)

    def text(self, region: str, stream: str, place: Place) -> str:
        return self._results.text(region, stream, place)

    def ended(self, region: str, stream: str, place: Place) -> EndReason:
        return self._results.ended(region, stream, place)

    def result(self, value: R) -> Run[R]:
        """The whole run, whose function returned `value`."""
        return Run(
            value=value,
            usage=self._results.usage,
            events=tuple(self._results.events),
            values=MappingProxyType(self._results.all_values()),
            streams=MappingProxyType(self._results.all_texts()),
        )

    def stats(self) -> Stats:
        """What the runtime is doing now."""
        return self._settings.resolve().stats()

    def cancel(self) -> None:
        """End the run within one step; regions that come later do not begin."""
        with self._lock:
            self._cancelled = True
            session = self._session
        if session is not None:
            session.cancel()

    def close(self) -> None:
        """Free all that the run holds. Safe to call twice."""
        with self._lock:
            session = self._session
        if session is not None:
            session.close()

    def _open(self) -> Session:
        runtime = None if self._session else self._settings.resolve()
        with self._lock:
            if self._cancelled:
                raise RunCancelled("the run was cancelled, and no further region begins.")
            if self._session is None:
                assert runtime is not None
                self._session = runtime.open(
                    seed=self._settings.seed, max_tokens=self._settings.max_tokens
                )
            return self._session
