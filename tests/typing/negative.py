"""Wrong uses of the language, each with the rule of pyright that must report it. Never run.

Where pyright must report something, the line ends with `# wrong:` and its rules. It must report
nothing else. That a wrong expression has no type is not counted again.
"""
# pyright: strict, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUntypedFunctionDecorator=false

from collections.abc import Sequence

from pydantic import BaseModel

import hogdsl as hog
from hogdsl.testing import script


class City(BaseModel):
    """What a model writes about a city."""

    name: str


@hog.program
def describe(s: hog.Scope, place: str, *, brief: bool = False) -> City:
    """A right program."""
    s += place + (" in short" if brief else "")
    return s.gen(City)


# ---------------------------------------------------------------- programs


@hog.program  # wrong: reportArgumentType
def without_a_scope(question: str) -> str:
    return question


@hog.program  # wrong: reportArgumentType
def without_arguments() -> None:
    pass


def calls_of_programs() -> None:
    describe()  # wrong: reportCallIssue
    describe(42)  # wrong: reportArgumentType
    describe("Oslo", True)  # wrong: reportCallIssue
    describe("Oslo", loud=True)  # wrong: reportCallIssue
    describe.run(["Oslo"])  # wrong: reportArgumentType
    describe.compile()  # wrong: reportCallIssue
    describe.on("piglet")  # wrong: reportArgumentType
    describe.on(script({}), seed="7")  # wrong: reportArgumentType
    describe.on(max_seconds="a minute")  # wrong: reportArgumentType


def results_of_programs() -> None:
    town: str = describe("Oslo")  # wrong: reportAssignmentType
    print(town, describe("Oslo").people)  # wrong: reportAttributeAccessIssue
    print(describe.run("Oslo")[0])  # wrong: reportArgumentType
    print(describe.stream("Oslo").run.value + 1)  # wrong: reportOperatorIssue
    for event in describe.stream("Oslo"):
        print(event.odds)  # wrong: reportAttributeAccessIssue
        if event.kind == "tokn":  # wrong: reportUnnecessaryComparison
            pass


def batches() -> None:
    describe.batch("Oslo")  # wrong: reportArgumentType
    describe.batch([42])  # wrong: reportArgumentType
    for outcome in describe.batch([("Oslo",)]):
        print(outcome.value.upper())  # wrong: reportAttributeAccessIssue
        print(outcome.error.args)  # wrong: reportOptionalMemberAccess


async def under_asyncio() -> None:
    print(describe.arun("Oslo").value)  # wrong: reportAttributeAccessIssue
    town: int = (await describe.arun("Oslo")).value  # wrong: reportAssignmentType
    print(town)


# ---------------------------------------------------------------- pieces and values


def pieces() -> None:
    hog.gen(temperature="hot")  # wrong: reportArgumentType
    hog.gen(max_tokens=1.5)  # wrong: reportArgumentType
    hog.gen(stop=3)  # wrong: reportArgumentType
    hog.gen(forbid=3)  # wrong: reportArgumentType
    hog.gen(regex=["a"])  # wrong: reportArgumentType
    hog.gen(choices=5)  # wrong: reportArgumentType
    hog.gen(logprobs=5)  # wrong: reportArgumentType
    hog.gen(logit_bias=["a"])  # wrong: reportArgumentType
    hog.gen(maximum=5)  # wrong: reportCallIssue
    hog.gen(7)  # wrong: reportArgumentType
    hog.select("way")  # wrong: reportCallIssue
    hog.select("way", [1, 2])  # wrong: reportArgumentType
    hog.user(42)  # wrong: reportArgumentType
    hog.turn("robot")  # wrong: reportArgumentType
    hog.token(1.5)  # wrong: reportArgumentType
    print(hog.gen("x") + 3)  # wrong: reportOperatorIssue
    print(3 + hog.gen("x"))  # wrong: reportOperatorIssue
    print(hog.gen("x").upper())  # wrong: reportAttributeAccessIssue
    hog.regex(hog.gen("x"))  # wrong: reportArgumentType
    print(len(hog.gen("x")))  # wrong: reportArgumentType


@hog.program
def values(s: hog.Scope) -> int:
    """Values and handles on them."""
    print(s[0])  # wrong: reportArgumentType
    print(s["x"] + 1)  # wrong: reportOperatorIssue
    print(s.gen(City).people)  # wrong: reportAttributeAccessIssue
    print(s.gen(max_tokens="9"))  # wrong: reportArgumentType
    with s.fork("a") as team:
        city = team["a"].gen(City)
        way = team["a"].select(["left", "right"])
        team["a"].gen(int, maximum=9)  # wrong: reportCallIssue
        team[0] += "text"  # wrong: reportArgumentType
    n: int = way.value  # wrong: reportAssignmentType
    print(n, city.value.people)  # wrong: reportAttributeAccessIssue
    print(city.name)  # wrong: reportAttributeAccessIssue
    print("It is " + way)  # wrong: reportOperatorIssue
    return team["a"]["x"]  # wrong: reportReturnType


@hog.program
def writes(s: hog.Scope) -> None:
    """What cannot be appended."""
    with s.fork("a") as team:
        team["a"] += None  # wrong: reportOperatorIssue
    s += 42  # wrong: reportOperatorIssue


# ---------------------------------------------------------------- regions


def two_arguments(me: hog.Worker, others: Sequence[hog.Worker]) -> Sequence[hog.ViewItem]:
    """No layout: it is given three arguments."""
    return [*others, me]


def gives_a_text(me: hog.Worker, others: Sequence[hog.Worker], shared: hog.Shared) -> int:
    """No layout: it returns no view."""
    return len(others)


@hog.program
def forks(s: hog.Scope) -> None:
    """What `fork` does not take."""
    s.fork(1.5)  # wrong: reportArgumentType
    s.fork("a", layout="combined")  # wrong: reportArgumentType
    s.fork("a", layout=two_arguments)  # wrong: reportArgumentType
    s.fork("a", layout=gives_a_text)  # wrong: reportArgumentType
    s.fork("a", layout=lambda me, others, shared: [42])  # wrong: reportArgumentType
    s.fork("a", max_tokens="many")  # wrong: reportArgumentType
    s.fork("a", keep=1)  # wrong: reportArgumentType
    hog.layouts.combined(step=2)  # wrong: reportArgumentType
    with s.fork("a") as team:
        team.until("done")  # wrong: reportArgumentType
        team.until(hog.any_worker("done"))  # wrong: reportArgumentType
        team.until(hog.first("two", hog.regex("x")))  # wrong: reportArgumentType
        team.every("often", insert="?")  # wrong: reportArgumentType
        team.every(9)  # wrong: reportCallIssue
        team.every(9, insert="?", into=3)  # wrong: reportArgumentType
        team["a"].pauses(until="done")  # wrong: reportArgumentType
        team["a"].sees("text")  # wrong: reportAttributeAccessIssue


@hog.program
def streams(s: hog.Scope, mic: hog.Channel) -> str:
    """What `concurrent` and its streams do not take."""
    s.concurrent(until="done")  # wrong: reportArgumentType
    with s.concurrent() as now:
        now.listen("mic", "some text")  # wrong: reportArgumentType
        now.listen("mic", mic, barge_in="shout")  # wrong: reportArgumentType
        now.think("notes", 42)  # wrong: reportArgumentType
        now.say("reply", speaker=mic)  # wrong: reportArgumentType
        ear = now.listen("mic", mic)
        print(ear.gen())  # wrong: reportAttributeAccessIssue
        think, say = now.think("notes"), now.say("reply")
        say.sees(think, 42)  # wrong: reportArgumentType
        say.waits_for("yes")  # wrong: reportArgumentType
        think.ask("ahead?", every="often")  # wrong: reportArgumentType
        think.ask("ahead?", answers="yes")  # wrong: reportArgumentType
    return say  # wrong: reportReturnType


# ---------------------------------------------------------------- callbacks, tools, what is outside


@hog.program
def callbacks(s: hog.Scope) -> None:
    """Functions that cannot be called back."""
    with s.fork("a") as team:

        @team.on_step  # wrong: reportArgumentType reportCallIssue
        def _() -> None: ...

        @team.on_step(every="8")  # wrong: reportArgumentType
        def _(live: hog.Live) -> None: ...

        @team["a"].on(r"\d+")  # wrong: reportArgumentType
        def _(live: hog.Live) -> None: ...

        @team["a"].on(r"\d+")  # wrong: reportArgumentType
        def _(live: hog.Live, match: hog.Match) -> int:
            live.insert("a")  # wrong: reportCallIssue
            live.stop(3)  # wrong: reportArgumentType
            return len(match)  # wrong: reportArgumentType

        team["a"].uses(len)  # wrong: reportArgumentType


@hog.tool
def population(city: str) -> int:
    """A right tool."""
    return len(city)


async def others(runtime: hog.Runtime) -> None:
    population(42)  # wrong: reportArgumentType
    hog.describe("population")  # wrong: reportArgumentType
    hog.tool(pattern=3)  # wrong: reportArgumentType
    hog.Channel(capacity="8")  # wrong: reportArgumentType
    mic = hog.Channel()
    mic.send(42)  # wrong: reportArgumentType
    mic.send("text", at_step="3")  # wrong: reportArgumentType
    hog.Channel.from_lines(3)  # wrong: reportArgumentType
    hog.Speaker().delivered("all")  # wrong: reportArgumentType
    hog.local(device=0)  # wrong: reportArgumentType
    with hog.use("piglet"):  # wrong: reportArgumentType
        pass
    with hog.conversation(runtime, seed=None):  # wrong: reportArgumentType
        pass
