"""Rules: conditions, inserts, watches and barge-in.

A rule speaks of streams by name and of what they will write. It is a mistake if it speaks of
nobody, or of something that can never come about: a condition that needs more streams than it
counts, text put in after so many tokens of a stream in which the model writes none.
"""

from collections.abc import Iterable

from hogdsl.compiler.ir import ConditionIR, InputIR, InsertIR, Parts, RegionIR, StreamIR, quoted
from hogdsl.compiler.nodes import Place, check_count
from hogdsl.compiler.termination import generates


def check_rules(region: RegionIR) -> None:
    """Check the conditions, inserts, watches and inputs of a flat region.

    Raises:
        ProgramError: one of them names a stream that there is not, or can never come about.
    """
    parts = region.parts()
    for until in region.until:
        _check_condition(until.condition, "until", parts)
    for hold in region.holds:
        _check_named((hold.stream,), "pauses()", parts, hold.place)
        _check_condition(hold.until, "until=", parts)
        if hold.at == "":
            raise hold.place.error(
                "at= is the text at which a stream is held, and it is not empty. Leave it out to "
                "hold the stream from its beginning.",
                code="empty-at",
            )
    for insert in region.inserts:
        _check_insert(insert, parts)
    for watch in region.watches:
        check_count("every", watch.every, watch.place)
        if watch.stream is not None:
            _check_named((watch.stream,), "on()", parts, watch.place)
    for stream in region.streams:
        if stream.input is not None:
            _check_input(stream, stream.input, region)


def _check_condition(condition: ConditionIR, what: str, parts: Parts) -> None:
    names = condition.streams or ()
    _check_named(names, what, parts, condition.place)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise condition.place.error(
            f"{what} names {twice!r} twice, and each stream counts once. Name it once.",
            code="condition-twice",
        )
    n = len(names) if condition.n is None else condition.n
    if not names or n > len(names):
        counted = f"{n} stream{'s' * (n != 1)}" if names else "a stream"
        done = "match" if condition.regex is not None else "have ended"
        raise condition.place.error(
            f"{what} needs {counted} to {done}, and there {'is' if len(names) == 1 else 'are'} "
            f"{len(names)}: it can never hold. Ask for fewer.",
            code="never-holds",
        )


def _check_insert(insert: InsertIR, parts: Parts) -> None:
    check_count("every", insert.every, insert.place)
    names = insert.streams or ()
    _check_named(names, "into=", parts, insert.place)
    if not insert.text:
        raise insert.place.error("insert= is text, and not empty. Give it one.", code="insert")
    if insert.at == "":
        raise insert.place.error(
            "at= is the text behind which is inserted, and it is not empty. Leave it out to insert "
            "at once.",
            code="empty-at",
        )
    if not any(generates(part) for name in names for part in parts[name]):
        raise insert.place.error(
            f"nothing is ever inserted into {quoted(names)}: tokens are counted that the model "
            "writes, and it writes none there. Give the stream a hog.gen().",
            code="insert-never",
        )


def _check_input(stream: StreamIR, given: InputIR, region: RegionIR) -> None:
    names = given.interrupts or ()
    _check_named(names, "interrupts=", region.parts(), stream.place)
    if given.barge_in == "ignore":
        if names:
            raise stream.place.error(
                f"{stream.name!r} interrupts {quoted(names)}, and barge_in='ignore' interrupts "
                "nobody. Give barge_in= 'pause', 'restart' or 'stop', or leave interrupts= out.",
                code="interrupts-nobody",
            )
        return
    listening = {s.name for s in region.streams if s.role == "listen"}
    for name in names:
        if name in listening:
            raise stream.place.error(
                f"{stream.name!r} interrupts {name!r}, which comes from outside too. Interrupt a "
                "stream that the model writes.",
                code="interrupts",
            )
    if given.interrupts == () or (not names and all(s.role != "say" for s in region.streams)):
        raise stream.place.error(
            f"{stream.name!r} has barge_in={given.barge_in!r}, and nobody speaks whom it could "
            "interrupt. Declare a stream with say(), or name others with interrupts=.",
            code="interrupts-nobody",
        )


def _check_named(names: Iterable[str], what: str, parts: Parts, place: Place) -> None:
    for name in names:
        if name not in parts:
            raise place.error(
                f"{what} names the stream {name!r}, which is not in this region. There is "
                f"{quoted(tuple(parts))}.",
                code="names-nobody",
            )
