"""The programs that come with the project: the same values and tokens here and on a server."""

from collections.abc import Callable

import pytest

import hogdsl as hog
from hogdsl.events import Heard, Inserted, Token
from hogdsl.language.runner import Run
from hogdsl.testing import script
from programs.debate import debate
from programs.fork_vote import fork_vote
from programs.interruptible import interruptible
from programs.keep_listening import keep_listening
from programs.solo import solo, think_first
from programs.solve_together import solve_together
from programs.talk_while_thinking import talk_while_thinking
from programs.tool_while_talking import tool_while_talking
from tests.server.places import served

SUMS = "a:17+25 b:38+41"


def spoken(*items: tuple[int, str], closed_at: int) -> hog.Channel:
    """A channel on which each text comes at a step of the region."""
    mic = hog.Channel()
    for step, text in items:
        mic.send(text, at_step=step)
    mic.close(at_step=closed_at)
    return mic


ON_PIGLET: dict[str, Callable[[hog.Runtime], Run[object]]] = {
    "solo": lambda on: solo.on(on).run(SUMS),
    "think_first": lambda on: think_first.on(on).run("17+25+38"),
    "solve_together": lambda on: solve_together.on(on).run(SUMS),
    "talk_while_thinking": lambda on: talk_while_thinking.on(on).run("17+25+38"),
    "fork_vote": lambda on: fork_vote.on(on, seed=5).run("17+25", choices=("41", "42"), voters=3),
    "debate": lambda on: debate.on(on).run("a:17+25 b:9+66", opening="a:17+25=43\n"),
    "tool_while_talking": lambda on: tool_while_talking.on(on).run("17*25, 38+41"),
    "keep_listening": lambda on: keep_listening.on(on).run(
        spoken((0, " a:12"), (9, " b:7"), (20, " ?"), closed_at=40)
    ),
}


@pytest.mark.parametrize("name", ON_PIGLET)
def test_a_program_gives_the_same_on_a_server(
    name: str, embedded: hog.Runtime, remote: hog.Runtime
) -> None:
    here, there = ON_PIGLET[name](embedded), ON_PIGLET[name](remote)
    assert there.value == here.value
    assert there.values == here.values
    assert there.scores == here.scores
    assert there.streams == here.streams
    for stream in here.streams:
        assert tokens(there, stream) == tokens(here, stream) != []


def tokens(run: Run[object], stream: str) -> list[tuple[str, int | None, str]]:
    """All that the stream was given, in order: what the model chose, and what was heard."""
    found: list[tuple[str, int | None, str]] = []
    for event in run.events:
        if isinstance(event, Token) and event.stream == stream:
            found.append((event.kind, event.token, event.text))
        elif isinstance(event, Heard | Inserted) and event.stream == stream:
            found.append((event.kind, None, event.text))
    return found


def test_every_event_of_a_team_is_the_same_on_a_server(
    embedded: hog.Runtime, remote: hog.Runtime
) -> None:
    """Nothing in it depends on when something came from outside."""
    here, there = (solve_together.on(on).run(SUMS) for on in (embedded, remote))
    assert [e for e in there.events if e.kind != "joined"] == [
        e for e in here.events if e.kind != "joined"
    ]
    assert there.usage.model_copy(update={"seconds": 0.0}) == here.usage.model_copy(
        update={"seconds": 0.0}
    )


def test_breaking_in_takes_back_the_reply_on_a_server(remote: hog.Runtime) -> None:
    mic = spoken((12, "a:5+6"), closed_at=13)
    whole, after = interruptible.on(remote)("a:17+25 b:38+41 c:9+66", mic)
    assert "a:17+25=42\nb:38+41=79\nc:9+66=75".startswith(whole.rstrip())
    assert len(whole) < 24
    assert after == "a:5+6=11\n"


ON_SCRIPTS: dict[str, tuple[hog.Runtime, Callable[[hog.Runtime], Run[object]]]] = {
    "solve_together": (
        script({"Alice": "It is \\boxed{42}.\n\nMore?", "Bob": "I check it.", "main": "42}"}),
        lambda on: solve_together.on(on).run("What is 6 times 7?", prompts="general"),
    ),
    "talk_while_thinking": (
        script(
            {"thoughts": "First.\n\nSecond.\n\nThird.</think>", "reply": "So it is."},
            answers={"thoughts": ["no", "yes"]},
        ),
        lambda on: talk_while_thinking.on(on).run("Why?", prompts="general"),
    ),
    "fork_vote": (
        script({"worker1": ["Rain.", "umbrella"], "worker2": ["Sun.", "hat"]}),
        lambda on: fork_vote.on(on).run(
            "What do I take?", choices=("hat", "umbrella"), voters=2, prompts="general"
        ),
    ),
    "debate": (
        script(
            {"pro": "Cats are quiet.</debate>", "con": "Dogs are loyal.</debate>", "main": "con"}
        ),
        lambda on: debate.on(on).run("Cats are better.", prompts="general"),
    ),
    "keep_listening": (
        script(
            {
                "notes": "One number. They want the total.</think>",
                "reply": "It is 19.\n",
                "main": '{"heard":2,"total":19}',
            }
        ),
        lambda on: keep_listening.on(on).run(
            spoken((0, "Twelve "), (4, "and seven?"), closed_at=30), prompts="general"
        ),
    ),
}


@pytest.mark.parametrize("name", ON_SCRIPTS)
def test_a_script_is_played_the_same_by_a_server(name: str) -> None:
    runtime, run = ON_SCRIPTS[name]
    here = run(runtime)
    with served(runtime) as server:
        there = run(hog.connect(server.url))
    assert there.value == here.value
    assert there.streams == here.streams


def test_a_general_model_calls_a_tool_over_the_wire() -> None:
    runtime = script(
        {
            "thoughts": "I need it. "
            '<tool>{"name": "multiply", "arguments": {"x": 6, "y": 7}}</tool>'
            " So it is clear.\n\nDone.</think>",
            "reply": "It is 42.",
        }
    )
    with served(runtime) as server:
        on = hog.connect(server.url)
        run = tool_while_talking.on(on).run("What is 6 times 7?", prompts="general")
    assert "<result>42</result>" in run.streams["thoughts"]
    assert run.value == "It is 42."
