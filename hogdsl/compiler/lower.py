"""Lowering: from a checked region to the region of a plan.

Nested forks are flattened, views become lists of blocks with their texts shared, nodes become
pieces, and rules name streams of the plan. Where a rule names a stream of several parts, it means

    a condition on texts    all parts, which count as one: their texts run together
    a condition on ends     the last part, which ends when the stream does
    a hold                  the first part, or every part if it is held again and again
    an insert, a watch      every part
"""

from collections.abc import Iterable

from hogdsl import plan
from hogdsl.compiler.blocks import lower_blocks
from hogdsl.compiler.flatten import flatten
from hogdsl.compiler.ir import (
    ConditionIR,
    HoldIR,
    InputIR,
    InsertIR,
    Parts,
    RegionIR,
    StreamIR,
    WatchIR,
    counted,
    nodes_of,
)
from hogdsl.compiler.nodes import merge_texts
from hogdsl.compiler.pieces import lower_node
from hogdsl.compiler.termination import awaited


def lower(region: RegionIR) -> plan.Region:
    """The plan of a region that has passed all checks."""
    region = flatten(region)
    parts = region.parts()
    blocks = lower_blocks(region)
    return plan.Region(
        name=region.name,
        blocks=blocks.blocks,
        streams=tuple(
            _stream(region, *pair) for pair in zip(region.streams, blocks.views, strict=True)
        ),
        asks=tuple(
            plan.Ask(
                name=ask.name,
                stream=ask.stream,
                question=ask.question,
                answers=ask.answers,
                every=ask.every,
                at=ask.at,
            )
            for ask in region.asks
        ),
        waits=tuple(
            plan.Wait(stream=wait.stream, ask=wait.ask.name, answer=wait.answer, each=wait.each)
            for wait in region.waits
        ),
        until=tuple(
            plan.Until(
                condition=_condition(until.condition, parts), ends=_all_parts(until.ends, parts)
            )
            for until in region.until
        ),
        holds=tuple(hold for h in region.holds for hold in _holds(h, parts)),
        inserts=tuple(_insert(insert, parts) for insert in region.inserts),
        watches=tuple(_watch(watch, parts) for watch in region.watches),
        keep=blocks.kept,
        max_tokens=region.max_tokens,
        max_seconds=region.max_seconds,
        where=str(region.place),
    )


# ---------------------------------------------------------------- streams


def _stream(region: RegionIR, stream: StreamIR, view: tuple[str, ...]) -> plan.Stream:
    parent = _parent(region, stream)
    return plan.Stream(
        name=stream.name,
        role=stream.role,
        view=view,
        pieces=tuple(lower_node(node) for node in merge_texts(nodes_of(stream))),
        max_tokens=stream.max_tokens,
        max_seconds=stream.max_seconds,
        commit=_commit(stream),
        input=None if stream.input is None else _input(region, stream.name, stream.input),
        reports_delivery=stream.reports_delivery,
        after=tuple(dict.fromkeys((*stream.after, *([parent] if parent else [])))),
        parent=parent,
        continues=stream.continues,
        where=str(stream.place),
    )


def _parent(region: RegionIR, stream: StreamIR) -> str | None:
    """The part that it goes on from, past parts that are empty and so have no steps to count."""
    parent = region.stream(stream.parent) if stream.continues and stream.parent else None
    while parent is not None and parent.continues and not parent.writes:
        parent = region.stream(parent.parent) if parent.parent else None
    return stream.parent if parent is None else parent.name


def _commit(stream: StreamIR) -> plan.Commit | None:
    rule = stream.commit
    if rule is None or not stream.writes:
        return None  # a part with nothing to write is no step, not even a header
    return plan.Commit(into=rule.history, step=rule.step, header=rule.header)


def _input(region: RegionIR, name: str, given: InputIR) -> plan.Input:
    interrupts: tuple[str, ...] = ()
    if given.barge_in != "ignore":
        speaking = tuple(s.name for s in region.streams if s.role == "say")
        interrupts = speaking if given.interrupts is None else given.interrupts
    return plan.Input(
        background=not awaited(region, name), barge_in=given.barge_in, interrupts=interrupts
    )


# ---------------------------------------------------------------- rules


def _condition(condition: ConditionIR, parts: Parts) -> plan.Condition:
    looked_at = [tuple(part.name for part in whole) for whole in counted(condition, parts)]
    n = len(looked_at) if condition.n is None else condition.n
    if condition.regex is None:
        return plan.Ended(streams=tuple(last for (last,) in looked_at), n=n)
    return plan.Matches(
        streams=tuple(names[0] if len(names) == 1 else names for names in looked_at),
        regex=condition.regex,
        n=n,
        agree=condition.agree,
    )


def _holds(hold: HoldIR, parts: Parts) -> list[plan.Hold]:
    until = _condition(hold.until, parts)
    held = parts[hold.stream] if hold.at is not None else parts[hold.stream][:1]
    return [plan.Hold(stream=part.name, until=until, at=hold.at) for part in held]


def _insert(insert: InsertIR, parts: Parts) -> plan.Insert:
    streams = _all_parts(insert.streams or (), parts)
    steps = {p.commit.step for name in insert.streams or () for p in parts[name] if p.commit}
    at = insert.at
    if at is None and len(steps) == 1:
        (at,) = steps
    return plan.Insert(
        name=insert.name,
        streams=streams,
        text=insert.text,
        every=insert.every,
        into="random" if insert.into == "random" else "each",
        at=at,
    )


def _watch(watch: WatchIR, parts: Parts) -> plan.Watch:
    return plan.Watch(
        name=watch.name,
        streams=() if watch.stream is None else _all_parts((watch.stream,), parts),
        regex=watch.regex,
        every=watch.every,
        hold=watch.hold,
    )


def _all_parts(names: Iterable[str], parts: Parts) -> tuple[str, ...]:
    return tuple(part.name for name in names for part in parts[name])
