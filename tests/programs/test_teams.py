"""Votes, debates and tools, on piglet and on scripts."""

from typing import Literal

import pytest

import hogdsl as hog
from hogdsl.testing import script
from programs.debate import debate
from programs.fork_vote import Vote, fork_vote
from programs.tool_while_talking import label, tool_while_talking


def test_the_majority_of_piglets_knows_the_sum(piglet: hog.Runtime) -> None:
    vote = fork_vote.on(piglet, seed=5)("17+25", choices=("41", "42", "43"))
    assert vote.answer == "42"
    assert sum(vote.votes.values()) == 5


def test_voters_encode_the_question_once_for_all(piglet: hog.Runtime) -> None:
    three = fork_vote.on(piglet).run("17+25", choices=("41", "42"), voters=3)
    six = fork_vote.on(piglet).run("17+25", choices=("41", "42"), voters=6)
    prompt = len("a:17+25")
    assert six.usage.tokens_encoded - three.usage.tokens_encoded < 3 * prompt


def test_the_choice_with_most_votes_wins() -> None:
    runtime = script(
        {
            "worker1": ["It rains.", "umbrella"],
            "worker2": ["It shines.", "hat"],
            "worker3": ["Clouds.", "umbrella"],
        }
    )
    vote = fork_vote.on(runtime)(
        "What do I take?", choices=("hat", "umbrella"), voters=3, prompts="general"
    )
    assert vote == Vote(answer="umbrella", votes={"umbrella": 2, "hat": 1})


def test_the_critic_finds_the_wrong_line_while_the_others_are_written(
    piglet: hog.Runtime,
) -> None:
    run = debate.on(piglet).run("a:17+25 b:38+41 c:9+66", opening="a:17+25=43\n")
    assert run.value == "a:no\nb:ok\nc:ok"
    first_verdict = next(e.seq for e in run.events if e.kind == "token" and ">" in e.text)
    last_line = [e.seq for e in run.events if e.kind == "token" and e.stream == "pro"][-1]
    assert first_verdict < last_line


def test_a_general_debate_ends_with_the_judges_choice() -> None:
    runtime = script(
        {"pro": "Cats are quiet.</debate>", "con": "Dogs are loyal.</debate>", "main": "con"}
    )
    run = debate.on(runtime).run("Cats are better.", prompts="general")
    assert run.value == "con"


def test_each_side_reads_the_other_as_a_user() -> None:
    plan = debate.compile("Cats are better.", prompts="general")
    region = next(r for r in plan.regions if len(r.streams) == 2)
    pro, con = region.streams
    assert con.view[-1] in pro.view
    assert pro.view[-1] in con.view
    turns = [
        p.role for b in region.blocks if b.kind == "text" for p in b.pieces if p.kind == "turn"
    ]
    assert turns.count("user") == 2
    assert turns.count("assistant") >= 1


def test_results_of_tools_are_spoken_while_the_thoughts_go_on(piglet: hog.Runtime) -> None:
    run = tool_while_talking.on(piglet).run("17*25, 38+41, 3*4")
    assert run.value == "a=425, b=79, c=12."
    assert run.streams["thoughts"] == "a:17*25?=425\nb:38+41=79\nc:3*4?=12\n"
    said = next(e.seq for e in run.events if e.kind == "token" and e.stream == "reply")
    thought = [e.seq for e in run.events if e.kind == "token" and e.stream == "thoughts"][-1]
    assert said < thought


def test_a_general_model_calls_the_tool_as_json() -> None:
    runtime = script(
        {
            "thoughts": "I need it. "
            '<tool>{"name": "multiply", "arguments": {"x": 6, "y": 7}}</tool>'
            " So it is clear.\n\nDone.</think>",
            "reply": "It is 42.",
        }
    )
    run = tool_while_talking.on(runtime).run("What is 6 times 7?", prompts="general")
    assert "<result>42</result>" in run.streams["thoughts"]
    assert run.value == "It is 42."


def test_piglet_is_given_one_to_six_items() -> None:
    assert label("17*25 and 3+4") == "calc a:17*25 b:3+4"
    with pytest.raises(ValueError, match="works on 1 to 6 items"):
        label("nothing")


@pytest.mark.parametrize("prompts", ["piglet", "general"])
def test_team_programs_compile_for_both_kinds_of_models(
    prompts: Literal["piglet", "general"],
) -> None:
    plans = [
        fork_vote.compile("1+2", choices=("3", "4"), prompts=prompts),
        debate.compile("a:1+2", prompts=prompts),
        tool_while_talking.compile("1+2", prompts=prompts),
    ]
    assert all(hog.Plan.model_validate_json(plan.model_dump_json()) == plan for plan in plans)
