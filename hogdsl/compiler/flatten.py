"""Flattening: nested forks become streams of their region.

A worker that forks stops at the fork, waits for its own workers, and then goes on. Nothing that it
wrote before the fork changes any more, and what it writes after it sees what the fork left. So it
is several streams, one for each stretch of writing, that begin one after another. A worker `Alice`
that writes, forks `x` and `y`, and writes again becomes

    stream     begins after                  its view begins with
    Alice      nobody                        the scope, as declared
    Alice/x    Alice                         the whole view of Alice, her block last
    Alice/y    Alice                         the whole view of Alice, her block last
    Alice#2    Alice, Alice/x, Alice/y       that too; then come the blocks that x and y leave

and so on for every further fork (`Alice#3` continues `Alice#2`) and every deeper one. A part that
has nothing to write is there all the same: it ends as soon as it begins, so that the end of the
last part is always the end of the worker.

Whoever sees Alice sees all that she shows: her parts, and between them the blocks that she keeps of
her forks, a history before the first stream that commits to it. Rules go on to name whole streams
(`Alice`), and `RegionIR.parts` says which streams these are.
"""

import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from hogdsl.compiler.ir import (
    CommitRule,
    ConditionIR,
    HoldIR,
    InsertIR,
    Item,
    NestedIR,
    RegionIR,
    SeesHistory,
    SeesStream,
    StreamIR,
    UntilIR,
    whole_name,
)
from hogdsl.compiler.nodes import Node

Shown = Mapping[tuple[str, str], tuple[SeesStream | SeesHistory, ...]]
"""What is seen of a stream, by the name of its region or fork and its own."""


def flatten(region: RegionIR) -> RegionIR:
    """The region without nested forks; names that its rules leave open are filled in.

    A flat region comes out equal.
    """
    names = {s.name: s.name for s in region.streams if s.role != "listen"}
    region = replace(
        region,
        until=tuple(_until(until, names) for until in region.until),
        inserts=tuple(_insert(insert, names) for insert in region.inserts),
    )
    if not any(_forks(stream) for stream in region.streams):
        return replace(region, holds=_holds(region.holds, region.streams))
    shown: dict[tuple[str, str], tuple[SeesStream | SeesHistory, ...]] = {}
    for stream in region.streams:
        _show(shown, region.name, region.name, stream, stream.name)
    flat = _Flat(shown)
    for stream in region.streams:
        flat.add(
            replace(stream, sees=flat.items(stream.sees), commit=_named(stream.commit, stream.name))
        )
    kept = [s for s in region.streams if region.keep is None or s.name in region.keep]
    return replace(
        region,
        streams=tuple(flat.streams),
        holds=_holds(region.holds, flat.streams),
        until=(*region.until, *flat.until),
        inserts=(*region.inserts, *flat.inserts),
        keep=tuple(
            item.stream
            for stream in kept
            for item in shown[region.name, stream.name]
            if isinstance(item, SeesStream)
        ),
    )


class _Flat:
    """The streams and rules of a region, added fork by fork."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self.streams: list[StreamIR] = []
        self.until: list[UntilIR] = []
        self.inserts: list[InsertIR] = []

    def add(self, worker: StreamIR) -> None:
        """Add a stream part by part, each with the fork that follows it."""
        part = worker
        for i, (nodes, nested) in enumerate(_stretches(worker), start=2):
            self.streams.append(replace(part, writes=nodes))
            if nested is None:
                return
            inner = self._fork(nested, worker, part)
            part = replace(
                worker,
                name=f"{worker.name}#{i}",
                block=f"{worker.block}#{i}",
                prompt=(),
                sees=tuple(left_by(nested, self._shown)),
                sees_scope=True,
                after=(part.name, *inner),
                parent=part.name,
                continues=True,
            )

    def items(self, items: tuple[Item, ...] | None) -> tuple[Item, ...] | None:
        """The items of a view, every stream as all that is seen of it."""
        return None if items is None else tuple(s for i in items for s in self._seen(i))

    def _seen(self, item: Item) -> Iterator[Item]:
        if not isinstance(item, SeesStream):
            yield item
            return
        for shown in self._shown.get((item.region, item.stream), (item,)):
            yield replace(shown, place=item.place)

    def _fork(self, nested: NestedIR, worker: StreamIR, part: StreamIR) -> tuple[str, ...]:
        """Add the streams of a fork that follows `part`; returns their names."""
        n_before = len(self.streams)
        names = {inner.name: f"{worker.name}/{inner.name}" for inner in nested.streams}
        for inner in nested.streams:
            self.add(
                replace(
                    inner,
                    name=names[inner.name],
                    block=f"{worker.block}/{inner.name}",
                    sees=self.items(inner.sees),
                    commit=_named(inner.commit, inner.name),
                    max_seconds=_smaller(inner.max_seconds, nested.max_seconds),
                    after=(part.name,),
                    parent=part.name,
                )
            )
        added = self.streams[n_before:]
        ends = tuple(dict.fromkeys(map(whole_name, added)))
        self.until += [replace(_until(until, names), ends=ends) for until in nested.until]
        self.inserts += [_insert(insert, names) for insert in nested.inserts]
        return tuple(stream.name for stream in added)


def left_by(nested: NestedIR, shown: Shown) -> Iterator[SeesStream | SeesHistory]:
    """The blocks that a worker sees of its fork when it goes on."""
    histories: set[str] = set()
    for inner in nested.streams:
        if nested.keep is not None and inner.name not in nested.keep:
            continue
        if inner.commit is not None and inner.commit.history not in histories:
            histories.add(inner.commit.history)
            yield SeesHistory(history=inner.commit.history, place=nested.place)
        yield from shown[nested.name, inner.name]


def _show(
    shown: dict[tuple[str, str], tuple[SeesStream | SeesHistory, ...]],
    region: str,
    room: str,
    worker: StreamIR,
    name: str,
) -> None:
    """Find out what is seen of a worker, declared in `room`, that is to be called `name`."""
    items: list[SeesStream | SeesHistory] = [
        SeesStream(region=region, stream=name, place=worker.place)
    ]
    for i, nested in enumerate(_forks(worker), start=2):
        for inner in nested.streams:
            _show(shown, region, nested.name, inner, f"{name}/{inner.name}")
        part = SeesStream(region=region, stream=f"{name}#{i}", place=nested.place)
        items += (*left_by(nested, shown), part)
    shown[room, worker.name] = tuple(items)


def _forks(stream: StreamIR) -> tuple[NestedIR, ...]:
    return tuple(node for node in stream.writes if isinstance(node, NestedIR))


def _named(rule: CommitRule | None, name: str) -> CommitRule | None:
    """A rule whose headers have the name that the program gave, whatever the part is called."""
    if rule is None:
        return None
    header = ""
    for text, field, spec, conversion in string.Formatter().parse(rule.header):
        header += _escaped(text)
        if field is not None:
            whole = f"{{{field}{'!' * bool(conversion)}{conversion or ''}{':' * bool(spec)}{spec}}}"
            header += _escaped(whole.format(name=name)) if field == "name" else whole
    return replace(rule, header=header)


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _stretches(stream: StreamIR) -> list[tuple[tuple[Node, ...], NestedIR | None]]:
    """What a stream writes between its forks, each stretch with the fork that follows it."""
    stretches: list[tuple[tuple[Node, ...], NestedIR | None]] = []
    nodes: list[Node] = []
    for node in stream.writes:
        if isinstance(node, NestedIR):
            stretches.append((tuple(nodes), node))
            nodes = []
        else:
            nodes.append(node)
    return [*stretches, (tuple(nodes), None)]


def _until(until: UntilIR, names: Mapping[str, str]) -> UntilIR:
    return replace(until, condition=_condition(until.condition, names))


def _holds(holds: Iterable[HoldIR], streams: Iterable[StreamIR]) -> tuple[HoldIR, ...]:
    """Holds, which name streams as the fork of the held one has them."""
    rooms: dict[str, dict[str, str]] = {}
    for stream in streams:
        room, _, name = whole_name(stream).rpartition("/")
        if stream.role != "listen":
            rooms.setdefault(room, {})[name] = whole_name(stream)
    named = ((hold, rooms.get(hold.stream.rpartition("/")[0], {})) for hold in holds)
    return tuple(replace(hold, until=_condition(hold.until, names)) for hold, names in named)


def _condition(condition: ConditionIR, names: Mapping[str, str]) -> ConditionIR:
    streams = names.values() if condition.streams is None else _full(condition.streams, names)
    return replace(condition, streams=tuple(streams))


def _insert(insert: InsertIR, names: Mapping[str, str]) -> InsertIR:
    if insert.streams is not None:
        return insert
    if insert.into in ("each", "random"):
        return replace(insert, streams=tuple(names.values()))
    (into,) = _full((insert.into,), names)
    return replace(insert, into="each", streams=(into,))


def _full(given: tuple[str, ...], names: Mapping[str, str]) -> tuple[str, ...]:
    """Names as a fork has them, as the region has them; others stay as they are."""
    return tuple(names.get(name, name) for name in given)


def _smaller(a: float | None, b: float | None) -> float | None:
    return min((x for x in (a, b) if x is not None), default=None)
