"""Writers.

A block is written by one stream at a time: its tokens have one order, and a stream that continued
another's text would do so without having chosen it. The language lends the right to write as a
**pen**: the scope's pen is lent to a region while that is open, a stream's pen is out from the
beginning of its `with` block to the end of it. The table says for every state of a pen whether one
may write with it, and if not, why.
"""

from typing import Literal

from hogdsl.compiler.ir import RegionIR
from hogdsl.compiler.nodes import Place

Pen = Literal["unopened", "open", "lent", "closed"]

_REFUSALS: dict[Pen, str | None] = {
    "open": None,
    "unopened": "{what} is written before its block is open. Open it with `with` first.",
    "lent": "{what} has two writers: a region is open, and {what} is sealed until it ends. "
    "Write to the region's streams, or move this line out of the `with` block.",
    "closed": "{what} has two writers: its `with` block has ended, and its stream goes on without "
    "the program. Write to it inside the `with` block.",
}


def check_pen(pen: Pen, what: str, place: Place) -> None:
    """Check that `what` may be written to now.

    Raises:
        ProgramError: it may not.
    """
    refusal = _REFUSALS[pen]
    if refusal is not None:
        raise place.error(
            refusal.format(what=what), code="not-open" if pen == "unopened" else "two-writers"
        )


def check_writers(region: RegionIR) -> None:
    """Check that no two streams of a flat region write the same block.

    Raises:
        ProgramError: two have the same name.
    """
    owners: dict[str, Place] = {}
    for stream in region.streams:
        if stream.block in owners:
            raise stream.place.error(
                f"the stream {stream.name!r} has two writers: {owners[stream.block]} declares it "
                "already. Give each stream a name of its own.",
                code="stream-twice",
            )
        owners[stream.block] = stream.place
