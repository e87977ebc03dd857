"""What a program that is run again says again, and what it need not be told again.

A resumed program meets regions that were recorded. What it sent to them then took effect then, and
stands in the trace; what it sends now must not take effect a second time:

    its channels   say the same again, from the beginning; from where the trace ends it is new
    its callbacks  are not called for what they have answered already
    its speakers   have played what they have played
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from threading import Condition

from hogdsl.commands import CloseInput, Command, Delivered, Hear, Release
from hogdsl.errors import TraceError
from hogdsl.events import Event, Heard, Noticed
from runtime.traces.lines import ToldLine

PATIENCE_S = 10.0
"""A channel may take so much longer than it took then to say a text again."""


class Echo:
    """Of one region. `is_new` may be called from any thread."""

    def __init__(
        self, lines: Iterable[ToldLine], began_s: float = 0.0, patience_s: float = PATIENCE_S
    ) -> None:
        """
        Args:
            lines: what was told to the region, in order.
            began_s: when it began, by the clock of the lines.
            patience_s: see `PATIENCE_S`.
        """
        self._inputs: dict[str, list[Hear | CloseInput]] = defaultdict(list)
        self._answered: set[tuple[str, int]] = set()
        self._delivered: Counter[str] = Counter()
        self._n_said: Counter[str] = Counter()
        self._n_heard: Counter[str] = Counter()
        self._changed = Condition()
        self._wait_s = patience_s
        for line in lines:
            self._wait_s = patience_s + line.at_s - began_s
            self._add(line.command)

    def _add(self, command: Command) -> None:
        match command:
            case Hear() | CloseInput():
                self._inputs[command.stream].append(command)
            case Delivered():
                self._delivered[command.stream] = command.n_chars
            case Release():
                self._answered.add((command.watch, command.n))
            case _:
                pass

    def is_new(self, command: Command) -> bool:
        """Whether a command is to take effect.

        Raises:
            TraceError: a channel says something else than it has said then.
        """
        match command:
            case Hear() | CloseInput():
                return self._is_new_input(command)
            case Delivered():
                return command.n_chars > self._delivered[command.stream]
            case _:
                return True

    def _is_new_input(self, command: Hear | CloseInput) -> bool:
        with self._changed:
            n_said = self._n_said[command.stream]
            self._n_said[command.stream] += 1
            self._changed.notify_all()
        then = self._inputs[command.stream]
        if n_said >= len(then):
            return True
        if then[n_said] != command:
            raise TraceError(
                f"the input of the stream {command.stream!r} is not that of the recorded run: the "
                f"trace has {_shown(then[n_said])}, and now comes {_shown(command)}. A run is "
                "resumed with the same input from its beginning."
            )
        return False

    def passes(self, event: Event) -> bool:
        """Whether the program is to be told of an event. What its channels have said then is told
        when they have said it again.

        Raises:
            TraceError: they do not say it.
        """
        match event:
            case Noticed():
                return (event.watch, event.n) not in self._answered
            case Heard():
                self._await(event)
                return True
            case _:
                return True

    def _await(self, event: Heard) -> None:
        self._n_heard[event.stream] += 1
        n_heard = self._n_heard[event.stream]
        with self._changed:
            if not self._changed.wait_for(
                lambda: self._n_said[event.stream] >= n_heard, self._wait_s
            ):
                raise TraceError(
                    f"the recorded run has heard {event.text!r} in the stream {event.stream!r}, "
                    f"and its channel did not say it again within {self._wait_s:.1f} s. A run is "
                    "resumed with the same input from its beginning."
                )


def _shown(command: Hear | CloseInput) -> str:
    return repr(command.text) if isinstance(command, Hear) else "its end"
