"""Plain data for the passes: regions and streams in one line."""

from hogdsl.compiler.ir import (
    AskIR,
    CommitRule,
    Item,
    RegionIR,
    SeesHistory,
    SeesStream,
    StreamIR,
    StreamRole,
    UntilIR,
    WaitIR,
)
from hogdsl.compiler.nodes import CloseTurn, Gen, Node, Place, Role, Select, Text, Turn


def at(line: int) -> Place:
    """A line of a program that nobody wrote."""
    return Place("program.py", line)


def text(words: str) -> Text:
    return Text(text=words, place=at(1))


def turn(role: Role, prefix: str = "") -> Turn:
    return Turn(role=role, prefix=prefix, place=at(1))


def close() -> CloseTurn:
    return CloseTurn(place=at(1))


def gen(
    name: str | None = None, *, max_tokens: int | None = None, stop: str = "", line: int = 1
) -> Gen:
    stops = (stop,) if stop else ()
    return Gen(name=name, max_tokens=max_tokens, stop=stops, place=at(line))


def select(name: str, *choices: str) -> Select:
    return Select(name=name, choices=choices, place=at(1))


def sees(stream: str, *, region: str = "r", line: int = 1) -> SeesStream:
    return SeesStream(region=region, stream=stream, place=at(line))


def history() -> SeesHistory:
    return SeesHistory(place=at(1))


def stream(
    name: str,
    *writes: Node,
    role: StreamRole = "think",
    views: tuple[Item, ...] | None = None,
    max_tokens: int | None = None,
    max_seconds: float | None = None,
    commit: CommitRule | None = None,
    line: int = 1,
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


def until(n: int | None = 1, line: int = 1) -> UntilIR:
    return UntilIR(regex="done", n=n, place=at(line))


def region(
    *streams: StreamIR,
    scope: tuple[str, ...] = (),
    waits: tuple[WaitIR, ...] = (),
    asks: tuple[AskIR, ...] = (),
    untils: tuple[UntilIR, ...] = (),
    keep: tuple[str, ...] | None = None,
    max_seconds: float | None = None,
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
    )
