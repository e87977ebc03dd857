"""What comes into a `listen` stream from outside, and what that does to those who speak.

Items are heard in the order in which they came; one that is for a later step keeps those behind it
waiting. What was heard is appended in the next step, as one row.
"""

from collections import deque
from collections.abc import Mapping

from hogdsl import events
from hogdsl.commands import CloseInput, Hear
from hogdsl.plan import Input
from runtime.scheduler.life import Phase
from runtime.scheduler.writer import Writer

Item = Hear | CloseInput

_SPEAKING = frozenset({Phase.RUNNING, Phase.DELIVERING})
"""While a stream can be broken into."""


class InputState:
    """The input of one stream.

    Attributes:
        plan: its part of the plan.
    """

    def __init__(self, plan: Input, writer: Writer) -> None:
        self.plan = plan
        self._writer = writer
        self._items: deque[Item] = deque()
        self._speaks = False
        """An utterance has begun and is not complete."""
        self._is_final = False
        """It is complete, but not all of it is encoded."""

    @property
    def is_open(self) -> bool:
        """More may come."""
        return not self._writer.is_over

    def may_take_back(self, stream: str) -> bool:
        """Whether what comes may yet take back something of a stream."""
        takes_back = self.plan.barge_in in ("restart", "stop")
        return takes_back and stream in self.plan.interrupts and self.is_open

    @property
    def waits_for_step(self) -> int | None:
        """The step of the region before which the next item is not heard; None without items."""
        if not self._items or self._writer.phase is not Phase.RUNNING:
            return None
        return self._items[0].at_step or 0

    def queue(self, item: Item) -> None:
        """Something came."""
        if self.is_open:
            self._items.append(item)

    def take(self, n_steps: int, writers: Mapping[str, Writer]) -> None:
        """Hear what is for so many steps or fewer of the region.

        Args:
            n_steps: how many it has made.
            writers: the region's streams.
        """
        while (step := self.waits_for_step) is not None and step <= n_steps:
            item = self._items.popleft()
            if isinstance(item, CloseInput):
                self._writer.end("closed")
            else:
                self._hear(item, writers)

    def _hear(self, item: Hear, writers: Mapping[str, Writer]) -> None:
        self._writer.pen.hear(item.text, final=item.final)
        if item.text:
            for name in self.plan.interrupts:
                if writers[name].phase in _SPEAKING:
                    self._interrupt(writers[name])
            self._speaks, self._is_final = True, False
        if item.final:
            self._is_final = True

    def _interrupt(self, speaker: Writer) -> None:
        written, policy = speaker.written, self.plan.barge_in
        if policy == "ignore" or (policy == "pause" and self._speaks):
            return
        if policy == "pause":
            text = written.text[: written.n_told]
        else:
            n_told = written.n_told
            delivered = speaker.n_delivered if speaker.plan.reports_delivery else n_told
            text = speaker.take_back(min(delivered, n_told))
        speaker.pen.around.emit(
            events.Interrupted,
            stream=speaker.plan.name,
            by=self._writer.plan.name,
            policy=policy,
            text=text,
        )
        if policy == "stop":
            speaker.end("interrupted")
        elif policy == "restart":
            speaker.go_on()

    def look(self) -> None:
        """See whether an utterance is complete and encoded."""
        if self._is_final and not self._writer.written.pending:
            self._speaks = self._is_final = False

    def held(self) -> set[str]:
        """Streams that are held while somebody speaks."""
        if self.plan.barge_in != "pause" or not self._speaks or self._writer.is_over:
            return set()
        return set(self.plan.interrupts)
