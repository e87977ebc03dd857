"""Tools: how they are called by text, and what is written as their result."""

import json
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

import hogdsl as hog
from hogdsl.events import Noticed
from hogdsl.language.bindings import Callback
from hogdsl.language.live import Live, Texts
from tests.language.played import Played, play


class Answer(BaseModel):
    place: str
    degrees: int


@hog.tool
def weather(city: str, unit: Literal["C", "F"] = "C") -> Answer:
    """The weather in a city.

    Nobody is told this.
    """
    if city == "Atlantis":
        raise hog.ToolError("there is no such city")
    return Answer(place=f"{city} in {unit}", degrees=7)


@hog.tool(pattern=r"(?P<x>\d+)\*(?P<y>\d+)\?", result="={}\n")
def times(x: Annotated[int, Field(lt=100)], y: int = 1) -> int:
    """The product."""
    return x * y


def answers(text: str, *tools: hog.Tool[..., object]) -> list[str | None]:
    """What is written behind a stream that has written `text`."""

    def uses(s: hog.Scope) -> None:
        with s.fork("a") as team:
            team["a"] += hog.gen(max_tokens=9)
            team["a"].uses(*tools)

    driver = Played({"a": [text]})
    play(uses, driver)
    (region,) = driver.regions
    callbacks = driver.bindings[region.name].callbacks
    live = Live(1, Texts(region), lambda command: None)
    return [_answer(c, live, text) for c in callbacks.values() if hog.regex(c.regex or "")]


def _answer(callback: Callback, live: Live, text: str) -> str | None:
    import regex

    found = regex.search(callback.regex or "", text)
    if found is None:
        return None
    noticed = Noticed(
        seq=0,
        step=1,
        watch="w",
        n=1,
        stream="a",
        start=found.start(),
        end=found.end(),
        text=text[: found.end()],
    )
    return callback.function(live, hog.Match(callback.regex or "", noticed))


def call(name: str, **arguments: object) -> str:
    return f"<tool>{json.dumps({'name': name, 'arguments': arguments})}</tool>"


def test_a_tool_is_still_a_function():
    assert times(6, 7) == 42
    assert weather("Rome").degrees == 7
    assert weather.name == "weather"


def test_a_call_by_name_is_answered_with_json():
    assert answers("I ask " + call("weather", city="Rome"), weather) == [
        '<result>{"place":"Rome in C","degrees":7}</result>'
    ]


def test_a_pattern_is_called_by_its_groups_and_answered_in_its_form():
    assert answers("what is 6*7?", times) == ["=42\n"]


def test_text_that_a_tool_returns_is_written_as_it_is():
    @hog.tool
    def echo(text: str) -> str:
        return f"{text}!"

    assert answers(call("echo", text='say "hi"'), echo) == ['<result>say "hi"!</result>']


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (call("wether"), "no tool 'wether'; there is weather, echo"),
        (call("weather"), "city: Field required"),
        (call("weather", city="Rome", unit="K"), "unit: Input should be 'C' or 'F'"),
        (call("weather", city="Rome", when=1), "when: Extra inputs are not permitted"),
        (call("weather", city="Atlantis"), "there is no such city"),
        (
            "<tool>weather(Rome)</tool>",
            'a call is written <tool>{"name": …, "arguments": {…}}</tool>',
        ),
    ],
)
def test_a_call_that_does_not_fit_is_told_to_the_model(text: str, answer: str):
    @hog.tool
    def echo() -> None:
        pass

    assert answers(text, weather, echo) == [f"<result>error: {answer}</result>"]


def test_arguments_of_a_pattern_that_do_not_fit_are_told_to_the_model():
    assert answers("100*2?", times) == ["=error: x: Input should be less than 100\n"]


def test_other_exceptions_of_a_tool_come_out():
    @hog.tool
    def breaks() -> None:
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        answers(call("breaks"), breaks)


def test_a_stream_can_use_tools_of_both_kinds():
    text = "6*7? " + call("weather", city="Rome")
    assert answers(text, weather, times) == [
        "=42\n",
        '<result>{"place":"Rome in C","degrees":7}</result>',
    ]


def test_a_prompt_can_say_which_tools_there_are():
    assert hog.describe(weather, times) == (
        'Call a tool with <tool>{"name": …, "arguments": {…}}</tool>. Its result follows as '
        "<result>…</result>.\n"
        "- weather: The weather in a city.\n"
        '  arguments: {"additionalProperties":false,"properties":{"city":{"title":"City",'
        '"type":"string"},"unit":{"enum":["C","F"],"title":"Unit","type":"string"}},'
        '"required":["city"],"title":"Arguments","type":"object"}\n'
        "- times: The product. Called by text that matches (?P<x>\\d+)\\*(?P<y>\\d+)\\?\n"
    )


@pytest.mark.parametrize(("hold", "held"), [(True, "stream"), (False, "nothing")])
def test_a_stream_waits_for_its_tools_unless_told_otherwise(hold: bool, held: str):
    def uses(s: hog.Scope) -> None:
        with s.fork("a") as team:
            team["a"] += hog.gen(max_tokens=9)
            team["a"].uses(weather, times, hold=hold)

    driver = Played({"a": ["x"]})
    play(uses, driver)
    assert [watch.hold for watch in driver.regions[0].watches] == [held, held]
