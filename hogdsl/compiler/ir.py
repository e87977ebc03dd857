"""The intermediate form of a region: what the program declared, frozen, with places.

The language fills it while it traces a program; the passes of this package read it. Views are
lists of items (texts, streams, the scope), and a stream may hold a nested fork among the things
that it writes. `flatten` takes nested forks apart, `lower` turns items into blocks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hogdsl.compiler.nodes import CloseTurn, Detached, Node, Place, Shown, Text, Turn
from hogdsl.plan import BargeIn

StreamRole = Literal["main", "worker", "think", "say", "listen"]


# ---------------------------------------------------------------- views


@dataclass(frozen=True, slots=True, kw_only=True)
class SeesStream:
    """An item of a view: the block of a stream, with those of its nested forks."""

    region: str
    """The region, or nested fork, in which the stream was declared."""
    stream: str
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeesHistory:
    """An item of a view: the history of finished steps of that name."""

    history: str
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeesScope:
    """An item of a view: all that stands before the region, or before the nested fork."""

    place: Place = field(compare=False)


Item = SeesStream | SeesHistory | SeesScope | Text | Turn | CloseTurn | Detached


# ---------------------------------------------------------------- streams


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitRule:
    """Finished steps move to a history; see `hogdsl.plan.Commit`."""

    history: str
    """Name of the history's block: `{region}/history`."""
    step: str
    header: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InputIR:
    """What makes a stream one that listens."""

    barge_in: BargeIn = "ignore"
    interrupts: tuple[str, ...] | None = None
    """Names of the streams that are interrupted; None for all that `say`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamIR:
    """A stream as declared."""

    name: str
    """In its region; after `flatten` also `Alice/x` (a worker nested in Alice) and `Alice#2` (what
    Alice writes after her first nested fork)."""
    role: StreamRole
    block: str
    """Name of its own block, `{region}.{name}`."""
    continues_block: bool = False
    """Its block was declared in an earlier region and grows on."""
    prompt: tuple[Shown, ...] = ()
    sees: tuple[Item, ...] | None = None
    """What stands between its prompt and its own block; None for what its role sees."""
    sees_scope: bool = True
    """The scope stands first in its view; False where the items say whether and where it does."""
    writes: "tuple[Node | NestedIR, ...]" = ()
    max_tokens: int | None = None
    max_seconds: float | None = None
    commit: CommitRule | None = None
    input: InputIR | None = None
    reports_delivery: bool = False
    after: tuple[str, ...] = ()
    """Set by `flatten`, as are `parent` and `continues`; see `hogdsl.plan.Stream`."""
    parent: str | None = None
    """Its view begins with the whole view of this stream."""
    continues: bool = False
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class NestedIR:
    """A fork inside of a worker, which waits until it is joined."""

    name: str
    """Name of the nested fork, `{region}.{worker}.fork.{n}`; histories are named after it."""
    streams: tuple[StreamIR, ...]
    until: "tuple[UntilIR, ...]" = ()
    inserts: "tuple[InsertIR, ...]" = ()
    keep: tuple[str, ...] | None = None
    """Names of the streams whose blocks the worker sees afterwards; None for all."""
    max_seconds: float | None = None
    place: Place = field(compare=False)


# ---------------------------------------------------------------- rules


@dataclass(frozen=True, slots=True, kw_only=True)
class AskIR:
    """A question put to a stream."""

    name: str
    region: str
    stream: str
    question: str
    answers: tuple[str, ...]
    every: int | None
    at: str | None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitIR:
    """A stream that is held until an ask is answered so."""

    stream: str
    ask: AskIR
    answer: str
    each: str | None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionIR:
    """Something that streams come to; see `hogdsl.plan.Matches` and `hogdsl.plan.Ended`.

    Attributes:
        regex: what their texts match; None: they have ended.
        streams: their names; None for all workers and all that think or speak.
        n: how many of them; None for all.
        agree: what they match must be the same.
    """

    regex: str | None
    streams: tuple[str, ...] | None = None
    n: int | None = 1
    agree: bool = False
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class UntilIR:
    """Ends the region, or the nested fork, when a condition holds."""

    condition: ConditionIR
    ends: tuple[str, ...] = ()
    """Set by `flatten`: the streams of the nested fork; none stands for all of the region."""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldIR:
    """A stream that is held until a condition holds; see `hogdsl.plan.Hold`."""

    stream: str
    until: ConditionIR
    at: str | None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertIR:
    """Text that is put into streams again and again; see `hogdsl.plan.Insert`.

    Attributes:
        into: the name of one stream, or which of them.
        at: where; None for the end of a step if the streams have steps, and at once if not.
    """

    name: str
    text: str
    every: int
    into: str
    """`"each"`, `"random"`, or the name of a stream."""
    at: str | None
    streams: tuple[str, ...] | None = None
    """Set by `flatten`: those that it is for; None for all that the model writes."""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchIR:
    """What the program wants to know while the region runs; see `hogdsl.plan.Watch`."""

    name: str
    stream: str | None
    regex: str | None
    every: int | None
    hold: Literal["nothing", "stream", "region"]
    place: Place


# ---------------------------------------------------------------- regions


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionIR:
    """Streams that run at the same time."""

    name: str
    scope: tuple[str, ...] = ()
    """Blocks that every stream of the region sees first."""
    detached: tuple[Detached, ...] = ()
    """Texts that stand at the end of the scope, in this region and those that come."""
    streams: tuple[StreamIR, ...]
    asks: tuple[AskIR, ...] = ()
    waits: tuple[WaitIR, ...] = ()
    until: tuple[UntilIR, ...] = ()
    holds: tuple[HoldIR, ...] = ()
    inserts: tuple[InsertIR, ...] = ()
    watches: tuple[WatchIR, ...] = ()
    keep: tuple[str, ...] | None = None
    """Names of the streams whose blocks stay; None for all."""
    max_tokens: int | None = None
    max_seconds: float | None = None
    place: Place

    def stream(self, name: str) -> StreamIR | None:
        """The stream of that name, if there is one."""
        return next((s for s in self.streams if s.name == name), None)

    def parts(self) -> "Parts":
        """Of a flat region: the parts of each stream as declared, in their order."""
        found: dict[str, list[StreamIR]] = {}
        for stream in self.streams:
            found.setdefault(whole_name(stream), []).append(stream)
        return {name: tuple(parts) for name, parts in found.items()}


Parts = Mapping[str, tuple[StreamIR, ...]]
"""The parts of streams, by the names of whole streams; see `hogdsl.compiler.flatten`."""


def counted(condition: ConditionIR, parts: Parts) -> tuple[tuple[StreamIR, ...], ...]:
    """Of each stream that a condition of a flat region counts, the parts that it looks at.

    A stream has ended when its last part has; its text is that of all its parts.
    """
    whole = tuple(parts[name] for name in condition.streams or ())
    return whole if condition.regex is not None else tuple(found[-1:] for found in whole)


def nodes_of(stream: StreamIR) -> tuple[Node, ...]:
    """What a stream writes, without its forks."""
    return tuple(node for node in stream.writes if not isinstance(node, NestedIR))


def whole_name(stream: StreamIR) -> str:
    """Of which stream, as declared, this one is a part: `Alice` of `Alice#2`."""
    return stream.name.partition("#")[0]


def quoted(names: tuple[str, ...]) -> str:
    """`'a', 'b' and 'c'`, for messages."""
    if not names:
        return "nobody"
    shown = [repr(name) for name in names]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
