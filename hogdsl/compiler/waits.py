"""Waits.

A stream may wait in four ways: for another to end before it begins (`after`), for a condition
before it begins or at a certain text (`pauses`), and for an answer (`waits_for`). An answer comes
only if the question is put, which needs a moment (`every` or `at`) and an asked stream that writes,
and if it is among the answers at all.

Two things can be hoped of every stream: that it comes to **write**, and that it comes to **end**.
Each needs others first:

    to write    every stream that it begins after has ended; its conditions at the beginning hold;
                the streams that it asks write
    to end      it writes; its conditions at certain texts hold, others having made them hold

A condition holds when enough of its streams write, if it is about texts, or have ended, if it is
about ends. A stream in parts writes as soon as its first part does, and ends with its last.

Begin with what needs nothing and go on adding what needs only what is there; all that can come
about is found that way. What is left waits for something else that is left, always, so
following it from one to the next leads back into a **circle**, which is shown.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Literal, TypeVar

from hogdsl.compiler.ir import (
    AskIR,
    ConditionIR,
    Parts,
    RegionIR,
    WaitIR,
    counted,
    quoted,
)
from hogdsl.compiler.nodes import Place, check_count
from hogdsl.compiler.termination import generates

F = TypeVar("F", bound=Hashable)
Need = tuple[tuple[F, ...], int]
"""Facts, and how many of them are needed."""
Fact = tuple[Literal["write", "end"], str]
"""Something that a stream of a flat region comes to."""


def check_waits(region: RegionIR) -> None:
    """Check every ask and every wait of a flat region.

    Raises:
        ProgramError: an ask is never put or has too few answers; a wait is for an answer that
            is none, or for an ask of another region; streams wait for each other in a circle.
    """
    for ask in region.asks:
        _check_ask(region, ask)
    for wait in region.waits:
        _check_wait(region, wait)
    if region.waits or region.holds:
        _check_circles(region)


# ---------------------------------------------------------------- circles


def find_circle(needs: Mapping[F, Sequence[Need[F]]]) -> tuple[F, ...] | None:
    """Facts that need each other, each one the next and the last one the first.

    Args:
        needs: for every fact all that must come about before it can.

    Returns: None if every fact can come about.
    """
    reached: set[F] = set()
    left = dict(needs)
    while found := [f for f, of in left.items() if all(_met(need, reached) for need in of)]:
        reached.update(found)
        for fact in found:
            del left[fact]
    if not left:
        return None
    path: list[F] = [next(iter(left))]
    while True:
        unmet = next(need for need in left[path[-1]] if not _met(need, reached))
        following = next(fact for fact in unmet[0] if fact not in reached)
        if following in path:
            return tuple(path[path.index(following) :])
        path.append(following)


def _met(need: Need[F], reached: set[F]) -> bool:
    facts, n = need
    return sum(fact in reached for fact in facts) >= n


def _check_circles(region: RegionIR) -> None:
    needs, said = _needs(region)
    circle = find_circle(needs)
    if circle is None:
        return
    steps = list(zip(circle, (*circle[1:], circle[0]), strict=True))
    step = next(step for step in said if step in steps)  # begin where the program says it first
    start = steps.index(step)
    names = [name for _, name in (*circle[start:], *circle[: start + 1])]
    shown = [name for i, name in enumerate(names) if i == 0 or name != names[i - 1]]
    if len(shown) == 1:
        shown *= 2
    raise said[step].error(
        f"streams wait for each other in a circle: {' -> '.join(shown)}. "
        "Let one of them go on without waiting.",
        code="circle",
    )


def _needs(
    region: RegionIR,
) -> tuple[dict[Fact, list[Need[Fact]]], dict[tuple[Fact, Fact], Place]]:
    """What must come about before each fact can, and where the program says so."""
    needs: dict[Fact, list[Need[Fact]]] = {}
    said: dict[tuple[Fact, Fact], Place] = {}

    def add(fact: Fact, facts: tuple[Fact, ...], n: int, place: Place) -> None:
        needs[fact].append((facts, n))
        for needed in facts:
            said.setdefault((fact, needed), place)

    parts = region.parts()
    for stream in region.streams:
        needs["write", stream.name] = [((("end", before),), 1) for before in stream.after]
        needs["end", stream.name] = [((("write", stream.name),), 1)]
    for wait in region.waits:
        add(("write", wait.stream), (("write", wait.ask.stream),), 1, wait.place)
    for hold in region.holds:
        n = len(hold.until.streams or ()) if hold.until.n is None else hold.until.n
        facts = _facts(hold.until, parts)
        if hold.at is None:
            add(("write", parts[hold.stream][0].name), facts, n, hold.place)
            continue
        for part in parts[hold.stream]:  # its own text does not change while it is held
            end: Fact = ("end", part.name)
            needed = tuple(end if fact[1] == part.name else fact for fact in facts)
            add(end, needed, n, hold.place)
    return needs, said


def _facts(condition: ConditionIR, parts: Parts) -> tuple[Fact, ...]:
    kind = "end" if condition.regex is None else "write"
    return tuple((kind, looked_at[0].name) for looked_at in counted(condition, parts))


# ---------------------------------------------------------------- questions


def _check_ask(region: RegionIR, ask: AskIR) -> None:
    check_count("every", ask.every, ask.place)
    if ask.every is None and not ask.at:
        raise ask.place.error(
            f"the question to {ask.stream!r} is never put: it has neither every= nor at=. "
            "Say after how many tokens, or at which text, it is put.",
            code="ask-never",
        )
    if len(set(ask.answers)) < 2 or len(set(ask.answers)) < len(ask.answers):
        raise ask.place.error(
            f"a question has two or more different answers, and here are {ask.answers!r}. "
            "Give it answers to choose from.",
            code="answers",
        )
    if "" in ask.answers:
        raise ask.place.error("an answer is not empty text. Leave it out.", code="answers")
    stream = region.stream(ask.stream)
    if stream is not None and not generates(stream):
        raise ask.place.error(
            f"the question to {ask.stream!r} is never put: the model writes nothing in that "
            "stream. Give it a hog.gen().",
            code="ask-never",
        )


def _check_wait(region: RegionIR, wait: WaitIR) -> None:
    if wait.ask.region != region.name:
        raise wait.place.error(
            f"{wait.stream!r} waits for a question of another region, which is over. "
            "Ask a stream of this region.",
            code="wait-elsewhere",
        )
    if wait.answer not in wait.ask.answers:
        raise wait.place.error(
            f"{wait.stream!r} waits for the answer {wait.answer!r}, which is never given: the "
            f"answers are {quoted(wait.ask.answers)}. Wait for one of them.",
            code="wait-answer",
        )
    if wait.each == "":
        raise wait.place.error(
            "each= is the text at which a stream is held, and it is not empty. Leave it out.",
            code="empty-at",
        )
