"""Small regions for tests of the script runtime, as the compiler would make them."""

from typing import Any, Literal

from hogdsl.plan import Gen, Input, Piece, Region, Stream, StreamBlock, Watch

Role = Literal["main", "worker", "think", "say", "listen"]


def gen(name: str | None = None, **settings: Any) -> Gen:
    return Gen.model_validate({"name": name, **settings})


def stream(name: str, *pieces: Piece, role: Role = "worker", **settings: object) -> Stream:
    """A stream that sees itself alone."""
    fields = {"name": name, "role": role, "view": (name,), "pieces": pieces, **settings}
    return Stream.model_validate(fields)


def listener(name: str = "mic", **settings: object) -> Stream:
    return stream(name, role="listen", input=Input.model_validate(settings))


def region(*streams: Stream, name: str = "region", **rules: object) -> Region:
    """These streams at the same time."""
    blocks = tuple(StreamBlock(name=s.view[-1]) for s in streams)
    fields = {"name": name, "blocks": blocks, "streams": streams, **rules}
    return Region.model_validate(fields)


def watch(name: str, **settings: object) -> Watch:
    return Watch.model_validate({"name": name, **settings})
