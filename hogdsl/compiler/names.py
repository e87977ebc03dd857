"""Names.

A name is a handle by which a program finds a thing again, so within its room it means one thing.
The rooms: streams of a region or a fork; values (`gen`, `select`) of a stream, with all that it
writes before and after its forks; values of the scope over the whole run, because the scope is one
stream that goes on. There a name is free again once its value has been read: a loop reads each
round's value before the next round writes it. A stream's name is also part of the names of its
blocks and its parts, which is why it has neither `/` nor `#`. `main` is the scope; `each` and
`random` stand for several streams where one could be named.

This pass reads a region as it was declared, forks included: flat streams have names of their own.
"""

from collections.abc import Mapping

from hogdsl.compiler.ir import NestedIR, RegionIR, StreamIR, nodes_of, quoted
from hogdsl.compiler.nodes import Gen, Place, Select


def check_names(region: RegionIR, taken: Mapping[str, Place]) -> None:
    """Check the names of streams, of values and in `keep`.

    Args:
        region: what was declared.
        taken: names of the scope's values that have not been read, with their places.

    Raises:
        ProgramError: a name is empty, used twice, or names nothing.
    """
    _check_room(region.streams, region.keep, region.place, taken)


def check_stream_name(name: str, place: Place) -> None:
    """A stream's name is text, not empty, without `/` and `#`, and stands for nothing else."""
    if name == "main":
        raise place.error(
            "the name 'main' is the scope's own. Give the stream another.", code="stream-name"
        )
    if not name:
        raise place.error("the name of a stream is not empty. Give it a name.", code="stream-name")
    if name in ("each", "random"):
        raise place.error(
            f"the name {name!r} says into which streams every(..., into=) puts its text, and is no "
            "stream's own. Give the stream another.",
            code="stream-name",
        )
    for sign in "/#":
        if sign in name:
            raise place.error(
                f"the name of a stream has no {sign!r}, because blocks are named with it: "
                f"{name!r}. Leave it out.",
                code="stream-name",
            )


def _check_room(
    streams: tuple[StreamIR, ...],
    keep: tuple[str, ...] | None,
    place: Place,
    taken: Mapping[str, Place],
) -> None:
    for stream in streams:
        if stream.role != "main":
            check_stream_name(stream.name, stream.place)
        _check_values(stream, taken if stream.role == "main" else {})
        for node in stream.writes:
            if isinstance(node, NestedIR):
                _check_room(node.streams, node.keep, node.place, {})
    names = {stream.name for stream in streams}
    for name in keep or ():
        if name not in names:
            raise place.error(
                f"keep names the stream {name!r}, which is not in this region. There is "
                f"{quoted(tuple(s.name for s in streams))}.",
                code="keeps-nobody",
            )


def _check_values(stream: StreamIR, taken: Mapping[str, Place]) -> None:
    used = dict(taken)
    for node in nodes_of(stream):
        if not isinstance(node, Gen | Select) or node.name is None:
            continue
        if node.name in used:
            raise node.place.error(
                f"the name {node.name!r} is used twice: {used[node.name]} has it already. "
                "Give each value a name of its own.",
                code="name-twice",
            )
        used[node.name] = node.place
