"""The streams of a concurrent region that come from outside."""

from collections.abc import Sequence
from typing import Self, cast, final, get_args

from hogdsl.compiler.ir import InputIR, StreamIR
from hogdsl.compiler.nodes import Fixed, Place
from hogdsl.compiler.writers import check_pen
from hogdsl.language.channel import Channel
from hogdsl.language.draft import Draft
from hogdsl.language.handles import Handle
from hogdsl.language.pieces import Piece, as_fixed
from hogdsl.language.source import here
from hogdsl.language.streams import Stream
from hogdsl.language.views import View
from hogdsl.plan import BargeIn


@final
class Listener(Handle):
    """A stream that is heard: what comes through its channel is appended while others go on.

    Fixed text can be written to it, which then stands first; with or without a `with` block.
    """

    def __init__(
        self,
        draft: Draft,
        name: str,
        channel: Channel,
        *,
        prompt: str | Piece | None,
        barge_in: BargeIn,
        interrupts: Stream | Sequence[Stream] | None,
        place: Place,
    ) -> None:
        super().__init__(draft, name, "listen", max_tokens=None, max_seconds=None, place=place)
        self._view = View(draft, name, prompt, place)
        self._input = _input(barge_in, interrupts, place)
        self._writes: list[Fixed] = []
        _bind(draft, name, channel, place)

    def __iadd__(self, content: str | Piece) -> Self:
        """Append fixed text, which stands before all that is heard.

        Raises:
            ProgramError: the region is not being declared, or this is no fixed text.
        """
        place = here()
        check_pen(self._draft.pen, f"the stream {self._name!r}", place)
        self._writes.extend(as_fixed(content, f"the text of {self._name!r}", place))
        return self

    def __enter__(self) -> Self:
        self._draft.check_open(f"the stream {self._name!r}", here())
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def sees(self, *items: Handle | str | Piece) -> None:
        """What stands between its prompt and its own text; see `Stream.sees`."""
        self._view.give(items, here())

    def declared(self) -> StreamIR:
        """The stream as data."""
        return StreamIR(
            name=self._name,
            role="listen",
            block=f"{self._draft.name}.{self._name}",
            prompt=self._view.prompt,
            sees=self._view.items,
            writes=tuple(self._writes),
            input=self._input,
            place=self._place,
        )


def _input(barge_in: BargeIn, interrupts: object, place: Place) -> InputIR:
    if cast(object, barge_in) not in get_args(BargeIn):
        policies = ", ".join(map(repr, get_args(BargeIn)))
        raise place.error(
            f"barge_in= says what happens to who speaks when somebody breaks in: one of "
            f"{policies}, not {barge_in!r}.",
            code="barge-in",
        )
    listed = (interrupts,) if isinstance(interrupts, Stream) else interrupts
    match listed:
        case None:
            names = None
        case Sequence() if all(isinstance(s, Stream) for s in cast(Sequence[object], listed)):
            names = tuple(stream.name for stream in cast(Sequence[Stream], listed))
        case _:
            raise place.error(
                f"interrupts= takes streams that speak, and {interrupts!r} is none. "
                "Give the handle that now.say(...) returns.",
                code="interrupts",
            )
    return InputIR(barge_in=barge_in, interrupts=names)


def _bind(draft: Draft, name: str, channel: object, place: Place) -> None:
    if not isinstance(channel, Channel):
        raise place.error(
            f"a stream listens to a hog.Channel, and {channel!r} is none. Make one with "
            "hog.Channel(), or with hog.Channel.from_lines(...) and its like.",
            code="no-channel",
        )
    bound = draft.rules.channels
    for other in (stream for stream, there in bound.items() if there is channel):
        raise place.error(
            f"{name!r} and {other!r} listen to the same channel, and each would hear only a part. "
            "Let both views show one stream that listens.",
            code="channel-twice",
        )
    bound[name] = channel
