"""The driver that runs plans on a runtime."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from types import MappingProxyType
from typing import Generic, TypeVar, final

from hogdsl.compiler.nodes import Place, check_count, check_seconds
from hogdsl.errors import HogError, InternalError, RunCancelled
from hogdsl.events import ChosenToken, EndReason, Event, Joined, Stats, Usage, Value
from hogdsl.language.attending import Attending
from hogdsl.language.bindings import Bindings
from hogdsl.language.cancelling import CancelScope
from hogdsl.language.defaults import meant, where
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
    scores: Mapping[str, Mapping[str, float]]
    """Of each named `select`, by the name of its value: the mean log-probability per token of each
    choice."""
    logprobs: Mapping[str, tuple[ChosenToken, ...]]
    """Of each named `gen` that asks for them, by the name of its value: how likely each token was
    that the model chose for it."""
    streams: Mapping[str, str]
    """All that each stream wrote, by its name."""

    def __getitem__(self, name: str) -> str:
        if name not in self.values:
            there = ", ".join(map(repr, self.values)) or "none"
            raise here().error(
                f"the run has no value {name!r}. There is {there}.", code="no-such-value"
            )
        return self.values[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a program is run; see `hogdsl.language.program.Program.on`."""

    runtime: Runtime | None = None
    seed: int = 0
    max_tokens: int | None = None
    max_seconds: float | None = None
    tenant: str = ""
    context_length: int | None = None


DEFAULTS = Settings()


def checked_settings(settings: Settings, place: Place) -> Settings:
    """The settings that a program gives.

    Raises:
        ProgramError: a bound is not above 0.
    """
    check_count("max_tokens", settings.max_tokens, place)
    check_seconds("max_seconds", settings.max_seconds, place)
    check_count("context_length", settings.context_length, place)
    return settings


class Runner:
    """Runs regions in one session, which it opens at the first region.

    `cancel` may be called from any thread, all else by the thread that runs the program. A runner
    that is made while a program runs in the same context is bounded by that program's run, and
    runs where it runs.
    """

    def __init__(self, settings: Settings, hear: Callable[[Event], None] | None = None) -> None:
        """
        Args:
            settings: how it is run.
            hear: is told every event as it comes; without it events may come late.
        """
        self._settings, self._hear = settings, hear
        self._where = where(settings.runtime, settings.tenant)
        self._results = Results()
        self._bindings: dict[str, Bindings] = {}
        self._scope = CancelScope()
        self._lock = Lock()
        self._session: Session | None = None
        self._fault: BaseException | None = None
        """What a callback or the source of a channel has raised."""
        self._failed = False

    @contextmanager
    def running(self) -> Generator[None]:
        """The program runs in the `with` block; at the end all that the run holds is free."""
        try:
            with self._scope.current(), meant(self._where):
                yield
        finally:
            self._close()

    def bind(self, region: str, bindings: Bindings) -> None:
        self._bindings[region] = bindings

    def run(self, region: Region) -> None:
        """Run a region to its end.

        Raises:
            RunCancelled: `cancel` was called, or time has run out.
            HogError: the run failed; of the class that the runtime names.
            BaseException: what a callback or the source of a channel has raised.
        """
        bindings = self._bindings.pop(region.name, Bindings())
        session = self._open()
        try:
            with (
                self._scope.watched(session.cancel),
                Attending(region, bindings, session.send, self._fail, here()) as attending,
            ):
                self._failed = True  # until it has ended well
                self._follow(session, region, attending)
        except HogError:
            if self._fault is None:
                raise
        if self._fault is not None:  # of which the runtime knows only that it was to cancel
            raise self._fault
        self._failed = False

    def _follow(self, session: Session, region: Region, attending: Attending) -> None:
        """Read the events of a region, and wait until all that they call for is done."""
        if self._fault is not None:  # a channel's source had failed before
            return
        event = None
        live = self._hear is not None or attending.is_bound
        for event in session.run(region, attending.first_commands(), live=live):
            if self._hear is not None:
                self._hear(event)
            self._results.add(region.name, event)
            attending.see(event)
        if not isinstance(event, Joined):
            raise InternalError(
                f"the runtime left the region {region.name!r} without Joined or Failed; the last "
                f"event was {event!r}. Please report it."
            )
        attending.finish(self._scope)

    def value_event(
        self, region: str, streams: tuple[str, ...], key: str | int, place: Place
    ) -> Value:
        return self._results.value_event(region, streams, key, place)

    def text(self, region: str, stream: str, place: Place) -> str:
        return self._results.text(region, stream, place)

    def ended(self, region: str, stream: str, place: Place) -> EndReason:
        return self._results.ended(region, stream, place)

    def result(self, value: R) -> Run[R]:
        """The whole run, whose function returned `value`."""
        results = self._results
        return Run(
            value=value,
            usage=results.usage,
            events=tuple(results.events),
            values=MappingProxyType(results.all_values()),
            scores=MappingProxyType(results.all_scores()),
            logprobs=MappingProxyType(results.all_logprobs()),
            streams=MappingProxyType(results.all_texts()),
        )

    def stats(self) -> Stats:
        """What the runtime is doing now."""
        return self._where.runtime().stats()

    def cancel(self) -> None:
        """End the run within one step; regions that come later do not begin."""
        self._scope.cancel()

    def _open(self) -> Session:
        self._scope.check()
        if self._failed:
            raise RunCancelled(
                "a region of this run has failed, and no further one begins. Run the program again."
            )
        if self._session is None:
            runtime = self._where.runtime()
            self._session = runtime.open(
                seed=self._settings.seed,
                max_tokens=self._settings.max_tokens,
                max_seconds=self._scope.bound(self._settings.max_seconds),
                tenant=self._where.tenant,
            )
        return self._session

    def _fail(self, error: BaseException) -> None:
        """End the run with an error, from any thread; the first one counts."""
        with self._lock:
            if self._fault is None:
                self._fault = error
        if self._session is not None:
            self._session.cancel()

    def _close(self) -> None:
        if self._session is not None:
            self._session.close()
