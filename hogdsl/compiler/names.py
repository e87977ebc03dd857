"""Names.

A name is a handle by which a program finds a thing again, so within its room it means one thing.
The rooms: streams of a region; values (`gen`, `select`) of a stream; values of the scope over the
whole run, because the scope is one stream that goes on. A stream's name is also part of the names
of its blocks, which is why it has no `/`.
"""

from collections.abc import Mapping

from hogdsl.compiler.ir import RegionIR, StreamIR, quoted
from hogdsl.compiler.nodes import Gen, Place, Select


def check_names(region: RegionIR, taken: Mapping[str, Place]) -> None:
    """Check the names of streams, of values and in `keep`.

    Args:
        region: what was declared.
        taken: names of the scope's values so far, with their places.

    Raises:
        ProgramError: a name is empty, used twice, or names nothing.
    """
    for stream in region.streams:
        if stream.role != "main":
            check_stream_name(stream.name, stream.place)
        _check_values(stream, taken if stream.role == "main" else {})
    for name in region.keep or ():
        if region.stream(name) is None:
            there = quoted(tuple(s.name for s in region.streams))
            raise region.place.error(
                f"keep names the stream {name!r}, which is not in this region. There is {there}."
            )


def check_stream_name(name: str, place: Place) -> None:
    """A stream's name is text, not empty, without `/`, and not the scope's own."""
    if name == "main":
        raise place.error("the name 'main' is the scope's own. Give the stream another.")
    if not name:
        raise place.error("the name of a stream is not empty. Give it a name.")
    if "/" in name:
        raise place.error(
            f"the name of a stream has no '/', because blocks are named with it: {name!r}. "
            "Leave it out."
        )


def _check_values(stream: StreamIR, taken: Mapping[str, Place]) -> None:
    used = dict(taken)
    for node in stream.writes:
        if not isinstance(node, Gen | Select) or node.name is None:
            continue
        if node.name in used:
            raise node.place.error(
                f"the name {node.name!r} is used twice: {used[node.name]} has it already. "
                "Give each value a name of its own."
            )
        used[node.name] = node.place
