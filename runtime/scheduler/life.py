"""The life of a stream, and what a stream needs from its run."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from hashlib import blake2b
from typing import Literal

from runtime.blocks import Block
from runtime.scheduler.work import Cache, Origin, Text


class Phase(Enum):
    """The life of a stream; `NEXT_PHASES` says what may follow what."""

    WAITING = auto()
    """Streams that it comes after have not ended."""
    RUNNING = auto()
    DELIVERING = auto()
    """All is written, and whoever plays it has not played all of it."""
    FLUSHING = auto()
    """Nothing more will be chosen; what is pending is still to be appended."""
    ENDED = auto()


NEXT_PHASES: dict[Phase, frozenset[Phase]] = {
    Phase.WAITING: frozenset({Phase.RUNNING, Phase.ENDED}),
    Phase.RUNNING: frozenset({Phase.DELIVERING, Phase.FLUSHING, Phase.ENDED}),
    Phase.DELIVERING: frozenset({Phase.RUNNING, Phase.FLUSHING, Phase.ENDED}),
    Phase.FLUSHING: frozenset({Phase.ENDED}),
    Phase.ENDED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a stream needs from its run."""

    cache: Cache
    text: Text
    run: int
    region: str
    seed: int
    tenant: str
    emit: Callable[..., None]
    count_encoded: Callable[[int], None]

    def block(self) -> Block:
        """A new block, whose text may be found again by the tenant's runs."""
        return self.cache.block(namespace=self.tenant)

    def uniform(self, *names: object) -> float:
        """A number in [0, 1) that depends on the run's seed, the region and the names alone."""
        name = "/".join(map(str, (self.seed, self.region, *names)))
        digest = blake2b(name.encode(), digest_size=8).digest()
        return int.from_bytes(digest) / 2**64

    def origin(
        self, stream: str, kind: Literal["gen", "select", "ask"], n: int, ask: str | None = None
    ) -> Origin:
        """For whom a row is."""
        return Origin(run=self.run, region=self.region, stream=stream, kind=kind, n=n, ask=ask)
