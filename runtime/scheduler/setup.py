"""Whether a region fits together, and fits the run that it is to become part of.

The compiler makes no other plans; these are the errors of a plan that came from elsewhere.
"""

from collections.abc import Set as AbstractSet

from hogdsl import plan
from runtime.scheduler.refusals import field
from runtime.scheduler.setup_rules import check_rules


def check(region: plan.Region, known: AbstractSet[str]) -> None:
    """Check a region against the names of the blocks that its run already has.

    Raises:
        PlanError: naming the field, what was found there, and what it must be.
    """
    field(region, "blocks").unique([block.name for block in region.blocks])
    field(region, "streams").unique([stream.name for stream in region.streams])
    again = known & {block.name for block in region.blocks}
    if again:
        raise field(region, "blocks").error(f"{sorted(again)} exist already")
    names = set(known) | {block.name for block in region.blocks}
    field(region, "streams.view").unique([stream.view[-1] for stream in region.streams])
    for block in region.blocks:
        if isinstance(block, plan.EncodedBlock):
            field(region, f"blocks[{block.name!r}].after").known(block.after, names)
    for stream in region.streams:
        _check_stream(region, stream, names)
    _check_order(region)
    check_rules(region)
    field(region, "keep").known(region.keep, names)


def _check_stream(region: plan.Region, stream: plan.Stream, names: AbstractSet[str]) -> None:
    where = f"streams[{stream.name!r}]"
    view = field(region, f"{where}.view")
    view.known(stream.view, names)
    view.unique(stream.view)
    if stream.commit is not None:
        _check_commit(region, stream, stream.commit)
    if (stream.role == "listen") != (stream.input is not None):
        raise field(region, f"{where}.input").error(
            f"given for the role 'listen' and no other; the role is {stream.role!r}"
        )
    if stream.input is not None:
        _check_input(region, stream, stream.input)
    for i, piece in enumerate(stream.pieces):
        if isinstance(piece, plan.Gen):
            _check_gen(region, piece, f"{where}.pieces[{i}]")


def _check_commit(region: plan.Region, stream: plan.Stream, commit: plan.Commit) -> None:
    where = f"streams[{stream.name!r}].commit"
    into = field(region, f"{where}.into")
    histories = {b.name for b in region.blocks if isinstance(b, plan.HistoryBlock)}
    if commit.into not in histories:
        raise into.error(f"{commit.into!r} is no history block of this region")
    if commit.into not in stream.view:
        raise into.error(f"the stream does not see {commit.into!r}; add it to its view")
    if not commit.step:
        raise field(region, f"{where}.step").error(
            "a step must end with some text; found an empty one"
        )
    try:
        commit.header.format(name="", step=1)
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise field(region, f"{where}.header").error(
            "only {name} and {step} can be filled in"
        ) from error


def _check_input(region: plan.Region, stream: plan.Stream, given: plan.Input) -> None:
    where = f"streams[{stream.name!r}]"
    for i, piece in enumerate(stream.pieces):
        if isinstance(piece, plan.Gen | plan.Select):
            raise field(region, f"{where}.pieces[{i}]").error(
                f"a stream that listens writes fixed pieces only; found {piece.kind!r}"
            )
    if stream.commit is not None:
        raise field(region, f"{where}.commit").error("a stream that listens has no steps")
    interrupts = field(region, f"{where}.input.interrupts")
    speakers = {s.name: s for s in region.streams if s.input is None}
    interrupts.known(given.interrupts, speakers)
    for name in given.interrupts:
        if given.barge_in in ("restart", "stop") and speakers[name].commit is not None:
            raise interrupts.error(
                f"{name!r} moves its finished steps to a history, from where nothing can be taken "
                f"back, and {given.barge_in!r} takes back; use 'pause'"
            )


def _check_gen(region: plan.Region, gen: plan.Gen, where: str) -> None:
    for stop in gen.stop:
        field(region, f"{where}.stop").not_empty(stop)
    for pattern in gen.stop_regex:
        stops = field(region, f"{where}.stop_regex")
        stops.regex(pattern)
        stops.matches_something(pattern)
    if gen.max_tokens is not None and gen.min_tokens > gen.max_tokens:
        raise field(region, f"{where}.min_tokens").error(
            f"at most max_tokens, which is {gen.max_tokens}; found {gen.min_tokens}"
        )
    if gen.constraint is not None and (gen.min_tokens or gen.ignore_eos):
        raise field(region, f"{where}.constraint").error(
            "it says where the text ends, so min_tokens and ignore_eos do not go with it"
        )


def _check_order(region: plan.Region) -> None:
    """Streams come after others, never in a circle."""
    streams = {stream.name: stream for stream in region.streams}
    for stream in region.streams:
        where = f"streams[{stream.name!r}]"
        field(region, f"{where}.after").known(stream.after, streams)
        if stream.parent is not None:
            field(region, f"{where}.parent").known([stream.parent], stream.after)
        if stream.continues and stream.parent is None:
            raise field(region, f"{where}.continues").error("it needs a parent to go on from")
    placed: set[str] = set()
    while len(placed) < len(streams):
        free = {s.name for s in region.streams if placed.issuperset(s.after)} - placed
        if not free:
            circle = ", ".join(sorted(set(streams) - placed))
            raise field(region, "streams.after").error(f"these come after each other: {circle}")
        placed |= free
