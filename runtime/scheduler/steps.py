"""The steps of a stream that moves them to a shared history when they are finished.

Every step begins with a header. When it is finished, the stream *turns over*: its pending token
completes the finished block while a fresh block begins with the next header, both in the same step
of the engine (docs/adr/0003).
"""

from dataclasses import dataclass

from hogdsl.plan import Commit
from runtime.blocks import Block
from runtime.scheduler.work import Cache
from runtime.scheduler.written import Written


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnOver:
    """A finished step on its way into the history: its block, and the tokens that complete it."""

    block: Block
    pending: tuple[int, ...]
    index: int
    text: str


@dataclass(slots=True, kw_only=True)
class Steps:
    """Where a stream stands in its steps.

    Attributes:
        index: of the present step, counted from 1.
        header: the present step's header until it is told.
        turning: the finished step that the next step of the engine completes, if any.
    """

    commit: Commit
    stream: str
    written: Written
    index: int = 0
    header: str = ""
    turning: TurnOver | None = None
    _n_chars: int = 0
    """Where in the stream's text the present step begins, its header included."""
    _n_generated: int = 0

    def begin(self) -> str:
        """Begin the next step; its header is to be written, and told when something follows."""
        self.index += 1
        self._n_chars, self._n_generated = len(self.written.text), len(self.written.generated)
        name = self.stream.partition("#")[0].rpartition("/")[2]
        self.header = self.commit.header.format(name=name, step=self.index)
        return self.header

    def tell_header(self) -> str:
        """The header, if it is still to be told; a step that stays empty is no text."""
        header, self.header = self.header, ""
        return header

    @property
    def is_bare(self) -> bool:
        """The present step has nothing but its header."""
        return bool(self.header) or len(self.written.text) <= self._n_chars

    @property
    def n_begun(self) -> int:
        """Steps that have more than their header."""
        return self.index - self.is_bare

    @property
    def is_finished(self) -> bool:
        """The model has written the text that ends a step."""
        return self.written.generated.find(self.commit.step, self._n_generated) >= 0

    def turn_over(self, fresh: Block) -> None:
        """Let a fresh block take the place of the finished one."""
        written = self.written
        self.turning = TurnOver(
            block=written.block,
            pending=tuple(written.pending),
            index=self.index,
            text=written.text[self._n_chars :],
        )
        written.turn_over(fresh)

    def turned_over(self) -> TurnOver:
        """The finished step is complete and goes into the history; its block is given away."""
        turning = self.turning
        assert turning is not None
        self.turning = None
        return turning

    def drop_bare(self, cache: Cache) -> None:
        """The stream is over: a header with nothing behind it is no part of the text."""
        if self.is_bare:
            self.written.cut(self._n_chars, cache)
