"""Concurrent: streams that listen, think and speak at the same time, and see each other."""

from collections.abc import Sequence
from typing import TypeVar, final

from hogdsl.compiler.ir import StreamIR, quoted
from hogdsl.language.channel import Channel
from hogdsl.language.conditions import Condition, Regex
from hogdsl.language.draft import Draft
from hogdsl.language.handles import Handle
from hogdsl.language.listeners import Listener
from hogdsl.language.pieces import Piece
from hogdsl.language.regions import Host, Keep, Region
from hogdsl.language.source import here
from hogdsl.language.speaker import Speaker
from hogdsl.language.streams import Stream
from hogdsl.plan import BargeIn

HandleT = TypeVar("HandleT", Stream, Listener)


@final
class Now(Region):
    """Streams that listen, think and speak at the same time; `now[name]` is a text afterwards."""

    _kind = "concurrent"

    def __init__(
        self,
        host: Host,
        draft: Draft,
        *,
        until: Condition | Regex | None,
        max_seconds: float | None,
        keep: Keep,
    ) -> None:
        super().__init__(host, draft, max_seconds=max_seconds, keep=keep)
        self._handles: list[Stream | Listener] = []
        if until is not None:
            self._add_until(until, draft.place)

    def think(
        self,
        name: str,
        prompt: str | Piece | None = None,
        *,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
    ) -> Stream:
        """A stream that thinks. By default it sees its prompt, all that listen, and itself.

        Args:
            name: its name in the region.
            prompt: stands first in its view, after the scope.
            max_tokens: the most tokens that it writes.
            max_seconds: the longest that it runs.

        Raises:
            ProgramError: the region is not being declared, or an argument breaks a rule.
        """
        place = here()
        self._draft.check_open(f"the stream {name!r}", place)
        return self._add(
            Stream(
                self._draft,
                name,
                "think",
                prompt=prompt,
                max_tokens=max_tokens,
                max_seconds=max_seconds,
                place=place,
            )
        )

    def say(
        self,
        name: str,
        prompt: str | Piece | None = None,
        *,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
        speaker: Speaker | None = None,
    ) -> Stream:
        """A stream that speaks. By default it sees its prompt, all that listen, all thoughts, and
        itself.

        Other arguments and errors are those of `think`.

        Args:
            speaker: plays it, and says how much was delivered: when somebody breaks in, no more
                than that is kept. Without one, all that was told counts as delivered.
        """
        place = here()
        self._draft.check_open(f"the stream {name!r}", place)
        return self._add(
            Stream(
                self._draft,
                name,
                "say",
                prompt=prompt,
                max_tokens=max_tokens,
                max_seconds=max_seconds,
                speaker=speaker,
                place=place,
            )
        )

    def listen(
        self,
        name: str,
        channel: Channel,
        prompt: str | Piece | None = None,
        *,
        barge_in: BargeIn = "ignore",
        interrupts: Stream | Sequence[Stream] | None = None,
    ) -> Listener:
        """A stream that comes from outside. By default it sees its prompt and itself.

        The region need not wait until it is closed, unless an `until` is about its end.

        Args:
            name: its name in the region.
            channel: what it listens to.
            prompt: stands first in its view, after the scope.
            barge_in: what happens to those who speak when something is heard: `"ignore"` lets
                them go on, `"pause"` holds them until the utterance is complete, `"restart"` and
                `"stop"` take back what they wrote beyond what was delivered, and let them go on
                from there, or end them.
            interrupts: who is interrupted; by default all that `say`.

        Raises:
            ProgramError: the region is not being declared, or an argument breaks a rule.
        """
        place = here()
        self._draft.check_open(f"the stream {name!r}", place)
        return self._add(
            Listener(
                self._draft,
                name,
                channel,
                prompt=prompt,
                barge_in=barge_in,
                interrupts=interrupts,
                place=place,
            )
        )

    def every(
        self, n_tokens: int, *, insert: str, into: str | Handle, at: str | None = None
    ) -> None:
        """Put text into a stream again and again.

        Args:
            n_tokens: after so many tokens that the model wrote in it.
            insert: the text.
            into: the stream, or its name.
            at: when it is due, it still waits until the stream has written this text.

        Raises:
            ProgramError: the region is not being declared, or an argument breaks a rule.
        """
        self._add_insert(n_tokens, insert, into, at, here())

    def __getitem__(self, name: str) -> str:
        """The text of a stream.

        Raises:
            ProgramError: the region has not run, or has no such stream.
        """
        place = here()
        results = self._draft.results(f"the text of {name!r}", place)
        if all(handle.name != name for handle in self._handles):
            raise place.error(
                f"the region has no stream {name!r}. There is "
                f"{quoted(tuple(h.name for h in self._handles))}.",
                code="no-stream",
            )
        return results.driver.text(results.region, name, place)

    def _add(self, handle: HandleT) -> HandleT:
        self._handles.append(handle)
        return handle

    def _streams(self) -> tuple[StreamIR, ...]:
        return tuple(handle.declared() for handle in self._handles)
