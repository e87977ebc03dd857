"""Views.

A view is a list of blocks, the stream's own block last. Attention sums over its tokens, so a block
that stood in it twice would count twice; and the own block is where new tokens go, so it stands at
the end and nowhere else. A stream can see what is written in its own region and, through the scope,
what was kept of the regions before; other blocks do not exist while it runs.
"""

from hogdsl.compiler.ir import Item, RegionIR, SeesStream, StreamIR, quoted


def default_view(region: RegionIR, stream: StreamIR) -> tuple[Item, ...]:
    """What a stream of this role sees between its prompt and its own block.

    A `say` sees all thoughts of the region; the others see themselves only.
    """
    if stream.role != "say":
        return ()
    return tuple(
        SeesStream(region=region.name, stream=other.name, place=stream.place)
        for other in region.streams
        if other.role == "think"
    )


def view_items(region: RegionIR, stream: StreamIR) -> tuple[Item, ...]:
    """What stands between a stream's prompt and its own block, given or by default."""
    return default_view(region, stream) if stream.sees is None else stream.sees


def check_views(region: RegionIR) -> None:
    """Check that every view names streams of this region, others than itself, once each.

    Raises:
        ProgramError: one does not.
    """
    for stream in region.streams:
        _check_view(region, stream)


def _check_view(region: RegionIR, stream: StreamIR) -> None:
    seen: set[str] = set()
    for item in view_items(region, stream):
        if not isinstance(item, SeesStream):
            continue
        if item.region != region.name:
            raise item.place.error(
                f"{stream.name!r} sees {item.stream!r}, a stream of another region. Blocks of "
                "earlier regions are seen through the scope: name it in their keep=, and leave "
                "it out here."
            )
        if item.stream == stream.name:
            raise item.place.error(
                f"{stream.name!r} sees itself twice: a stream's own block ends its view anyway. "
                "Leave it out."
            )
        if region.stream(item.stream) is None:
            there = quoted(tuple(s.name for s in region.streams))
            raise item.place.error(
                f"{stream.name!r} sees {item.stream!r}, and there is no such stream in this "
                f"region. There is {there}."
            )
        if item.stream in seen:
            raise item.place.error(
                f"{stream.name!r} sees {item.stream!r} twice, and it would count twice. "
                "Name it once."
            )
        seen.add(item.stream)
