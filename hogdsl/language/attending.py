"""What a region needs of the program while it runs: its channels, speakers and callbacks."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Self, final

from hogdsl.commands import Command
from hogdsl.compiler.nodes import Place
from hogdsl.events import Event, Heard, Inserted, Interrupted, Noticed, Token
from hogdsl.language.answering import Answering
from hogdsl.language.bindings import Bindings
from hogdsl.language.cancelling import CancelScope
from hogdsl.language.line import Line
from hogdsl.language.live import Texts
from hogdsl.plan import Region


@final
class Attending:
    """Attends to one region: a context manager around its run, told of every event of it.

    Attributes:
        is_bound: the program has something to do while the region runs; else it may be told late.
    """

    def __init__(
        self,
        region: Region,
        bindings: Bindings,
        send: Callable[[Command], None],
        fail: Callable[[BaseException], None],
        place: Place,
    ) -> None:
        """
        Args:
            region: what is run.
            bindings: its objects.
            send: tells the session something, from any thread.
            fail: ends the run with an error, from any thread.
            place: where the program runs it.
        """
        self._bindings, self._place, self._fail_run = bindings, place, fail
        self.is_bound = bool(bindings.channels or bindings.speakers or bindings.callbacks)
        self._line = Line(send)
        self._texts = Texts(region)
        self._answering = Answering(bindings.callbacks, self._texts, self._line.send, self.fail)
        self._attached = ExitStack()

    def __enter__(self) -> Self:
        """Attach channels and speakers.

        Raises:
            ProgramError: one serves another region.
        """
        with ExitStack() as attached:
            attached.callback(self._answering.end)
            attached.callback(self._line.close)
            for stream, speaker in self._bindings.speakers.items():
                attached.enter_context(speaker.serving(self._line.send, stream, self._place))
            for stream, channel in self._bindings.channels.items():
                listening = channel.listening(stream, self._line.send, self.fail, self._place)
                attached.enter_context(listening)
            self._attached = attached.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._attached.close()

    def first_commands(self) -> tuple[Command, ...]:
        """What the region must be told when it starts."""
        return self._line.take()

    def fail(self, error: BaseException) -> None:
        """End the run with an error, from any thread."""
        self._fail_run(error)
        self._answering.give_up()

    def see(self, event: Event) -> None:
        """An event of the region has come."""
        if self.is_bound:
            self._line.open()  # the region has started
            self._texts.add(event)
        match event:
            case Heard(stream=stream) if stream in self._bindings.channels:
                self._bindings.channels[stream].heard(event.text)
            case Noticed():
                self._answering.notice(event)
            case Token(stream=stream) | Inserted(stream=stream) | Interrupted(stream=stream):
                if speaker := self._bindings.speakers.get(stream):
                    speaker.tell(self._texts[stream])
            case _:
                pass

    def finish(self, scope: CancelScope) -> None:
        """The region is over: wait until all callbacks have returned.

        Raises:
            RunCancelled: the scope was cancelled, or has no time left.
        """
        self._answering.wait(scope)
