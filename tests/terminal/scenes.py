"""Runs as lists of events, made by hand, for tests of what shows them."""

from hogdsl.events import (
    Committed,
    Event,
    Inserted,
    Joined,
    RegionStarted,
    Stats,
    StreamEnded,
    Token,
    Usage,
)

STATS = Stats(
    model="piglet",
    device="cpu",
    runs=1,
    steps=7,
    tokens_per_second=431.4,
    pages_used=12,
    pages_cached=7,
    pages_total=256,
    tokens_cached=96,
)

USAGE = Usage(
    steps=7, tokens_generated=9, tokens_encoded=40, tokens_cached=12, probes=1, seconds=0.5
)


def numbered(*events: Event) -> list[Event]:
    """The events with `seq` as a runtime gives it."""
    return [event.model_copy(update={"seq": seq}) for seq, event in enumerate(events)]


def started(*streams: str, region: str = "team") -> RegionStarted:
    return RegionStarted(seq=0, step=0, region=region, streams=streams)


def inserted(stream: str, text: str, step: int = 1) -> Inserted:
    return Inserted(seq=0, step=step, stream=stream, text=text)


def token(stream: str, text: str, step: int = 1) -> Token:
    return Token(seq=0, step=step, stream=stream, token=1, text=text)


def ended(stream: str, text: str, step: int = 1) -> StreamEnded:
    return StreamEnded(seq=0, step=step, stream=stream, reason="finished", text=text)


def joined(region: str = "team", step: int = 1) -> Joined:
    return Joined(seq=0, step=step, region=region, usage=USAGE)


def two_workers() -> list[Event]:
    """Two workers write a line each, at the same time; the first one's step is shared."""
    return numbered(
        started("Alice", "Bob"),
        inserted("Alice", "Alice: "),
        inserted("Bob", "Bob: "),
        token("Alice", "a=", step=1),
        token("Bob", "b=", step=1),
        token("Alice", "42\n", step=2),
        Committed(seq=0, step=2, stream="Alice", index=1, text="Alice: a=42\n"),
        token("Bob", "79", step=2),
        ended("Alice", "Alice: a=42\n", step=3),
        ended("Bob", "Bob: b=79", step=3),
        joined(step=3),
    )
