"""What programs of many features do when they run, on a script."""

from pydantic import BaseModel

import hogdsl as hog
from hogdsl.testing import script


class City(BaseModel):
    name: str
    people: int


@hog.tool(pattern=r"(?P<x>\d+)\*(?P<y>\d+)\?", result="={}\n")
def times(x: int, y: int) -> int:
    return x * y


@hog.tool
def weather(city: str) -> str:
    if city != "Rome":
        raise hog.ToolError(f"nobody knows {city}")
    return "sunny"


def test_a_worker_that_forks_waits_for_its_own_workers_and_goes_on():
    @hog.program
    def nests(s: hog.Scope) -> tuple[str, str, str]:
        with s.fork("a", "b", layout=hog.layouts.isolated(header="")) as team:
            team["b"].gen(max_tokens=3)
            a = team["a"]
            plan = a.gen(name="plan", max_tokens=4)
            with a.fork("x", "y", layout=hog.layouts.isolated(header="")) as inner:
                told = [worker.gen(max_tokens=2) for worker in inner]
            a += " so "
            total = a.gen(max_tokens=2)
        return plan.value + total.value, "".join(t.value for t in told), a.text

    runtime = script({"a": ["split ", "done"], "a/x": "left ", "a/y": "right ", "b": "u v w"})
    run = nests.on(runtime).run()
    assert run.value == ("split done", "left right ", "split  so done")
    ended = [event.stream for event in run.events if event.kind == "stream_ended"]
    assert ended.index("a") < ended.index("a/x") < ended.index("a#2")


def test_a_nested_fork_ends_by_its_own_condition():
    @hog.program
    def nests(s: hog.Scope) -> tuple[str, str]:
        with s.fork("a") as team:
            a = team["a"]
            with a.fork("x", "y") as inner:
                for worker in inner:
                    worker += hog.gen(max_tokens=50)
                inner.until(hog.any_worker(hog.regex("found")))
            after = a.gen(max_tokens=5)
        return inner["y"].ended, after.value

    words = "look " * 40
    runtime = script({"a/x": "look look found it", "a/y": words, "a": "so it is"})
    assert nests.on(runtime)() == ("until", "so it is")


def test_tools_are_called_while_the_others_go_on():
    @hog.program
    def calls(s: hog.Scope) -> tuple[str, str]:
        with s.concurrent() as now:
            with now.think("t") as t:
                t += hog.gen(max_tokens=40)
                t.uses(times, weather)
            with now.say("r") as r:
                r += hog.gen(max_tokens=9)
        return now["t"], now["r"]

    call = '<tool>{"name":"weather","arguments":{"city":"CITY"}}</tool>'
    thoughts = f"it is 6*7? I see {call.replace('CITY', 'Rome')} or {call.replace('CITY', 'Oz')} ok"
    text, reply = calls.on(script({"t": thoughts, "r": "one two three four"}))()
    assert "6*7? =42\n" in text
    assert "<result>sunny</result>" in text
    assert "<result>error: nobody knows Oz</result>" in text
    assert reply == "one two three four"


def test_typed_values_of_streams_come_from_constrained_text():
    @hog.program
    def asks(s: hog.Scope) -> City:
        with s.fork("a") as team:
            city = team["a"].gen(City, max_tokens=40)
        return city.value

    runtime = script({"a": '{"name":"Rome","people":3}'})
    assert asks.on(runtime)() == City(name="Rome", people=3)


def test_a_chat_keeps_one_cache_and_one_name():
    @hog.program
    def chats(s: hog.Scope, lines: tuple[str, ...]) -> list[str]:
        said: list[str] = []
        for line in lines:
            s += hog.user(line) + hog.assistant(hog.gen("reply"))
            said.append(s["reply"])
        return said

    runtime = script({"main": ["hello", "fine", "bye"]})
    assert chats.on(runtime)(("hi", "how?", "so long")) == ["hello", "fine", "bye"]
    regions = runtime.sessions[0].regions
    assert {region.streams[0].view for region in regions} == {("main.0",)}


def test_a_held_worker_begins_when_the_other_has_ended():
    @hog.program
    def holds(s: hog.Scope) -> None:
        with s.fork("a", "b", layout=hog.layouts.isolated(header="")) as team:
            for worker in team:
                worker += hog.gen(max_tokens=4)
            team["b"].pauses(until=hog.ended("a"))

    run = holds.on(script({"a": "one two three", "b": "four five six"})).run()
    tokens = [event.stream for event in run.events if event.kind == "token"]
    assert tokens == sorted(tokens)
    assert set(tokens) == {"a", "b"}


def test_text_is_put_into_one_worker_again_and_again():
    @hog.program
    def inserts(s: hog.Scope) -> str:
        with s.fork("a", "b", layout=hog.layouts.isolated(header="")) as team:
            for worker in team:
                worker += hog.gen(max_tokens=6)
            team.every(2, insert="[hm] ", into="a")
        return team["a"].text + "|" + team["b"].text

    text = inserts.on(script({"a": "1 2 3 4 5 6 ", "b": "1 2 3 4 5 6 "}))()
    assert text == "1 2 [hm] 3 4 [hm] 5 6 |1 2 3 4 5 6 "


def test_a_quorum_of_workers_ends_the_region_when_they_agree():
    @hog.program
    def votes(s: hog.Scope) -> str:
        with s.fork(3, layout=hog.layouts.isolated(header="")) as team:
            for worker in team:
                worker += hog.gen(max_tokens=30)
            team.until(hog.quorum(2, hog.regex(r"= (\d)")))
        return " ".join(worker.ended for worker in team)

    texts = {
        "worker1": "= 1 or so " + "more " * 9,
        "worker2": "wait = 2 " + "more " * 9,
        "worker3": "wait wait = 2 " + "more " * 9,
    }
    assert votes.on(script(texts))() == "until until until"


def test_values_choose_between_regions_in_a_loop():
    @hog.program
    def loops(s: hog.Scope) -> list[str]:
        found: list[str] = []
        while s.select(["go on", "stop"]) == "go on":
            with s.fork("a", keep=()) as team:
                answer = team["a"].gen(max_tokens=3)
            found.append(answer.value)
        return found

    runtime = script({"main": ["go on", "go on", "stop"], "a": ["first", "second"]})
    assert loops.on(runtime)() == ["first", "second"]
