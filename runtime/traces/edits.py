"""Where a recorded run is to go on otherwise, and how."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hogdsl.errors import TraceError
from runtime.traces.lines import RegionLine, StepLine, token_of
from runtime.traces.reading import Trace


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
    return [i for i, (name, result) in results if name == stream and token_of(result) is not None]
