"""Termination.

A region ends when all its streams have ended or an `until` holds. Whether a model ever writes a
text cannot be known before it runs, so an `until` alone promises nothing. What is known is which
streams are **bounded**: a stream with a budget of tokens or seconds, its own or its region's, or
one whose every `gen` has a `max_tokens` or a `stop`. A stop is a promise only by good will, and so
is the end token of an unbounded `gen`, but a region in which *nobody* promises anything is a
mistake. Hence the rule: one stream that generates must be bounded. Sequential code is bounded by
the model's context. A stream that writes nothing, a region without streams,
and an `until` that needs more streams than there are, are mistakes too.
"""

from hogdsl.compiler.ir import RegionIR, StreamIR, quoted
from hogdsl.compiler.nodes import Gen, Select, merge_texts


def check_termination(region: RegionIR) -> None:
    """Check that something is written and that the region can end.

    Raises:
        ProgramError: the region or a stream is empty, or nobody in it is bounded.
    """
    if not region.streams:
        raise region.place.error(
            "the region is empty: nothing runs in it. Declare a stream in it, or leave it out."
        )
    for stream in region.streams:
        if not merge_texts(stream.writes):
            raise stream.place.error(
                f"the stream {stream.name!r} writes nothing. Write to it with "
                f"`+=`, for example hog.gen(), or leave it out."
            )
    for until in region.until:
        if until.n is not None and until.n > len(region.streams):
            raise until.place.error(
                f"until needs {until.n} streams to match, and the region has "
                f"{len(region.streams)}: it can never hold. Ask for fewer."
            )
    writing = tuple(s for s in region.streams if generates(s) and s.role != "main")
    if not writing or region.max_seconds is not None or any(is_bounded(s) for s in writing):
        return
    raise region.place.error(
        f"the region cannot end: {quoted(tuple(s.name for s in writing))} "
        f"{'has' if len(writing) == 1 else 'have'} no budget and no stop. Give the region "
        "max_seconds=, or a stream or its gen max_tokens= or stop=."
    )


def generates(stream: StreamIR) -> bool:
    """Whether the model chooses anything of what the stream writes."""
    return any(isinstance(node, Gen | Select) for node in stream.writes)


def is_bounded(stream: StreamIR) -> bool:
    """Whether the stream promises to end by itself."""
    if stream.max_tokens is not None or stream.max_seconds is not None:
        return True
    gens = [node for node in stream.writes if isinstance(node, Gen)]
    return all(gen.max_tokens is not None or gen.stop for gen in gens)
