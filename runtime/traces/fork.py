"""A recorded run that goes on otherwise from one of its tokens."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import final

from hogdsl.errors import PlanError, TraceError
from hogdsl.events import Event, Failed, Stats
from hogdsl.plan import Region
from runtime.embedded import EmbeddedRuntime, EventQueue
from runtime.scheduler.work import Cache, Machine, Result, RowWork, Sample, Text
from runtime.traces.lines import RegionLine, StepLine
from runtime.traces.player import error_of
from runtime.traces.reading import Trace
from runtime.traces.session import ResumedSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Tokens that take the place of what a stream chose.

    Attributes:
        region, stream: whose tokens.
        at: which of them is the first to be replaced, counted from 0 in the region.
        tokens: are chosen instead, one per step.
    """

    region: str
    stream: str
    at: int
    tokens: tuple[int, ...]

    def __contains__(self, n: int) -> bool:
        return self.at <= n < self.at + len(self.tokens)

    def token(self, n: int) -> int:
        """What is chosen as the n-th token."""
        return self.tokens[n - self.at]


# ---------------------------------------------------------------- where


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where in a trace a token was chosen."""

    region: str
    line: int
    result: int


def cut(trace: Trace, edit: Edit) -> Trace:
    """The trace up to the step of the edit, with its first token."""
    place = next(p for p in _places(trace, edit.stream, edit.at) if p.region == edit.region)
    line = trace.lines[place.line]
    assert isinstance(line, StepLine)
    results = list(line.results)
    results[place.result] = (edit.stream, edit.tokens[0])
    edited = line.model_copy(update={"results": tuple(results)})
    return replace(trace, lines=(*trace.lines[: place.line], edited))


def find_region(trace: Trace, stream: str, at: int, region: str | None) -> str:
    """The region in which a stream chose its token `at`, counted from 0.

    Raises:
        TraceError: there is no such region, stream or token; or several.
    """
    counts = _counts(trace, stream)
    names = [line.region.name for line in trace.lines if isinstance(line, RegionLine)]
    if region is not None and region not in names:
        raise TraceError(f"{trace.path}: has no region {region!r}; it has: {', '.join(names)}.")
    if region is not None:
        counts = {name: n for name, n in counts.items() if name == region}
    if not counts:
        raise TraceError(
            f"{trace.path}: no stream {stream!r} in {region or 'any region'}; there is: "
            f"{', '.join(_streams(trace, region))}."
        )
    found = [name for name, n in counts.items() if n > at]
    if not found:
        listed = ", ".join(f"{n} in {name}" for name, n in counts.items())
        raise TraceError(
            f"{trace.path}: the stream {stream!r} has chosen fewer tokens than that: {listed}. "
            f"They are counted from 0, and there is no token {at}."
        )
    if len(found) > 1:
        raise TraceError(
            f"{trace.path}: the stream {stream!r} has a token {at} in several regions: "
            f"{', '.join(found)}. Say which one is meant."
        )
    return found[0]


def _streams(trace: Trace, region: str | None) -> list[str]:
    regions = [line.region for line in trace.lines if isinstance(line, RegionLine)]
    streams = (s.name for r in regions if region in (None, r.name) for s in r.streams)
    return list(dict.fromkeys(streams))


def _counts(trace: Trace, stream: str) -> dict[str, int]:
    """In which regions there is the stream, and how many tokens it has chosen in each."""
    counts: dict[str, int] = {}
    region = ""
    for line in trace.lines:
        if isinstance(line, RegionLine):
            region = line.region.name
            if stream in [declared.name for declared in line.region.streams]:
                counts[region] = 0
        elif isinstance(line, StepLine) and region in counts:
            counts[region] += len(_chosen(line, stream))
    return counts


def _places(trace: Trace, stream: str, at: int) -> Iterator[_Place]:
    region, n = "", 0
    for index, line in enumerate(trace.lines):
        if isinstance(line, RegionLine):
            region, n = line.region.name, 0
        elif isinstance(line, StepLine):
            chosen = _chosen(line, stream)
            if n <= at < n + len(chosen):
                yield _Place(region=region, line=index, result=chosen[at - n])
            n += len(chosen)


def _chosen(line: StepLine, stream: str) -> list[int]:
    """Which results of a step are tokens of the stream."""
    results = enumerate(line.results)
    return [i for i, (name, result) in results if name == stream and isinstance(result, int)]


# ---------------------------------------------------------------- the machine


@final
class EditedMachine:
    """A machine on which one stream chooses given tokens, once it has come to them."""

    def __init__(self, machine: Machine, edit: Edit) -> None:
        self._machine, self._edit = machine, edit
        self._n_chosen = 0

    @property
    def name(self) -> str:
        return self._machine.name

    @property
    def device(self) -> str:
        return self._machine.device

    @property
    def context_length(self) -> int:
        return self._machine.context_length

    @property
    def n_pages(self) -> tuple[int, int]:
        return self._machine.n_pages

    @property
    def cache(self) -> Cache:
        return self._machine.cache

    @property
    def text(self) -> Text:
        return self._machine.text

    def run(self, rows: Sequence[RowWork]) -> list[Result]:
        """Run the rows; see `runtime.scheduler.work.Machine`.

        Raises:
            PlanError: the token may not stand there.
        """
        mine = [i for i, work in enumerate(rows) if self._is_mine(work)]
        edited: dict[int, int] = {}
        for n, row in enumerate(mine, start=self._n_chosen):
            if n in self._edit:
                edited[row] = self._checked(rows[row], self._edit.token(n))
        results = self._machine.run(rows)
        self._n_chosen += len(mine)
        return [edited.get(i, result) for i, result in enumerate(results)]

    def _is_mine(self, work: RowWork) -> bool:
        if not isinstance(work.want, Sample):
            return False
        origin = work.want.origin
        return (origin.region, origin.stream) == (self._edit.region, self._edit.stream)

    def _checked(self, work: RowWork, token: int) -> int:
        want = work.want
        assert isinstance(want, Sample)
        mask = want.allowed
        allowed = mask is None or (token < 8 * len(mask) and mask[token // 8] >> token % 8 & 1)
        if token in want.forbidden or not allowed:
            raise PlanError(
                f"token {token} of the edit may not be chosen in the stream {self._edit.stream!r}: "
                "the gen forbids it, or its grammar does not let it come there. Edit it otherwise."
            )
        return token


# ---------------------------------------------------------------- the run


@final
class Fork:
    """The run up to the edit, from the trace, and what comes of it, live.

    Attributes:
        runtime: where the run's program is to run once more, opened as it was opened then.
    """

    def __init__(self, trace: Trace, edit: Edit, runtime: EmbeddedRuntime) -> None:
        self._trace, self._edit = cut(trace, edit), edit
        edited = EditedMachine(runtime.machine, edit)
        embedded = EmbeddedRuntime(edited, prepare_thread=runtime.prepare_thread)
        self.runtime = ForkRuntime(self._trace, embedded)

    @property
    def regions(self) -> Sequence[Region]:
        return [line.region for line in self._trace.lines if isinstance(line, RegionLine)]

    def __iter__(self) -> Iterator[Event]:
        """Without its program, up to the end of the edited region.

        Raises:
            TraceError: somebody would have to say something in that region.
            HogError: it fails, for example because the edit may not stand there.
        """
        self._check_alone(self.regions[-1])
        header = self._trace.header
        with closing(
            self.runtime.open(
                seed=header.seed, max_tokens=header.max_tokens, max_seconds=header.max_seconds
            )
        ) as session:
            for region in self.regions:
                for event in session.run_alone(region):
                    yield event
                    if isinstance(event, Failed):
                        raise error_of(event)

    def _check_alone(self, region: Region) -> None:
        inputs = [s.name for s in region.streams if s.input is not None or s.reports_delivery]
        held = [watch.name for watch in region.watches if watch.hold != "nothing"]
        if waits := inputs + held:
            raise TraceError(
                f"{self._trace.path}: the region {region.name!r} waits for its program "
                f"({', '.join(waits)}), and the trace does not say where that is. Run the program "
                "with `hogdsl run --record`, so that its trace says it."
            )


@final
class ForkRuntime:
    """A `hogdsl.ports.Runtime` for the one run of a fork."""

    def __init__(self, trace: Trace, runtime: EmbeddedRuntime) -> None:
        self._trace, self._runtime = trace, runtime
        self._is_used = False

    def open(
        self, *, seed: int = 0, max_tokens: int | None = None, max_seconds: float | None = None
    ) -> ResumedSession:
        """Begin the run; with the settings of the recorded one.

        Raises:
            TraceError: they are others, or it has begun already.
        """
        if self._is_used:
            raise TraceError(
                f"{self._trace.path}: a fork is one run, and another one begins. Fork it again."
            )
        self._is_used = True
        header = self._trace.header
        then = (header.seed, header.max_tokens, header.max_seconds)
        if then != (seed, max_tokens, max_seconds):
            raise TraceError(
                f"{self._trace.path}:1: the recorded run has seed, max_tokens and max_seconds "
                f"{then}, and the fork {(seed, max_tokens, max_seconds)}. Give it the same."
            )
        queue = EventQueue()
        run = self._runtime.new_run(
            queue, seed=seed, max_tokens=max_tokens, max_seconds=max_seconds
        )
        return ResumedSession(self._runtime, run, queue, self._trace)

    def stats(self) -> Stats:
        return self._runtime.stats()

    def close(self) -> None:
        self._runtime.close()
