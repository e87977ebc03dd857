"""The explanation of a plan names all that is in it."""

import pytest

from hogdsl import plan
from hogdsl.compiler.explain import explain
from hogdsl.compiler.lower import lower
from hogdsl.compiler.phrases import condition, piece
from tests.compiler.build import (
    commit,
    ended,
    gen,
    history,
    hold,
    insert,
    listen,
    matches,
    nested,
    region,
    stream,
    until,
    until_,
    watch,
    worker,
)

EVERYTHING = plan.Plan(
    program="everything",
    regions=(
        plan.Region(
            name="r",
            blocks=(
                plan.TextBlock(
                    name="r/0",
                    pieces=(
                        plan.Turn(role="user", prefix="hi"),
                        plan.CloseTurn(),
                        plan.Text(text="x" * 100),
                    ),
                ),
                plan.StreamBlock(name="r.a"),
                plan.StreamBlock(name="r.b"),
            ),
            streams=(
                plan.Stream(
                    name="a",
                    role="think",
                    view=("r/0", "r.a"),
                    pieces=(
                        plan.Gen(
                            name="x",
                            max_tokens=3,
                            stop=("\n", "."),
                            sampling=plan.Sampling(temperature=0.5, top_p=0.9, top_k=4),
                        ),
                        plan.Select(choices=("l", "r")),
                    ),
                    max_tokens=5,
                    max_seconds=1.5,
                ),
                plan.Stream(
                    name="b",
                    role="say",
                    view=("gone", "r.a", "r.b"),
                    pieces=(),
                    reports_delivery=True,
                ),
            ),
            asks=(plan.Ask(name="q", stream="a", question="ready?", at="\n"),),
            waits=(plan.Wait(stream="b", ask="q", answer="no", each=","),),
            until=(
                plan.Until(condition=plan.Matches(streams=("a", "b"), regex="x+")),
                plan.Until(condition=plan.Matches(streams=("a", "b"), regex="y+", n=2)),
            ),
            max_tokens=99,
            max_seconds=60,
        ),
    ),
    reads="program.py:7",
)

EXPLAINED = """program everything

region r
  think a
    sees     r/0  user turn "hi"; end of turn; "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…xxxxxxxxxxxxxxxx"
             r.a  its own
    writes   gen x, at most 3 tokens, up to "\\n" or ".", temperature 0.5, top_p 0.9, top_k 4
             select (unnamed): "l", "r"
    budget   5 tokens, 1.5 s
    asked    "ready?" (yes/no) at "\\n"
  say b
    sees     gone  a block of no region of this plan
             r.a   what a writes
             r.b   its own
    told     how much of it was delivered
    waits    until a is asked and answers "no", before each ","
  ends when any of a, b matches /x+/
  ends when all of a, b match /y+/
  lasts at most 99 tokens, 60 s
  keeps nothing new

reads a value at program.py:7; what follows depends on it
"""


def test_everything_in_a_plan_is_explained():
    assert explain(EVERYTHING) == EXPLAINED


def test_an_empty_plan_is_explained():
    assert explain(plan.Plan(program="nothing", regions=())) == "program nothing\n"


def test_parts_steps_and_rules_of_a_team_are_explained():
    forks = nested("f", worker("x", gen(max_tokens=3)), until=(until(),))
    steps = commit()
    alice = worker("Alice", gen("u"), forks, gen("v"), views=(history(),), commit=steps)
    bob = worker("Bob", gen("w", max_tokens=9), views=(history(),), commit=steps)
    team = region(
        alice,
        bob,
        holds=(hold("Bob", ended("Alice"), at_text="."), hold("Bob", matches("Alice", regex="so"))),
        inserts=(insert("random"), insert("Bob", name="insert1", at_text="!")),
        watches=(watch("Bob", regex="CALL"), watch(every=8)),
    )
    whole = plan.Plan(program="team", regions=(lower(team),))
    assert (
        explain(whole)
        == """program team

region r  (program.py:99)
  worker Alice
    sees     r/history  finished steps of Alice, Alice#2, Bob
             r.Alice    its own
    writes   gen u
    commits  steps up to "\\n", headed "Alice: ", to r/history
  worker Alice/x
    begins   when Alice has ended, if Alice has finished
    sees     r/history  finished steps of Alice, Alice#2, Bob
             r.Alice    what Alice writes
             r.Alice/x  its own
    writes   gen, at most 3 tokens
  worker Alice#2
    begins   when Alice and Alice/x have ended; goes on with the budget and the steps of Alice
    sees     r/history  finished steps of Alice, Alice#2, Bob
             r.Alice    what Alice writes
             r.Alice/x  what Alice/x writes
             r.Alice#2  its own
    writes   gen v
    commits  steps up to "\\n", headed "Alice: ", to r/history
  worker Bob
    sees     r/history  finished steps of Alice, Alice#2, Bob
             r.Bob      its own
    writes   gen w, at most 9 tokens
    commits  steps up to "\\n", headed "Bob: ", to r/history
    waits    at each ".", until Alice#2 has ended
             at its beginning, until Alice + Alice#2 matches /so/
  inserts "check: " into one of Alice, Alice#2, Bob at random, every 8 tokens, at the next "\\n"
  inserts "check: " into Bob, every 8 tokens, at the next "!"
  tells the program when Bob writes /CALL/, and holds the stream meanwhile
  tells the program every 8 steps, and holds the region meanwhile
  ends Alice/x when Alice/x matches /done/
  keeps r/history, r.Alice, r.Alice/x, r.Alice#2, r.Bob
"""
    )


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("pause", "holds reply until an utterance is complete"),
        ("restart", "takes reply back to what was delivered; then it goes on"),
        ("stop", "takes reply back to what was delivered, and ends it"),
    ],
)
def test_what_an_input_does_is_explained(policy: plan.BargeIn, told: str):
    reply = stream("reply", role="say")
    heard = region(listen("mic", barge_in=policy), reply, untils=(until_(ended("mic")),))
    text = explain(plan.Plan(program="talk", regions=(lower(heard),)))
    assert f"    hears    until it is closed\n             {told}\n" in text
    assert "what mic hears" in text
    assert "ends when mic has ended" in text


def test_an_input_that_is_not_waited_for_is_explained():
    text = explain(plan.Plan(program="t", regions=(lower(region(stream("a"), listen("mic"))),)))
    assert "    hears    the region may end while it is open\n" in text


@pytest.mark.parametrize(
    ("constraint", "told"),
    [
        (plan.RegexConstraint(regex=r"\d+"), r"gen, as /\d+/"),
        (plan.ChoicesConstraint(choices=("l", "r")), 'gen, one of "l", "r"'),
        (plan.JsonConstraint(document='{"type":"null"}'), 'gen, JSON of "{\\"type\\":\\"null\\"}"'),
    ],
)
def test_constraints_are_explained(constraint: plan.Constraint, told: str):
    assert piece(plan.Gen(constraint=constraint)) == told


def test_stops_and_forbidden_tokens_are_explained():
    sampling = plan.Sampling(forbidden=("<end>", 5))
    gen_ = plan.Gen(stop=(".",), stop_regex=("x+",), stop_tokens=(7,), sampling=sampling)
    assert piece(gen_) == 'gen, up to "." or /x+/ or the token 7, never "<end>" and 5'


def test_parts_that_count_as_one_are_explained_as_one():
    given = plan.Matches(streams=(("a", "a#2"), "b"), regex="x", n=2)
    assert condition(given) == "all of a + a#2, b match /x/"
    alone = plan.Matches(streams=(("a", "a#2"),), regex="x")
    assert condition(alone) == "a + a#2 matches /x/"


def test_how_tokens_are_drawn_is_explained():
    sampling = plan.Sampling(
        temperature=0.5,
        min_p=0.05,
        repetition_penalty=1.1,
        frequency_penalty=0.5,
        presence_penalty=-1,
        logit_bias=(plan.Bias(token="yes", bias=2), plan.Bias(token=7, bias=-1.5)),
    )
    assert piece(plan.Gen(sampling=sampling)) == (
        "gen, temperature 0.5, min_p 0.05, repetition 1.1, frequency 0.5, presence -1, "
        '"yes" +2, 7 -1.5'
    )


def test_lengths_and_what_is_told_are_explained():
    gen_ = plan.Gen(min_tokens=2, max_tokens=9, ignore_eos=True, logprobs=0)
    assert piece(gen_) == (
        "gen, at least 2 tokens, at most 9 tokens, past the end token, tells log-probabilities"
    )
    assert piece(plan.Gen(logprobs=3)) == "gen, tells log-probabilities and the 3 likeliest"


def test_a_quorum_is_explained():
    given = plan.Matches(streams=("a", "b", "c"), regex="(x)", n=2, agree=True)
    assert condition(given) == "2 of a, b, c match /(x)/ and they agree"
