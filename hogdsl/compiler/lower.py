"""Lowering: from a checked region to the region of a plan.

A view becomes a list of blocks: the scope's, the stream's prompt, the items that it sees, its own.
Neighbouring texts among the items become one text block, encoded after all blocks before it. Two
streams whose views begin with the same blocks and then the same text share that text block: equal
(after, pieces) means equal tokens with equal keys, so it is encoded once.
"""

from typing import assert_never

from hogdsl import plan
from hogdsl.compiler.ir import Item, RegionIR, SeesHistory, SeesStream, StreamIR
from hogdsl.compiler.nodes import (
    CloseTurn,
    Fixed,
    Gen,
    Node,
    Select,
    Text,
    Turn,
    merge_texts,
)
from hogdsl.compiler.views import view_items


def lower(region: RegionIR) -> plan.Region:
    """The plan of a region that has passed all checks."""
    texts = _Texts()
    streams = tuple(_lower_stream(region, stream, texts) for stream in region.streams)
    return plan.Region(
        name=region.name,
        blocks=(*_open_blocks(region), *texts.blocks),
        streams=streams,
        asks=tuple(
            plan.Ask(
                name=a.name,
                stream=a.stream,
                question=a.question,
                answers=a.answers,
                every=a.every,
                at=a.at,
            )
            for a in region.asks
        ),
        waits=tuple(
            plan.Wait(stream=w.stream, ask=w.ask.name, answer=w.answer, each=w.each)
            for w in region.waits
        ),
        until=tuple(
            plan.Until(
                streams=tuple(s.name for s in region.streams),
                regex=u.regex,
                n=len(region.streams) if u.n is None else u.n,
            )
            for u in region.until
        ),
        keep=kept_blocks(region),
        max_seconds=region.max_seconds,
        where=str(region.place),
    )


def kept_blocks(region: RegionIR) -> tuple[str, ...]:
    """Blocks that outlive the region: its history, then the kept streams' own, in their order."""
    keep = {s.name for s in region.streams} if region.keep is None else set(region.keep)
    own = tuple(s.block for s in region.streams if s.name in keep and not s.continues)
    return (region.history, *own) if region.history and keep else own


def lower_node(node: Node) -> plan.Piece:
    """The piece of a plan that a node stands for."""
    match node:
        case Gen():
            return plan.Gen(
                name=node.name,
                max_tokens=node.max_tokens,
                stop=node.stop,
                sampling=plan.Sampling(
                    temperature=node.temperature, top_p=node.top_p, top_k=node.top_k
                ),
            )
        case Select():
            return plan.Select(name=node.name, choices=node.choices)
        case Text() | Turn() | CloseTurn():
            return _lower_fixed(node)
        case _:
            assert_never(node)


class _Texts:
    """The text blocks of a region while it is lowered; equal ones exist once."""

    def __init__(self) -> None:
        self.blocks: list[plan.TextBlock] = []

    def add(self, stream: str, pieces: tuple[plan.FixedPiece, ...], after: tuple[str, ...]) -> str:
        for block in self.blocks:
            if block.pieces == pieces and block.after == after:
                return block.name
        n_own = sum(block.name.startswith(f"{stream}/") for block in self.blocks)
        block = plan.TextBlock(name=f"{stream}/{n_own}", pieces=pieces, after=after)
        self.blocks.append(block)
        return block.name


def _lower_stream(region: RegionIR, stream: StreamIR, texts: _Texts) -> plan.Stream:
    view = list(region.scope)
    for run in (stream.prompt, *_runs(view_items(region, stream))):
        match run:
            case SeesStream():
                seen = region.stream(run.stream)
                assert seen is not None, "check_views has passed"
                view.append(seen.block)
            case SeesHistory():
                assert region.history is not None, "layouts with a history commit to it"
                view.append(region.history)
            case _:
                if pieces := _lower_fixed_nodes(run):
                    view.append(texts.add(stream.block, pieces, tuple(view)))
    return plan.Stream(
        name=stream.name,
        role=stream.role,
        view=(*view, stream.block),
        pieces=tuple(lower_node(node) for node in merge_texts(stream.writes)),
        max_tokens=stream.max_tokens,
        max_seconds=stream.max_seconds,
        commit=_lower_commit(region, stream),
        where=str(stream.place),
    )


def _lower_commit(region: RegionIR, stream: StreamIR) -> plan.Commit | None:
    if stream.commit is None or region.history is None:
        return None
    return plan.Commit(into=region.history, step=stream.commit.step, header=stream.commit.header)


def _open_blocks(region: RegionIR) -> tuple[plan.Block, ...]:
    own = tuple(plan.StreamBlock(name=s.block) for s in region.streams if not s.continues)
    return (plan.HistoryBlock(name=region.history), *own) if region.history else own


def _runs(items: tuple[Item, ...]) -> list[SeesStream | SeesHistory | tuple[Fixed, ...]]:
    runs: list[SeesStream | SeesHistory | tuple[Fixed, ...]] = []
    for item in items:
        if isinstance(item, SeesStream | SeesHistory):
            runs.append(item)
        elif runs and isinstance(last := runs[-1], tuple):
            runs[-1] = (*last, item)
        else:
            runs.append((item,))
    return runs


def _lower_fixed_nodes(nodes: tuple[Fixed, ...]) -> tuple[plan.FixedPiece, ...]:
    return tuple(
        _lower_fixed(node) for node in merge_texts(nodes) if not isinstance(node, Gen | Select)
    )


def _lower_fixed(node: Fixed) -> plan.FixedPiece:
    match node:
        case Text():
            return plan.Text(text=node.text)
        case Turn():
            return plan.Turn(role=node.role, prefix=node.prefix)
        case CloseTurn():
            return plan.CloseTurn()
        case _:
            assert_never(node)
