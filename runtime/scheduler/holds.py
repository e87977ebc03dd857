"""Why a stream stands still: a condition, a command, somebody who speaks."""

from collections.abc import Mapping

from hogdsl import plan
from runtime.scheduler.asks import has_come
from runtime.scheduler.conditions import track
from runtime.scheduler.life import Phase
from runtime.scheduler.writer import Writer


class HoldState:
    """A stream that is held until a condition holds, or can hold no more.

    Attributes:
        holds: it is held now.
    """

    def __init__(self, hold: plan.Hold) -> None:
        self.plan = hold
        self.holds = hold.at is None
        self._condition = track(hold.until)
        self._n_seen = 0

    def look(self, writers: Mapping[str, Writer]) -> None:
        """See how far the stream and those that it waits for have come."""
        writer = writers[self.plan.stream]
        if writer.phase is not Phase.RUNNING:
            return
        if self.plan.at is not None:
            generated = writer.written.generated
            self.holds = self.holds or has_come(self.plan.at, generated, self._n_seen)
            self._n_seen = len(generated)
        if self.holds and (
            self._condition.look(writers) or not self._condition.is_possible(writers)
        ):
            self.holds = False
