"""The intermediate form of a region: what the program declared, frozen, with places.

The language fills it while it traces a program; the passes of this package read it. Views are
still lists of items (texts and names of streams); `lower` turns them into lists of blocks.
"""

from dataclasses import dataclass, field
from typing import Literal

from hogdsl.compiler.nodes import CloseTurn, Fixed, Node, Place, Text, Turn

StreamRole = Literal["main", "worker", "think", "say"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeesStream:
    """An item of a view: the block of a stream."""

    region: str
    """The region in which the stream was declared."""
    stream: str
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeesHistory:
    """An item of a view: the region's history of finished steps."""

    place: Place = field(compare=False)


Item = SeesStream | SeesHistory | Text | Turn | CloseTurn


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitRule:
    """Finished steps move to the region's history; see `hogdsl.plan.Commit`."""

    step: str
    header: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamIR:
    """A stream as declared."""

    name: str
    role: StreamRole
    block: str
    """Name of its own block."""
    continues: bool = False
    """Its block was declared in an earlier region and grows on."""
    prompt: tuple[Fixed, ...] = ()
    sees: tuple[Item, ...] | None = None
    """What stands between its prompt and its own block; None for what its role sees."""
    writes: tuple[Node, ...] = ()
    max_tokens: int | None = None
    max_seconds: float | None = None
    commit: CommitRule | None = None
    place: Place


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
class UntilIR:
    """Ends the region when `n` of the streams match; `n` None means all of them."""

    regex: str
    n: int | None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionIR:
    """Streams that run at the same time."""

    name: str
    scope: tuple[str, ...] = ()
    """Blocks that every stream of the region sees first."""
    streams: tuple[StreamIR, ...]
    asks: tuple[AskIR, ...] = ()
    waits: tuple[WaitIR, ...] = ()
    until: tuple[UntilIR, ...] = ()
    keep: tuple[str, ...] | None = None
    """Names of the streams whose blocks stay; None for all."""
    max_seconds: float | None = None
    place: Place

    @property
    def history(self) -> str | None:
        """Name of the history block, if a stream commits its steps."""
        return f"{self.name}/history" if any(s.commit for s in self.streams) else None

    def stream(self, name: str) -> StreamIR | None:
        """The stream of that name, if there is one."""
        return next((s for s in self.streams if s.name == name), None)


def quoted(names: tuple[str, ...]) -> str:
    """`'a', 'b' and 'c'`, for messages."""
    if not names:
        return "nobody"
    shown = [repr(name) for name in names]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
