"""Who wants to know all that a run depends on.

A run has no clock and chooses nothing at random, so it is repeated exactly by whoever starts the
same regions, tells it the same, shows it the same times and gives its rows the same results, in
the same order. A journal is told of all this, before it takes effect.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

from hogdsl import plan
from hogdsl.commands import Command
from runtime.scheduler.turn import Turn
from runtime.scheduler.work import Result

ErrorName = Literal["PlanError", "CapacityError", "RunCancelled", "InternalError"]


class Journal(Protocol):
    """Is told, by the thread that steps the run. It must not raise. Times are the run's own."""

    def started(self, region: plan.Region, now_s: float) -> None:
        """A region begins."""
        ...

    def told(self, command: Command, now_s: float) -> None:
        """The program has said something, and it takes effect."""
        ...

    def timed(self, now_s: float) -> None:
        """The time, or the length of a text, has ended something although no step was made."""
        ...

    def stepped(self, turn: Turn, results: Sequence[Result], now_s: float) -> None:
        """A step was made; `results` are those of the turn's jobs. Chunks of long texts are none
        of these steps: how a text is cut follows from its length."""
        ...

    def suspended(self) -> None:
        """The pages were given up."""
        ...

    def restored(self) -> None:
        """They are there again."""
        ...

    def failed(self, error: ErrorName, message: str) -> None:
        """The run is over and has failed."""
        ...


class NoJournal:
    """Nobody wants to know."""

    def started(self, region: plan.Region, now_s: float) -> None: ...
    def told(self, command: Command, now_s: float) -> None: ...
    def timed(self, now_s: float) -> None: ...
    def stepped(self, turn: Turn, results: Sequence[Result], now_s: float) -> None: ...
    def suspended(self) -> None: ...
    def restored(self) -> None: ...
    def failed(self, error: ErrorName, message: str) -> None: ...
