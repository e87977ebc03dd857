"""The programs that come with the project, on piglet and on scripts."""

import random
import re
from typing import Literal

import pytest

import hogdsl as hog
from hogdsl.testing import script
from programs.solo import label, solo, think_first
from programs.solve_together import solve_together
from programs.talk_while_thinking import talk_while_thinking
from runtime.piglet.problems import SumList

PROBLEM = "a:17+25 b:38+41 c:9+66 d:52+13 e:71+6 f:45+45"
SOLVED = "a:17+25=42\nb:38+41=79\nc:9+66=75\nd:52+13=65\ne:71+6=77\nf:45+45=90"


def test_solo_works_through_all_sums(piglet: hog.Runtime) -> None:
    assert solo.on(piglet)(PROBLEM) == SOLVED


def test_two_workers_share_out_the_sums_and_do_none_twice(piglet: hog.Runtime) -> None:
    run = solve_together.on(piglet).run(PROBLEM)
    assert run.value == SOLVED
    done = {name: re.findall(r"([a-f]):\d", run.streams[name]) for name in ("Alice", "Bob")}
    assert sorted(done["Alice"] + done["Bob"]) == list("abcdef")
    assert len(done["Alice"]) == len(done["Bob"]) == 3
    assert run.usage.steps < 0.64 * solo.on(piglet).run(PROBLEM).usage.steps


@pytest.mark.parametrize(
    ("layout", "names", "steps"),
    [
        ("contiguous", ("Alice", "Bob"), 0.64),
        ("interleaved", ("Alice", "Bob"), 0.8),
        ("combined", ("Alice", "Bob", "Carol"), 0.52),
    ],
)
def test_teams_work_out_most_sums_in_fewer_steps(
    piglet: hog.Runtime,
    layout: Literal["combined", "interleaved", "contiguous"],
    names: tuple[str, ...],
    steps: float,
) -> None:
    """Of twelve drawn problems; on 200 that is measured by `benchmarks.collaboration`."""
    rng = random.Random(3)
    n_right = n_steps = n_alone = 0
    for problem in [SumList.draw(rng, 6) for _ in range(12)]:
        run = solve_together.on(piglet).run(problem.prompt, names=names, layout=layout)
        right = {problem.line(i).strip() for i in range(6)}
        n_right += len(right & set(run.value.split()))
        n_steps += run.usage.steps
        n_alone += solo.on(piglet).run(problem.prompt).usage.steps
    assert n_right >= 0.85 * 72
    assert n_steps < steps * n_alone


def test_workers_that_cannot_see_each_other_do_the_same_sums(piglet: hog.Runtime) -> None:
    run = solve_together.on(piglet).run(PROBLEM, layout="isolated")
    done = [re.findall(r"([a-f]):\d", run.streams[name]) for name in ("Alice", "Bob")]
    assert set(done[0]) & set(done[1])


def test_the_reply_starts_long_before_the_thoughts_end(piglet: hog.Runtime) -> None:
    run = talk_while_thinking.on(piglet).run("17+25+38+41+6")
    assert run.value == "b=42, c=80, d=121, e=127."
    spoken = next(e.step for e in run.events if e.kind == "token" and e.stream == "reply")
    thought = next(
        e.step for e in run.events if e.kind == "stream_ended" and e.stream == "thoughts"
    )
    assert spoken < 0.4 * thought


def test_thinking_first_gives_the_same_reply_later(piglet: hog.Runtime) -> None:
    assert think_first.on(piglet)("17+25+38+41+6") == "b=42, c=80, d=121, e=127."


def test_piglet_is_given_two_to_eight_labelled_numbers() -> None:
    assert label("What is 17 + 25 + 3?") == "a:17 b:25 c:3"
    with pytest.raises(ValueError, match="adds 2 to 8 numbers, and '7' has 1"):
        label("7")


def test_general_workers_stop_when_one_has_the_result() -> None:
    runtime = script(
        {
            "Alice": "I take the first half.\n\nIt is \\boxed{42}.\n\nAnything else?",
            "Bob": "Then I check what Alice finds, one step after the other, without end.",
            "main": "42}",
        }
    )
    run = solve_together.on(runtime).run("What is 6 times 7?", prompts="general")
    assert run.value == "42"
    assert "Anything else" not in run.streams["Alice"]


def test_a_general_reply_waits_for_a_yes() -> None:
    runtime = script(
        {"thoughts": "First.\n\nSecond.\n\nThird.</think>", "reply": "So it is."},
        answers={"thoughts": ["no", "yes"]},
    )
    run = talk_while_thinking.on(runtime).run("Why?", prompts="general")
    assert run.value == "So it is."
    asked = [e.step for e in run.events if e.kind == "asked" and e.answer == "yes"]
    spoken = [e.step for e in run.events if e.kind == "token" and e.stream == "reply"]
    assert spoken[0] > asked[0]


@pytest.mark.parametrize("prompts", ["piglet", "general"])
def test_every_program_compiles_for_both_kinds_of_models(
    prompts: Literal["piglet", "general"],
) -> None:
    plans = [
        solo.compile(PROBLEM, prompts=prompts),
        think_first.compile("1+2", prompts=prompts),
        solve_together.compile(PROBLEM, prompts=prompts),
        talk_while_thinking.compile("1+2", prompts=prompts),
    ]
    assert all(hog.Plan.model_validate_json(plan.model_dump_json()) == plan for plan in plans)
