"""The explanation of a plan names all that is in it."""

from hogdsl import plan
from hogdsl.compiler.explain import explain

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
                plan.Stream(name="b", role="say", view=("gone", "r.a", "r.b"), pieces=()),
            ),
            asks=(plan.Ask(name="q", stream="a", question="ready?", at="\n"),),
            waits=(plan.Wait(stream="b", ask="q", answer="no", each=","),),
            until=(
                plan.Until(condition=plan.Matches(streams=("a", "b"), regex="x+")),
                plan.Until(condition=plan.Matches(streams=("a", "b"), regex="y+", n=2)),
            ),
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
    waits    until a is asked and answers "no", before each ","
  ends when any of a, b matches /x+/
  ends when all of a, b match /y+/
  lasts at most 60 s
  keeps nothing new

reads a value at program.py:7; what follows depends on it
"""


def test_everything_in_a_plan_is_explained():
    assert explain(EVERYTHING) == EXPLAINED


def test_an_empty_plan_is_explained():
    assert explain(plan.Plan(program="nothing", regions=())) == "program nothing\n"
