"""What a run looks like now: one lane per stream of the current region.

The state of the live screen without the screen: `Lanes.apply` takes the events of a run in their
order, and what is drawn is a function of the state.
"""

from dataclasses import dataclass, field
from typing import Literal, assert_never

from hogdsl.errors import InternalError
from hogdsl.events import (
    Asked,
    Committed,
    EndReason,
    Event,
    Failed,
    Heard,
    Held,
    Inserted,
    Interrupted,
    Joined,
    Noticed,
    RegionStarted,
    Resumed,
    StreamEnded,
    Token,
    Value,
)

Origin = Literal["model", "program", "outside"]
LaneState = Literal["writing", "held", "ended"]


@dataclass(frozen=True, slots=True)
class Passage:
    """Text with one origin: chosen by the model, put in by the program or a rule, or heard from
    outside."""

    text: str
    origin: Origin


@dataclass(slots=True)
class Lane:
    """One stream as far as it has come."""

    name: str
    state: LaneState = "writing"
    reason: EndReason | None = None
    """Why it ended; None while it has not."""
    passages: list[Passage] = field(default_factory=list[Passage])
    n_tokens: int = 0
    """Tokens that the model chose."""
    n_committed: int = 0
    """Steps that it moved to the shared history. Their text stays in the lane."""
    asked: Asked | None = None
    """The newest answer to a question that was put to it."""
    interrupted: Interrupted | None = None
    """The newest interruption."""

    @property
    def text(self) -> str:
        """All that stands in the lane."""
        return "".join(passage.text for passage in self.passages)

    def tail(self, n_chars: int) -> list[Passage]:
        """The end of the text: at least `n_chars` characters of it, where there are so many.

        It begins at a multiple of `n_chars`, not at a place that moves with every token: lines
        that are wrapped from its beginning would all change with it.
        """
        n_total = sum(len(passage.text) for passage in self.passages)
        n_skipped = max(0, n_total // n_chars - 1) * n_chars
        taken: list[Passage] = []
        for passage in self.passages:
            if len(passage.text) > n_skipped:
                taken.append(Passage(passage.text[n_skipped:], passage.origin))
            n_skipped = max(0, n_skipped - len(passage.text))
        return taken

    def write(self, text: str, origin: Origin) -> None:
        """Append text; neighbours of one origin are one passage."""
        if not text:
            return
        if self.passages and self.passages[-1].origin == origin:
            text = self.passages.pop().text + text
        self.passages.append(Passage(text, origin))

    def take_back(self, text: str) -> None:
        """Let only the beginning `text` of what stands in the lane stay."""
        n_left, passages, self.passages = len(text), self.passages, []
        for passage in passages:
            self.write(passage.text[:n_left], passage.origin)
            n_left = max(0, n_left - len(passage.text))

    def end(self, reason: EndReason, text: str) -> None:
        """Close the lane. `text` is all that the stream wrote; what a token held back is added."""
        shown = self.text
        if text.startswith(shown):
            self.write(text[len(shown) :], "model")
        self.state, self.reason = "ended", reason


class Lanes:
    """The lanes of the current region, and how far the run has come."""

    def __init__(self) -> None:
        self.region: str | None = None
        self.step = 0
        self.joined = False
        """The current region is over; its lanes stay until the next one starts."""
        self.failure: Failed | None = None
        self._lanes: dict[str, Lane] = {}

    def __repr__(self) -> str:
        lanes = ", ".join(f"{lane.name} {lane.state}" for lane in self._lanes.values())
        return f"<Lanes {self.region} step {self.step}: {lanes}>"

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """In the order of the region's streams."""
        return tuple(self._lanes.values())

    def __getitem__(self, stream: str) -> Lane:
        """The lane of a stream of this region.

        Raises:
            InternalError: the region has no such stream.
        """
        lane = self._lanes.get(stream)
        if lane is None:
            known = ", ".join(self._lanes) or "none"
            raise InternalError(
                f"an event names stream {stream!r}, but region {self.region!r} has: {known}"
            )
        return lane

    def apply(self, event: Event) -> None:
        """Take in the next event.

        Raises:
            InternalError: it is of a stream that the region does not have.
        """
        self.step = event.step
        match event:
            case RegionStarted():
                self.region, self.joined = event.region, False
                self._lanes = {name: Lane(name) for name in event.streams}
            case Inserted():
                self[event.stream].write(event.text, "program")
            case Token():
                lane = self[event.stream]
                lane.write(event.text, "model")
                lane.n_tokens += event.token is not None
            case Committed():
                self[event.stream].n_committed = event.index
            case Asked():
                self[event.stream].asked = event
            case Held():
                self[event.stream].state = "held"
            case Resumed():
                self[event.stream].state = "writing"
            case Heard():
                self[event.stream].write(event.text, "outside")
            case Interrupted():
                lane = self[event.stream]
                lane.interrupted = event
                lane.take_back(event.text)
            case Value() | Noticed():
                pass
            case StreamEnded():
                self[event.stream].end(event.reason, event.text)
            case Joined():
                self.joined = True
            case Failed():
                self.failure = event
            case _:
                assert_never(event)
