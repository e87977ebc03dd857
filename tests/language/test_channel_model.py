"""A channel against a plain list: whatever is sent, heard, left and closed, in any order."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hogdsl.commands import CloseInput, Command, Hear
from hogdsl.language.inbox import Inbox, Item
from hogdsl.language.source import here

CAPACITY = 3


class ChannelModel(RuleBasedStateMachine):
    """Regions listen one after another; the runtime hears from the front of what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.inbox = Inbox(CAPACITY)
        self.n_sent = 0
        self.heard: list[str] = []
        self.told: list[Command] | None = None
        """To the region that listens now; None if none does."""
        self.listening = self.inbox.listening("mic", self.tell, self.fail, here())
        self.ended = False

    def tell(self, command: Command) -> None:
        assert self.told is not None
        self.told.append(command)

    def fail(self, error: BaseException) -> None:
        raise AssertionError from error

    @property
    def waiting(self) -> list[str]:
        return [str(i) for i in range(len(self.heard), self.n_sent)]

    @rule()
    def send(self) -> None:
        said = self.inbox.put(Item(text=str(self.n_sent)), timeout_s=0)
        full = len(self.waiting) == CAPACITY
        assert said == ("ended" if self.ended else "full" if full else "put")
        self.n_sent += said == "put"

    @precondition(lambda self: self.told is None)
    @rule()
    def listen(self) -> None:
        self.told = []
        self.listening = self.inbox.listening("mic", self.tell, self.fail, here())
        self.listening.__enter__()
        self.n_before = len(self.heard)

    @precondition(lambda self: self.told is not None and self.waiting)
    @rule(n=st.integers(1, CAPACITY))
    def hear(self, n: int) -> None:
        for text in self.waiting[:n]:
            self.inbox.heard(text)
            self.heard.append(text)

    @precondition(lambda self: self.told is not None)
    @rule()
    def leave(self) -> None:
        self.listening.__exit__(None, None, None)
        self.told = None

    @rule()
    def close(self) -> None:
        self.inbox.end()
        self.ended = True

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        assert len(self.inbox) == len(self.waiting)
        if self.told is not None:
            expected = [str(i) for i in range(self.n_before, self.n_sent)]
            assert [c.text for c in self.told if isinstance(c, Hear)] == expected

    @invariant()
    def the_end_is_told_once_and_last(self) -> None:
        if self.told is not None:
            ends = [i for i, c in enumerate(self.told) if isinstance(c, CloseInput)]
            assert ends == ([len(self.told) - 1] if self.ended else [])


ChannelModel.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestChannelModel = ChannelModel.TestCase
