"""Views.

A view is a list of blocks, the stream's own block last. Attention sums over its tokens, so a block
that stood in it twice would count twice; and the own block is where new tokens go, so it stands at
the end and nowhere else. A stream can see what is written in its own region and, through the scope,
what was kept of the regions before; other blocks do not exist while it runs. Nor does what begins
only after it has ended, which is what the later forks of a worker are to the earlier ones.

What a stream sees is said by its prompt and its items, or else by its role. A part of a worker
sees, before that, the whole view of the part that it goes on from (`StreamIR.parent`).
"""

from collections.abc import Mapping

from hogdsl.compiler.ir import (
    Item,
    RegionIR,
    SeesHistory,
    SeesScope,
    SeesStream,
    StreamIR,
    quoted,
    whole_name,
)
from hogdsl.compiler.nodes import Detached, Place


def default_view(region: RegionIR, stream: StreamIR) -> tuple[Item, ...]:
    """What a stream of this role sees between its prompt and its own block.

    A `think` sees all inputs of the region; a `say` sees all inputs, then all thoughts; the others
    see themselves only.
    """
    match stream.role:
        case "think":
            seen = ("listen",)
        case "say":
            seen = ("listen", "think")
        case _:
            return ()
    return tuple(
        SeesStream(region=region.name, stream=other.name, place=stream.place)
        for role in seen
        for other in region.streams
        if other.role == role
    )


def view_items(region: RegionIR, stream: StreamIR) -> tuple[Item, ...]:
    """What stands between a stream's prompt and its own block, given or by default."""
    return default_view(region, stream) if stream.sees is None else stream.sees


def whole_views(region: RegionIR) -> dict[str, tuple[Item, ...]]:
    """The view of every stream of a flat region from its beginning to the stream itself.

    What is left of the scope in it is the scope of the region.
    """
    views: dict[str, tuple[Item, ...]] = {}
    for stream in region.streams:
        scope = SeesScope(place=stream.place)
        given = (*stream.prompt, *view_items(region, stream))
        items: tuple[Item, ...] = ()
        for item in (scope, *given) if stream.sees_scope else given:
            if isinstance(item, SeesScope) and stream.parent is not None:
                items += views[stream.parent]
            else:
                items += (item,)
        own = SeesStream(region=region.name, stream=stream.name, place=stream.place)
        views[stream.name] = (*items, own)
    return views


def check_views(region: RegionIR) -> None:
    """Check that every view of a flat region shows what can exist, and nothing twice.

    Raises:
        ProgramError: one does not.
    """
    views = whole_views(region)
    streams = {stream.name: stream for stream in region.streams}
    histories = {s.commit.history for s in region.streams if s.commit is not None}
    for stream in region.streams:
        for item in view_items(region, stream):
            if isinstance(item, SeesStream):
                _check_seen(region, stream, item, streams)
            elif isinstance(item, SeesHistory) and item.history not in histories:
                raise item.place.error(
                    f"{whole_name(stream)!r} sees the history of finished steps, and nobody has "
                    "steps. Give the layout a step=, or leave the history out.",
                    code="no-history",
                )
        _check_once(region, stream, views[stream.name])


def _check_seen(
    region: RegionIR, stream: StreamIR, item: SeesStream, streams: Mapping[str, StreamIR]
) -> None:
    me = whole_name(stream)
    if item.region != region.name:
        raise item.place.error(
            f"{me!r} sees {item.stream!r}, a stream of another region. Blocks of "
            "earlier regions are seen through the scope: name it in their keep=, and leave "
            "it out here.",
            code="sees-elsewhere",
        )
    if item.stream == stream.name:
        raise item.place.error(
            f"{me!r} sees itself twice: a stream's own block ends its view anyway. Leave it out.",
            code="sees-itself",
        )
    if item.stream not in streams:
        there = quoted(tuple(s.name for s in region.streams))
        raise item.place.error(
            f"{me!r} sees {item.stream!r}, and there is no such stream in this "
            f"region. There is {there}.",
            code="sees-nobody",
        )
    if stream.name in _before(streams[item.stream], streams):
        raise item.place.error(
            f"{me!r} sees {item.stream!r}, which begins when {stream.name!r} has ended: there is "
            "never anything to see. Leave it out.",
            code="sees-later",
        )


def _before(stream: StreamIR, streams: Mapping[str, StreamIR]) -> set[str]:
    """The streams that have ended when this one begins."""
    found: set[str] = set()
    ahead = list(stream.after)
    while ahead:
        name = ahead.pop()
        if name not in found and name in streams:
            found.add(name)
            ahead += streams[name].after
    return found


Block = SeesStream | SeesHistory | SeesScope | Detached
"""An item that is one block wherever it stands."""


def _check_once(region: RegionIR, stream: StreamIR, view: tuple[Item, ...]) -> None:
    seen: set[Block] = set()
    for item in view:
        if not isinstance(item, Block):
            continue
        for block in (item, *region.detached) if isinstance(item, SeesScope) else (item,):
            if block in seen:
                raise _twice(stream, block)
            seen.add(block)


def _twice(stream: StreamIR, item: Block) -> Exception:
    place: Place = item.place
    match item:
        case SeesStream():
            what = repr(item.stream.partition("#")[0])
        case SeesHistory():
            what = "the history of finished steps"
        case SeesScope():
            what = "the scope"
        case Detached():
            what = f"the detached text {item.text!r}"
    return place.error(
        f"{whole_name(stream)!r} sees {what} twice, and it would count twice. Name it once.",
        code="sees-twice",
    )
