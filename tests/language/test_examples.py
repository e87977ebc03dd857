"""Whole programs: their plans and explanations word for word, and what they do on a script."""

from pathlib import Path

import pytest

import hogdsl as hog
from hogdsl.plan import Plan
from hogdsl.testing import script
from tests.language.examples import (
    Summary,
    choose_a_tool,
    keep_listening,
    read_together,
    solve_together,
    talk_while_thinking,
)

GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = {
    "keep_listening": lambda: keep_listening.compile(hog.Channel()),
    "solve_together": lambda: solve_together.compile("What is 6*7?"),
    "talk_while_thinking": lambda: talk_while_thinking.compile("What is 6*7?"),
    "choose_a_tool": lambda: choose_a_tool.compile("What is 6*7?"),
    "read_together": lambda: read_together.compile("It rained. ", "Why?"),
}
EXPLANATIONS = {
    "keep_listening": lambda: keep_listening.explain(hog.Channel()),
    "solve_together": lambda: solve_together.explain("What is 6*7?"),
    "talk_while_thinking": lambda: talk_while_thinking.explain("What is 6*7?"),
    "choose_a_tool": lambda: choose_a_tool.explain("What is 6*7?"),
    "read_together": lambda: read_together.explain("It rained. ", "Why?"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_plan_of_an_example_is_this(name: str):
    golden = (GOLDEN / f"{name}.plan.json").read_text()
    assert EXAMPLES[name]().model_dump_json(indent=1) + "\n" == golden


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_plan_of_an_example_survives_json(name: str):
    compiled = EXAMPLES[name]()
    assert Plan.model_validate_json(compiled.model_dump_json()) == compiled


@pytest.mark.parametrize("name", EXPLANATIONS)
def test_the_explanation_of_an_example_is_this(name: str):
    assert EXPLANATIONS[name]() == (GOLDEN / f"{name}.explain.txt").read_text()


def test_workers_solve_together_until_one_has_the_result():
    runtime = script(
        {
            "Alice": "I take 6*7.\n\nIt is \\boxed{42}\n\nShall I go on?",
            "Bob": "I watch.\n\nStill watching, still watching.",
            "main": "42}",
        }
    )
    run = solve_together.on(runtime).run("What is 6*7?")
    assert run.value == run["answer"] == "42"
    assert run.streams["Alice"] == (
        "**Alice [1]:** Hi, I'm Alice. I take 6*7.\n\n**Alice [2]:** It is \\boxed{42}\n\n"
    )


def test_a_reply_begins_while_the_thoughts_go_on():
    thoughts = " ".join(f"thought{i}" for i in range(60)) + "</think>"
    runtime = script({"thoughts": thoughts, "reply": "It is 42."})
    stream = talk_while_thinking.on(runtime).stream("What is 6*7?")
    steps = {"thoughts": [0], "reply": [0]}
    for event in stream:
        if event.kind == "token":
            steps[event.stream].append(event.step)
    assert stream.run.value == "It is 42."
    (_, *spoken), (*_, thought_through) = steps["reply"], steps["thoughts"]
    assert spoken[0] > 20, "the first question is put after 20 tokens of the thoughts"
    assert spoken[-1] < 30 < thought_through


def test_what_is_heard_is_summed_up_when_the_microphone_is_closed():
    mic = hog.Channel()
    with mic:
        mic.send("It rains. ")
        mic.send("It pours. ", at_step=3)
    runtime = script(
        {
            "notes": "rain and more rain and still more",
            "reply": "I see.\n",
            "main": '{"topic":"rain","n_facts":2}',
        }
    )
    run = keep_listening.on(runtime).run(mic)
    assert run.value == Summary(topic="rain", n_facts=2)
    assert run.streams["mic"] == "It rains. It pours. "
    assert run.streams["notes"].startswith("rain and ")


@pytest.mark.parametrize(
    ("tool", "what"), [("calculator", "calculator: 6*7"), ("browser", "browser: six times seven")]
)
def test_a_value_decides_what_comes_next(tool: str, what: str):
    runtime = script({"main": [tool, what.partition(": ")[2]]})
    assert choose_a_tool.on(runtime)("What is 6*7?") == what
