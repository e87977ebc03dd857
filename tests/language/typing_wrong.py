# pyright: standard, reportUnnecessaryTypeIgnoreComment=true
"""Wrong uses that pyright reports: every comment that nothing is reported for is itself an error.

Checked by pyright, never run.
"""

from pydantic import BaseModel

import hogdsl as hog


class Summary(BaseModel):
    topic: str


@hog.tool
def add(a: int, b: int = 0) -> int:
    return a + b


@hog.program
def pieces(s: hog.Scope, question: str) -> str:
    s += 5  # pyright: ignore[reportOperatorIssue]
    s += hog.gen(temperature="hot")  # pyright: ignore[reportArgumentType]
    s += hog.gen(max_token=4)  # pyright: ignore[reportCallIssue]
    s += hog.gen(stop=5)  # pyright: ignore[reportArgumentType]
    s += hog.turn("tool")  # pyright: ignore[reportArgumentType]
    s += hog.select("x", 5)  # pyright: ignore[reportArgumentType]
    s.gen(Summary, temperature="hot")  # pyright: ignore[reportArgumentType, reportCallIssue]
    _ = s.gen(Summary).topics  # pyright: ignore[reportAttributeAccessIssue]
    s.gen(Summary, schema=Summary)  # pyright: ignore[reportCallIssue]
    return s.gen(Summary)  # pyright: ignore[reportReturnType]


@hog.program
def regions(s: hog.Scope) -> None:
    with s.fork("a", layout="combined") as team:  # pyright: ignore[reportArgumentType]
        team["a"] += s  # pyright: ignore[reportOperatorIssue]
        team.until("done")  # pyright: ignore[reportArgumentType]
        team.until(hog.any_worker(hog.closed("mic")))  # pyright: ignore[reportArgumentType]
        team.every("4", insert="x")  # pyright: ignore[reportArgumentType]
        team["a"].uses(len)  # pyright: ignore[reportArgumentType]
        later = team["a"].gen(Summary)
        _ = later.value.topics  # pyright: ignore[reportAttributeAccessIssue]

        @team.on_step  # pyright: ignore[reportArgumentType, reportCallIssue]
        def _(live: hog.Live, match: hog.Match) -> None: ...

    with s.concurrent() as now:
        now.listen("mic", "text")  # pyright: ignore[reportArgumentType]
        now.listen("mic", hog.Channel(), barge_in="shout")  # pyright: ignore[reportArgumentType]
        now.think("a").waits_for("b")  # pyright: ignore[reportArgumentType]
        now.say("b", speaker=print)  # pyright: ignore[reportArgumentType]


pieces()  # pyright: ignore[reportCallIssue]
pieces(5)  # pyright: ignore[reportArgumentType]
add("1")  # pyright: ignore[reportArgumentType]
