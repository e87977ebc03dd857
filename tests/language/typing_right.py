# pyright: strict
"""What editors know of a program: checked by pyright, never run."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, assert_type

from pydantic import BaseModel

import hogdsl as hog
from hogdsl.events import EndReason, GenReason
from hogdsl.language.layouts import Shared, ViewItem


class Summary(BaseModel):
    topic: str


@hog.tool
def add(a: int, b: int = 0) -> int:
    return a + b


@hog.tool(pattern=r"(?P<n>\d+)/2\?", result="={}")
def halve(n: int) -> float:
    return n / 2


def debate(me: hog.Worker, others: tuple[hog.Worker, ...], shared: Shared) -> Sequence[ViewItem]:
    return [shared, *others, hog.turn("assistant"), f"{me.name}: "]


@hog.program
def scope(s: hog.Scope, question: str, n: int = 1) -> Summary:
    s += question + hog.gen("x", stop=["a", hog.regex("b"), hog.token("<end>")], forbid=[7, "<x>"])
    assert_type(s["x"], str)
    assert_type(s.scores("x"), Mapping[str, float])
    assert_type(s.gen(max_tokens=4), str)
    assert_type(s.gen(list[int], max_tokens=4), list[int])
    assert_type(s.gen(Summary | None), Any)
    assert_type(s.select(["yes", "no"]), str)
    return s.gen(Summary, temperature=0.5)


@hog.program
def regions(s: hog.Scope, mic: hog.Channel) -> str:
    with s.fork("a", 2, layout=debate, max_total_tokens=9) as team:
        assert_type(team, hog.Team)
        for worker in team:
            assert_type(worker, hog.Worker)
        later = team["a"].gen(Summary, name="sum", stop="\n")
        assert_type(later, hog.Later[Summary])
        assert_type(team["a"].gen(), hog.Later[str])
        assert_type(team["a"].select(["yes", "no"]), hog.Later[str])
        with team["a"].fork("b", layout=hog.layouts.interleaved()) as inner:
            assert_type(inner["b"], hog.Worker)
        team.every(4, insert="?", into=team["a"])
        team.until(hog.quorum(2, hog.regex("x")))

        @team.on_step
        def each(live: hog.Live) -> None:
            live.stop("a")

        @team.on_step(every=8)
        def some(live: hog.Live) -> None:
            each(live)

        @team["a"].on("CALL", hold=False)
        def called(live: hog.Live, match: hog.Match) -> str | None:
            return match.text

        assert_type(some(NotImplemented), None)
        assert_type(called(NotImplemented, NotImplemented), str | None)
        team["a"].uses(add, halve)
    assert_type(later.value.topic, str)
    assert_type(later.reason, GenReason)
    with s.concurrent(until=hog.closed("mic")) as now:
        with now.listen("mic", mic, barge_in="pause") as heard:
            heard += "text"
        with now.say("reply", speaker=hog.Speaker()) as say:
            say += hog.gen()
        say.sees(heard, "text", hog.turn("assistant"))
        say.pauses(until=heard.matches("x"))
    assert_type(say.ended, EndReason)
    return now["reply"]


assert_type(add(1), int)
assert_type(halve(3), float)
assert_type(scope("q", n=2), Summary)
assert_type(scope.run("q").value, Summary)
assert_type(regions.stream(hog.Channel()), hog.RunStream[str])
role: Literal["user"] = "user"
assert_type(hog.turn(role), hog.Piece)
