"""A region of the intermediate form as text: one stream or rule a line, for tests of the passes.

What has its default is left out. The text is for people; its form is no interface.
"""

from collections.abc import Iterator
from typing import assert_never, cast

from hogdsl.compiler.ir import (
    ConditionIR,
    Item,
    NestedIR,
    RegionIR,
    SeesHistory,
    SeesScope,
    SeesStream,
    StreamIR,
)
from hogdsl.compiler.nodes import CloseTurn, Detached, Gen, Node, Select, Text, Turn


def show(region: RegionIR) -> str:
    """Describe a region."""
    lines = [_joined(f"region {region.name}", _settings(region, "scope", "keep", "max_tokens"))]
    lines[0] = _joined(lines[0], _settings(region, "max_seconds"))
    lines += [line for stream in region.streams for line in _stream(stream, "  ")]
    for ask in region.asks:
        lines.append(_joined(f"  ask {ask.name}", _settings(ask, "stream", "answers", "every")))
    for wait in region.waits:
        lines.append(f"  wait {wait.stream} for {wait.ask.name}: {wait.answer}")
    for until in region.until:
        lines.append(_joined(f"  until {_condition(until.condition)}", _settings(until, "ends")))
    for hold in region.holds:
        lines.append(_joined(f"  hold {hold.stream} until {_condition(hold.until)}", _at(hold.at)))
    for insert in region.inserts:
        told = f"  insert {insert.name} into {insert.into} every {insert.every}: {insert.text!r}"
        lines.append(_joined(_joined(told, _at(insert.at)), _settings(insert, "streams")))
    for watch in region.watches:
        lines.append(_joined(f"  watch {watch.name}", _settings(watch, "stream", "regex", "every")))
    return "\n".join(lines) + "\n"


def _stream(stream: StreamIR, indent: str) -> Iterator[str]:
    told = f"{indent}{stream.role} {stream.name}"
    told = _joined(told, _settings(stream, "after", "parent", "continues", "max_tokens"))
    told = _joined(told, _settings(stream, "max_seconds", "reports_delivery"))
    if stream.commit is not None:
        told += f" commits {stream.commit.step!r} to {stream.commit.history}"
        told += f" headed {stream.commit.header!r}"
    yield told
    items = [_item(item) for item in (*stream.prompt, *(stream.sees or ()))]
    if items or stream.sees is not None or not stream.sees_scope:
        first = ["..."] if stream.sees_scope else []
        yield f"{indent}  sees {', '.join((*first, *items, stream.block))}"
    for node in stream.writes:
        if isinstance(node, NestedIR):
            yield _joined(f"{indent}  fork {node.name}", _settings(node, "keep", "max_seconds"))
            for inner in node.streams:
                yield from _stream(inner, f"{indent}    ")
        else:
            yield f"{indent}  {_item(node)}"


def _item(item: Item | Node) -> str:
    match item:
        case SeesStream():
            return item.stream
        case SeesHistory():
            return item.history
        case SeesScope():
            return "the scope"
        case Text():
            return repr(item.text)
        case Turn():
            return f"{item.role} turn{f' {item.prefix!r}' if item.prefix else ''}"
        case CloseTurn():
            return "end of turn"
        case Detached():
            return f"detached {item.text!r}"
        case Gen():
            named = "gen" if item.name is None else f"gen {item.name}"
            return _joined(named, _settings(item, "max_tokens", "stop"))
        case Select():
            return f"select {item.name} of {', '.join(item.choices)}"
        case _:
            assert_never(item)


def _condition(condition: ConditionIR) -> str:
    told = "ended" if condition.regex is None else f"/{condition.regex}/"
    whom = "everybody" if condition.streams is None else ",".join(condition.streams)
    how_many = "all" if condition.n is None else condition.n
    return _joined(f"{how_many} of {whom} {told}", _settings(condition, "agree"))


def _at(at: str | None) -> str:
    return "" if at is None else f"at {at!r}"


def _settings(of: object, *names: str) -> str:
    """The settings that are given: neither None, False nor empty."""
    given = [(name, getattr(of, name)) for name in names]
    return " ".join(_setting(name, value) for name, value in given if value)


def _setting(name: str, value: object) -> str:
    if value is True:
        return name
    if isinstance(value, tuple):
        value = ",".join(map(str, cast(tuple[object, ...], value)))
    return f"{name}={value}"


def _joined(told: str, more: str) -> str:
    return f"{told} {more}" if more else told
