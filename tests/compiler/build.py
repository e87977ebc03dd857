"""Plain data for the passes: regions, streams and rules in one line each."""

from typing import Any

from hogdsl.compiler.ir import (
    AskIR,
    CommitRule,
    ConditionIR,
    HoldIR,
    InputIR,
    InsertIR,
    Item,
    NestedIR,
    RegionIR,
    SeesHistory,
    SeesScope,
    SeesStream,
    StreamIR,
    StreamRole,
    UntilIR,
    WaitIR,
    WatchIR,
)
from hogdsl.compiler.nodes import (
    CloseTurn,
    Detached,
    Gen,
    Node,
    Place,
    Role,
    Select,
    Shown,
    Text,
    Turn,
)
from hogdsl.plan import BargeIn


def at(line: int) -> Place:
    """A line of a program that nobody wrote."""
    return Place("program.py", line)


def text(words: str) -> Text:
    return Text(text=words, place=at(1))


def turn(role: Role, prefix: str = "") -> Turn:
    return Turn(role=role, prefix=prefix, place=at(1))


def close() -> CloseTurn:
    return CloseTurn(place=at(1))


def detached(words: str, *after: Shown, line: int = 1) -> Detached:
    return Detached(text=words, after=after, place=at(line))


def gen(
    name: str | None = None,
    *,
    max_tokens: int | None = None,
    stop: str = "",
    line: int = 1,
    **settings: Any,
) -> Gen:
    stops = (stop,) if stop else ()
    return Gen(name=name, max_tokens=max_tokens, stop=stops, place=at(line), **settings)


def select(name: str, *choices: str) -> Select:
    return Select(name=name, choices=choices, place=at(1))


def sees(stream: str, *, region: str = "r", line: int = 1) -> SeesStream:
    return SeesStream(region=region, stream=stream, place=at(line))


def history(name: str = "r/history", *, line: int = 1) -> SeesHistory:
    return SeesHistory(history=name, place=at(line))


def scope(*, line: int = 1) -> SeesScope:
    return SeesScope(place=at(line))


def commit(of: str = "r/history", step: str = "\n") -> CommitRule:
    return CommitRule(history=of, step=step, header="{name}: ")


def stream(
    name: str,
    *writes: Node | NestedIR,
    role: StreamRole = "think",
    views: tuple[Item, ...] | None = None,
    max_tokens: int | None = None,
    max_seconds: float | None = None,
    commit: CommitRule | None = None,
    line: int = 1,
    **more: Any,
) -> StreamIR:
    return StreamIR(
        name=name,
        role=role,
        block=f"r.{name}",
        sees=views,
        writes=writes or (gen(max_tokens=4),),
        max_tokens=max_tokens,
        max_seconds=max_seconds,
        commit=commit,
        place=at(line),
        **more,
    )


def worker(name: str, *writes: Node | NestedIR, others: tuple[str, ...] = (), **more: Any):
    """A worker that sees others of the region `r`, or its nested fork `of`."""
    of = more.pop("of", "r")
    views = more.pop("views", tuple(sees(other, region=of) for other in others))
    return stream(name, *writes, role="worker", views=views, **more)


def listen(
    name: str,
    *,
    barge_in: BargeIn = "ignore",
    interrupts: tuple[str, ...] | None = None,
    line: int = 1,
) -> StreamIR:
    return StreamIR(
        name=name,
        role="listen",
        block=f"r.{name}",
        input=InputIR(barge_in=barge_in, interrupts=interrupts),
        place=at(line),
    )


def nested(
    of: str,
    *streams: StreamIR,
    until: tuple[UntilIR, ...] = (),
    inserts: tuple[InsertIR, ...] = (),
    keep: tuple[str, ...] | None = None,
    max_seconds: float | None = None,
    line: int = 1,
) -> NestedIR:
    return NestedIR(
        name=of,
        streams=streams,
        until=until,
        inserts=inserts,
        keep=keep,
        max_seconds=max_seconds,
        place=at(line),
    )


def ask(
    stream: str,
    *,
    every: int | None = 4,
    at_text: str | None = None,
    answers: tuple[str, ...] = ("yes", "no"),
    region: str = "r",
    line: int = 1,
) -> AskIR:
    return AskIR(
        name=f"{stream}?0",
        region=region,
        stream=stream,
        question="ready?",
        answers=answers,
        every=every,
        at=at_text,
        place=at(line),
    )


def wait(
    stream: str, ask: AskIR, answer: str = "yes", each: str | None = None, line: int = 1
) -> WaitIR:
    return WaitIR(stream=stream, ask=ask, answer=answer, each=each, place=at(line))


def matches(
    *streams: str, regex: str = "done", n: int | None = 1, agree: bool = False, line: int = 1
) -> ConditionIR:
    return ConditionIR(regex=regex, streams=streams or None, n=n, agree=agree, place=at(line))


def ended(*streams: str, n: int | None = None, line: int = 1) -> ConditionIR:
    return ConditionIR(regex=None, streams=streams or None, n=n, place=at(line))


def until(n: int | None = 1, line: int = 1) -> UntilIR:
    return until_(matches(n=n, line=line))


def until_(condition: ConditionIR) -> UntilIR:
    return UntilIR(condition=condition, place=condition.place)


def hold(stream: str, condition: ConditionIR, at_text: str | None = None, line: int = 1) -> HoldIR:
    return HoldIR(stream=stream, until=condition, at=at_text, place=at(line))


def insert(
    into: str = "each",
    *,
    text: str = "check: ",
    every: int = 8,
    at_text: str | None = None,
    name: str = "insert0",
    line: int = 1,
) -> InsertIR:
    return InsertIR(name=name, text=text, every=every, into=into, at=at_text, place=at(line))


def watch(
    stream: str | None = None, regex: str | None = None, every: int | None = None, line: int = 1
) -> WatchIR:
    hold = "region" if stream is None else "stream"
    return WatchIR(
        name="watch0", stream=stream, regex=regex, every=every, hold=hold, place=at(line)
    )


def region(
    *streams: StreamIR,
    scope: tuple[str, ...] = (),
    waits: tuple[WaitIR, ...] = (),
    asks: tuple[AskIR, ...] = (),
    untils: tuple[UntilIR, ...] = (),
    keep: tuple[str, ...] | None = None,
    max_seconds: float | None = None,
    **more: Any,
) -> RegionIR:
    return RegionIR(
        name="r",
        scope=scope,
        streams=streams,
        asks=asks or tuple(w.ask for w in waits),
        waits=waits,
        until=untils,
        keep=keep,
        max_seconds=max_seconds,
        place=at(99),
        **more,
    )
