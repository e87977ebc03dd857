"""Termination.

A region ends when all its streams have ended or an `until` holds. Whether a model ever writes a
text cannot be known before it runs, so an `until` alone promises nothing. What is known is which
streams are **bounded**: a stream with a budget of tokens or seconds, its own or its region's, or
one whose every `gen` has a `max_tokens`, a stop, or a form that it must fill. A stop is a promise
only by good will, and so is the end token of an unbounded `gen`, but a region in which *nobody*
promises anything is a mistake. Hence the rule: one stream that generates must be bounded.
Sequential code is bounded by the model's context.

Inputs come from outside. A region ends although one is open, unless an `until` is about its being
closed; such an `until` is a promise too, made by whoever closes it. A region in which nobody but
inputs would run ends before anything is heard, which is a mistake, as are a stream that writes
nothing and a region without streams.
"""

from hogdsl.compiler.ir import RegionIR, StreamIR, nodes_of, quoted, whole_name
from hogdsl.compiler.nodes import Gen, Select, merge_texts


def check_termination(region: RegionIR) -> None:
    """Check that something is written in a flat region and that it can end.

    Raises:
        ProgramError: the region or a stream is empty, or nobody in it is bounded.
    """
    if not region.streams:
        raise region.place.error(
            "the region is empty: nothing runs in it. Declare a stream in it, or leave it out.",
            code="empty-region",
        )
    for name, parts in region.parts().items():
        first = parts[0]
        if first.role != "listen" and len(parts) == 1 and not merge_texts(nodes_of(first)):
            raise first.place.error(
                f"the stream {name!r} writes nothing. Write to it with "
                f"`+=`, for example hog.gen(), or leave it out.",
                code="writes-nothing",
            )
    listening = {s.name for s in region.streams if s.role == "listen"}
    if any(awaited(region, name) for name in listening):
        return
    if len(listening) == len(region.streams):
        raise region.place.error(
            f"nothing is heard: only {quoted(tuple(sorted(listening)))} "
            f"{'runs' if len(listening) == 1 else 'run'} here, and a region does not wait for its "
            "inputs. End it with until=hog.closed(...).",
            code="only-listens",
        )
    _check_bounded(region)


def awaited(region: RegionIR, name: str) -> bool:
    """Whether the region goes on until an input is closed."""
    return any(
        until.condition.regex is None and name in (until.condition.streams or ())
        for until in region.until
    )


def generates(stream: StreamIR) -> bool:
    """Whether the model chooses anything of what the stream writes."""
    return any(isinstance(node, Gen | Select) for node in stream.writes)


def is_bounded(stream: StreamIR) -> bool:
    """Whether the stream promises to end by itself."""
    if stream.max_tokens is not None or stream.max_seconds is not None:
        return True
    return all(_ends(node) for node in stream.writes if isinstance(node, Gen))


def _ends(gen: Gen) -> bool:
    stops = gen.stop or gen.stop_regex or gen.stop_tokens or gen.constraint
    return gen.max_tokens is not None or bool(stops)


def _check_bounded(region: RegionIR) -> None:
    writing = tuple(s for s in region.streams if generates(s) and s.role != "main")
    limits = (region.max_seconds, region.max_tokens)
    if not writing or limits != (None, None) or any(is_bounded(s) for s in writing):
        return
    names = tuple(dict.fromkeys(map(whole_name, writing)))
    raise region.place.error(
        f"the region cannot end: {quoted(names)} {'has' if len(names) == 1 else 'have'} no budget "
        "and no stop. Give the region max_seconds=, or a stream or its gen max_tokens= or stop=.",
        code="endless",
    )
