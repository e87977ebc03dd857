"""Right uses of the language, and what pyright makes of them. Checked by pyright, never run."""
# pyright: strict

import asyncio
from collections.abc import Mapping, Sequence
from typing import assert_type

from pydantic import BaseModel

import hogdsl as hog
from hogdsl.testing import script


class City(BaseModel):
    """What a model writes about a city."""

    name: str
    people: int


@hog.program
def describe(s: hog.Scope, place: str, *, brief: bool = False) -> City:
    """A program with a typed result."""
    s += hog.user(place + (" in short" if brief else "")) + hog.turn("assistant")
    return s.gen(City, max_tokens=64)


def programs_keep_their_types() -> None:
    assert_type(describe("Oslo"), City)
    assert_type(describe("Oslo", brief=True).people, int)
    run = describe.on(script({}), seed=7, max_tokens=9, max_seconds=1.5).run("Oslo")
    assert_type(run, hog.Run[City])
    assert_type(run.value, City)
    assert_type(run["name"], str)
    assert_type(run.usage.tokens_generated, int)
    assert_type(describe.compile("Oslo"), hog.Plan)
    assert_type(describe.explain("Oslo", brief=True), str)


def events_are_told_apart_by_their_kind() -> None:
    stream = describe.stream("Oslo")
    assert_type(stream, hog.RunStream[City])
    for event in stream:
        assert_type(event.step, int)
        match event.kind:
            case "token":
                assert_type(event.text, str)
            case "asked":
                assert_type(event.odds, dict[str, float])
            case _:
                pass
    assert_type(stream.run.value, City)


def batches_have_typed_outcomes() -> None:
    batch = describe.batch([("Oslo",), {"place": "Rome", "brief": True}], at_once=4, progress=False)
    assert_type(batch[0].value, City)
    assert_type(list(batch.values), list[City])
    for outcome in batch:
        if outcome.error is None:
            assert_type(outcome.value.name, str)


async def asyncio_has_them_too() -> None:
    run = await describe.arun("Oslo")
    assert_type(run.value, City)
    both = await asyncio.gather(describe.arun("Oslo"), describe.arun("Rome"))
    assert_type(both[0].value.people, int)
    async for event in describe.stream("Oslo"):
        assert_type(event.seq, int)


@hog.program
def values(s: hog.Scope) -> None:
    """Values of the scope and of workers."""
    assert_type(s.gen(name="free"), str)
    assert_type(s.gen(int, max_tokens=3), int)
    assert_type(s.gen(list[str]), list[str])
    assert_type(s.gen(City).name, str)
    assert_type(s["free"], str)
    assert_type(s.select(["a", "b"]), str)
    assert_type(s.scores("way"), Mapping[str, float])
    assert_type(s.logprobs("free"), tuple[hog.ChosenToken, ...])
    assert_type(s.logprobs("free")[0].top, tuple[hog.TokenLogprob, ...])
    with s.fork("a", "b", keep="a") as team:
        for worker in team:
            assert_type(worker, hog.Worker)
            assert_type(worker.gen(stop=["\n", hog.regex("x"), hog.token(7)]), hog.Later[str])
        city = team["a"].gen(City, temperature=0.5, forbid=["<x>", 3])
        team["b"] += hog.gen(logit_bias={"<x>": 2, "y": 0.5}, logprobs=True, min_tokens=2)
        team["b"] += hog.gen(logit_bias={7: -1.5}, min_p=0.1, repetition_penalty=1.1)
        way = team["b"].select(["left", "right"])
        with team["b"].fork(2) as parts:
            assert_type(parts, hog.Team)
    assert_type(city.value, City)
    assert_type(city.text, str)
    assert_type(way.value, str)
    assert_type(way.scores["left"], float)
    assert_type(team["a"].text, str)


def others_last(
    me: hog.Worker, others: Sequence[hog.Worker], shared: hog.Shared
) -> Sequence[hog.ViewItem]:
    """A layout."""
    return (shared, shared.history, "The others:", *others, hog.turn("assistant"), me)


@hog.program
def layouts(s: hog.Scope) -> None:
    """All that `layout=` takes."""
    with s.fork("a", layout=hog.layouts.combined(step="\n", header="{name} {step}")):
        pass
    with s.fork("a", layout=others_last):
        pass
    with s.fork("a", layout=hog.layouts.custom(others_last, step="\n", header="{name}")):
        pass
    with s.fork("a", layout=lambda me, others, shared: [shared, *others]):
        pass


@hog.tool
def population(city: str, *, year: int = 2026) -> int:
    """A tool that is called by its name."""
    return len(city) + year


@hog.tool(pattern=r"(?P<x>\d+)\*(?P<y>\d+)=", result="{} ")
def times(x: int, y: int) -> int:
    """A tool that is called by a pattern."""
    return x * y


def tools_stay_functions() -> None:
    assert_type(population("Oslo", year=1905), int)
    assert_type(times(6, 7), int)
    assert_type(hog.describe(population, times), str)


@hog.program
def streams(s: hog.Scope, mic: hog.Channel, speaker: hog.Speaker | None = None) -> str:
    """All that a concurrent region takes."""
    with s.concurrent(until=hog.closed("mic"), max_seconds=9, keep=("reply",)) as now:
        with now.listen("mic", mic, barge_in="pause") as ear:
            pass
        with now.think("notes", hog.user("Listen."), max_tokens=512) as think:
            think += "<think>" + hog.gen(stop="</think>")
            think.uses(population, times)
        with now.say("reply", speaker=speaker) as say:
            say += hog.gen(regex=r"\d+")
        say.sees(ear, think, "...", hog.turn("assistant"))
        say.waits_for(think.ask("ahead? ", every=20, at="\n", answers=("a", "b")), "a", each="\n")
        say.pauses(until=think.matches("go"))
        think.pauses(until=hog.regex("go"), at="\n")
        now.until(hog.all_workers(hog.regex("done")))
        now.every(64, insert="?", into=think)

        @now.on_step(every=8)
        def _(live: hog.Live) -> None:
            live.insert(think, str(live.step))
            live.insert("notes", live.text(say))
            live.stop(think, "reply")

        @think.on(r"CALL (\w+)", hold=False)
        def _(live: hog.Live, match: hog.Match) -> str | None:
            assert_type(match.text, str)
            return None if match.stream == live.region else match[1]

    assert_type(say.ended == "interrupted", bool)
    return now["reply"]


@hog.program
def teams(s: hog.Scope) -> str:
    """All that a fork takes."""
    with s.fork(3, max_tokens=9, max_total_tokens=20, max_seconds=1.5, keep=()) as team:
        team.every(256, insert="?", into="random")
        team.every(256, insert="?", into=team["worker1"], at="\n")
        team.until(hog.first(2, hog.regex("x")))
        team.until(hog.quorum(2, hog.regex("x")))
        team.until(hog.any_worker(hog.regex("x")))
        team.until(hog.regex("x"))

        @team.on_step
        def _(live: hog.Live) -> None:
            live.pause("worker1")
            live.resume("worker1")

    assert_type(describe.inline(s, "Oslo"), City)
    assert_type(describe("Oslo"), City)
    return "".join(worker.text for worker in team)


async def channels(lines: Sequence[str]) -> None:
    with hog.Channel(capacity=8) as mic:
        mic.send("hello", final=False, at_step=3, timeout=1.0)
        await mic.asend("again")
    assert_type(hog.Channel.from_lines(lines), hog.Channel)
    assert_type(mic.closed, bool)
    assert_type(len(mic), int)


def conversations(runtime: hog.Runtime) -> None:
    with hog.use(runtime), hog.conversation(seed=3) as s:
        assert_type(s, hog.Scope)
        s += hog.user("Hello") + hog.assistant(hog.gen("reply"))
        assert_type(s["reply"], str)


def pieces_join() -> None:
    assert_type("a" + hog.gen("x") + "b" + hog.user("c"), hog.Piece)
    assert_type(hog.gen(choices=["a", "b"]), hog.Piece)
    assert_type(hog.gen(schema=City), hog.Piece)
    assert_type(hog.system("a") + hog.assistant(hog.gen()), hog.Piece)
