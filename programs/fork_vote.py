"""Several workers answer without seeing each other; the majority counts.

hogdsl run programs/fork_vote.py --set question="17+25" --set choices=41,42,43
"""

from collections import Counter
from typing import Literal

from pydantic import BaseModel

import hogdsl as hog

RULES = "Think about the question in a few sentences, then choose one of the answers.\n\n"


class Vote(BaseModel):
    """What came of a vote."""

    answer: str
    votes: dict[str, int]


@hog.program
def fork_vote(
    s: hog.Scope,
    question: str,
    choices: tuple[str, ...],
    voters: int = 5,
    temperature: float = 0.8,
    prompts: Literal["piglet", "general"] = "piglet",
) -> Vote:
    """Each voter reasons by itself, then selects; all share the prompt and nothing else.

    With piglet the question is a sum of two numbers.
    """
    if prompts == "general":
        s += hog.user(f"{RULES}{question}\nAnswers: {', '.join(choices)}") + hog.turn("assistant")
        end, lead = None, "\n\nMy answer: "
    else:
        s += hog.user(f"a:{question}") + hog.turn("assistant")
        end, lead = "=", "="
    with s.fork(voters, layout=hog.layouts.isolated(header=""), keep=()) as team:
        ballots: list[hog.Later[str]] = []
        for voter in team:
            voter += hog.gen("reasons", max_tokens=256, stop=end, temperature=temperature) + lead
            ballots.append(voter.select(choices))
    votes = Counter(ballot.value for ballot in ballots)
    return Vote(answer=max(choices, key=votes.__getitem__), votes=dict(votes))
