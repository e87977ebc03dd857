"""Waits.

`waits_for` holds a stream until a question put to another is answered so. It lets go only if the
question is put, which needs a moment (`every` or `at`) and an asked stream that writes, and if the
answer can be given at all. Draw an arrow from every held stream to the one that it asks: a circle
of arrows is a set of streams in which each waits for another to write, so none ever does. A stream
that asks itself is the smallest circle.
"""

from collections.abc import Mapping

from hogdsl.compiler.ir import AskIR, RegionIR, WaitIR, quoted
from hogdsl.compiler.nodes import check_count
from hogdsl.compiler.termination import generates


def check_waits(region: RegionIR) -> None:
    """Check every ask and every wait of a region.

    Raises:
        ProgramError: an ask is never put or has too few answers; a wait is for an answer that
            is none, or for an ask of another region; streams wait for each other in a circle.
    """
    for ask in region.asks:
        _check_ask(region, ask)
    for wait in region.waits:
        _check_wait(region, wait)
    arrows: dict[str, list[str]] = {}
    for wait in region.waits:
        arrows.setdefault(wait.stream, []).append(wait.ask.stream)
    circle = find_circle(arrows)
    if circle is not None:
        place = next(w.place for w in region.waits if w.stream == circle[0])
        raise place.error(
            f"streams wait for each other in a circle: {' -> '.join(circle)}. "
            "Let one of them go on without waiting."
        )


def find_circle(arrows: Mapping[str, list[str]]) -> tuple[str, ...] | None:
    """A circle in a graph, its first node named again at the end; None if there is none."""
    done: set[str] = set()

    def walk(node: str, path: tuple[str, ...]) -> tuple[str, ...] | None:
        if node in path:
            return (*path[path.index(node) :], node)
        if node in done:
            return None
        for target in arrows.get(node, ()):
            circle = walk(target, (*path, node))
            if circle is not None:
                return circle
        done.add(node)
        return None

    return next((circle for node in arrows if (circle := walk(node, ()))), None)


def _check_ask(region: RegionIR, ask: AskIR) -> None:
    check_count("every", ask.every, ask.place)
    if ask.every is None and not ask.at:
        raise ask.place.error(
            f"the question to {ask.stream!r} is never put: it has neither every= nor at=. "
            "Say after how many tokens, or at which text, it is put."
        )
    if len(set(ask.answers)) < 2 or len(set(ask.answers)) < len(ask.answers):
        raise ask.place.error(
            f"a question has two or more different answers, and here are {ask.answers!r}. "
            "Give it answers to choose from."
        )
    if "" in ask.answers:
        raise ask.place.error("an answer is not empty text. Leave it out.")
    stream = region.stream(ask.stream)
    if stream is not None and not generates(stream):
        raise ask.place.error(
            f"the question to {ask.stream!r} is never put: the model writes nothing in that "
            "stream. Give it a hog.gen()."
        )


def _check_wait(region: RegionIR, wait: WaitIR) -> None:
    if wait.ask.region != region.name:
        raise wait.place.error(
            f"{wait.stream!r} waits for a question of another region, which is over. "
            "Ask a stream of this region."
        )
    if wait.answer not in wait.ask.answers:
        raise wait.place.error(
            f"{wait.stream!r} waits for the answer {wait.answer!r}, which is never given: the "
            f"answers are {quoted(wait.ask.answers)}. Wait for one of them."
        )
    if wait.each == "":
        raise wait.place.error("each= is the text at which a stream is held, and it is not empty.")
