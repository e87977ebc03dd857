"""Whether a region fits together, and fits the run that it is to become part of.

The compiler makes no other plans; these are the errors of a plan that came from elsewhere.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from hogdsl import plan
from hogdsl.errors import PlanError


def check(region: plan.Region, known: AbstractSet[str]) -> None:
    """Check a region against the names of the blocks that its run already has.

    Raises:
        PlanError: naming the field, what was found there, and what it must be.
    """
    _unique(region, "blocks", [block.name for block in region.blocks])
    _unique(region, "streams", [stream.name for stream in region.streams])
    _unique(region, "asks", [ask.name for ask in region.asks])
    again = known & {block.name for block in region.blocks}
    if again:
        raise PlanError(f"region {region.name!r}: blocks: {sorted(again)} exist already")
    names = set(known) | {block.name for block in region.blocks}
    _unique(region, "streams.view", [stream.view[-1] for stream in region.streams])
    for block in region.blocks:
        if isinstance(block, plan.TextBlock):
            _known(region, f"blocks[{block.name!r}].after", block.after, names)
    for stream in region.streams:
        _known(region, f"streams[{stream.name!r}].view", stream.view, names)
        _unique(region, f"streams[{stream.name!r}].view", stream.view)
        if stream.commit is not None:
            _check_commit(region, stream, stream.commit)
    _check_rules(region)
    _known(region, "keep", region.keep, names)


def _check_commit(region: plan.Region, stream: plan.Stream, commit: plan.Commit) -> None:
    where = f"region {region.name!r}: streams[{stream.name!r}].commit"
    histories = {b.name for b in region.blocks if isinstance(b, plan.HistoryBlock)}
    if commit.into not in histories:
        raise PlanError(f"{where}.into: {commit.into!r} is no history block of this region")
    if commit.into not in stream.view:
        raise PlanError(
            f"{where}.into: the stream does not see {commit.into!r}; add it to its view"
        )
    if not commit.step:
        raise PlanError(f"{where}.step: a step must end with some text; found an empty one")
    try:
        commit.header.format(name="", step=1)
    except (KeyError, IndexError, ValueError) as error:
        raise PlanError(f"{where}.header: only {{name}} and {{step}} can be filled in") from error


def _check_rules(region: plan.Region) -> None:
    streams = {stream.name for stream in region.streams}
    asks = {ask.name: ask for ask in region.asks}
    _known(region, "asks.stream", [ask.stream for ask in region.asks], streams)
    _known(region, "waits.stream", [wait.stream for wait in region.waits], streams)
    _known(region, "waits.ask", [wait.ask for wait in region.waits], asks)
    for wait in region.waits:
        _known(region, "waits.answer", [wait.answer], asks[wait.ask].answers)
    for until in region.until:
        _known(region, "until.streams", until.streams, streams)


def _unique(region: plan.Region, field: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise PlanError(f"region {region.name!r}: {field}: {name!r} stands there twice")
        seen.add(name)


def _known(region: plan.Region, field: str, names: Iterable[str], known: Iterable[str]) -> None:
    allowed = set(known)
    for name in names:
        if name not in allowed:
            choices = ", ".join(sorted(allowed)) or "nothing"
            raise PlanError(f"region {region.name!r}: {field}: {name!r} is not one of: {choices}")
