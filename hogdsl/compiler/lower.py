"""Lowering: from a checked region to the region of a plan.

Nested forks are flattened, views become lists of blocks with their texts shared, nodes become
pieces, and rules name streams of the plan. Where a rule names a stream of several parts, it means

    a condition on texts    all parts, which count as one: their texts run together
    a condition on ends     the last part, which ends when the stream does
    a hold                  the first part, or every part if it is held again and again
    an insert, a watch      every part
"""

from collections.abc import Iterable, Mapping
from typing import assert_never

from hogdsl import plan
from hogdsl.compiler.flatten import flatten
from hogdsl.compiler.ir import (
    ConditionIR,
    HoldIR,
    InputIR,
    InsertIR,
    Item,
    Parts,
    RegionIR,
    SeesHistory,
    SeesScope,
    SeesStream,
    StreamIR,
    WatchIR,
    counted,
    nodes_of,
)
from hogdsl.compiler.nodes import CloseTurn, Fixed, Gen, Node, Select, Text, Turn, merge_texts
from hogdsl.compiler.sharing import Element, messages, share
from hogdsl.compiler.termination import awaited
from hogdsl.compiler.views import whole_views


def lower(region: RegionIR) -> plan.Region:
    """The plan of a region that has passed all checks."""
    region = flatten(region)
    parts = region.parts()
    texts, views = _shared_views(region)
    return plan.Region(
        name=region.name,
        blocks=(*_open_blocks(region), *texts),
        streams=tuple(_stream(region, *pair) for pair in zip(region.streams, views, strict=True)),
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
        keep=kept_blocks(region),
        max_tokens=region.max_tokens,
        max_seconds=region.max_seconds,
        where=str(region.place),
    )


def kept_blocks(region: RegionIR) -> tuple[str, ...]:
    """Blocks that outlive the region: the kept streams' own, in their order, a history before the
    first of them that commits to it."""
    region = flatten(region)
    keep = None if region.keep is None else set(region.keep)
    blocks: dict[str, None] = {}
    for stream in region.streams:
        if stream.continues_block or (keep is not None and stream.name not in keep):
            continue
        if stream.commit is not None:
            blocks[stream.commit.history] = None
        blocks[stream.block] = None
    return tuple(blocks)


# ---------------------------------------------------------------- blocks and views


def _open_blocks(region: RegionIR) -> tuple[plan.Block, ...]:
    histories = dict.fromkeys(s.commit.history for s in region.streams if s.commit is not None)
    return (
        *(plan.HistoryBlock(name=name) for name in histories),
        *(plan.StreamBlock(name=s.block) for s in region.streams if not s.continues_block),
    )


def _shared_views(
    region: RegionIR,
) -> tuple[tuple[plan.TextBlock, ...], tuple[tuple[str, ...], ...]]:
    blocks = {stream.name: stream.block for stream in region.streams}
    views = whole_views(region).values()
    return share(
        [_elements(view, region.scope, blocks) for view in views], lambda n: f"{region.name}/{n}"
    )


def _elements(
    view: tuple[Item, ...], scope: tuple[str, ...], blocks: Mapping[str, str]
) -> list[Element]:
    elements: list[Element] = []
    fixed: list[Fixed] = []
    for item in view:
        match item:
            case Text() | Turn() | CloseTurn():
                fixed.append(item)
                continue
            case SeesScope():
                seen = scope
            case SeesStream():
                seen = (blocks[item.stream],)
            case SeesHistory():
                seen = (item.history,)
            case _:
                assert_never(item)
        elements += messages(_fixed_pieces(fixed))
        elements += seen
        fixed.clear()
    return elements


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


def lower_node(node: Node) -> plan.Piece:
    """The piece of a plan that a node stands for."""
    match node:
        case Gen():
            return plan.Gen(
                name=node.name,
                max_tokens=node.max_tokens,
                stop=node.stop,
                stop_regex=node.stop_regex,
                stop_tokens=node.stop_tokens,
                min_tokens=node.min_tokens,
                ignore_eos=node.ignore_eos,
                logprobs=node.logprobs,
                sampling=_sampling(node),
                constraint=node.constraint,
            )
        case Select():
            return plan.Select(name=node.name, choices=node.choices)
        case Text() | Turn() | CloseTurn():
            return _fixed(node)
        case _:
            assert_never(node)


def _sampling(gen: Gen) -> plan.Sampling:
    return plan.Sampling(
        temperature=gen.temperature,
        top_p=gen.top_p,
        top_k=gen.top_k,
        min_p=gen.min_p,
        repetition_penalty=gen.repetition_penalty,
        frequency_penalty=gen.frequency_penalty,
        presence_penalty=gen.presence_penalty,
        logit_bias=tuple(plan.Bias(token=token, bias=bias) for token, bias in gen.logit_bias),
        forbidden=gen.forbidden,
    )


def _fixed_pieces(nodes: Iterable[Fixed]) -> tuple[plan.FixedPiece, ...]:
    return tuple(_fixed(n) for n in merge_texts(nodes) if not isinstance(n, Gen | Select))


def _fixed(node: Fixed) -> plan.FixedPiece:
    match node:
        case Text():
            return plan.Text(text=node.text)
        case Turn():
            return plan.Turn(role=node.role, prefix=node.prefix)
        case CloseTurn():
            return plan.CloseTurn()
        case _:
            assert_never(node)


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
