"""Workers share one cache and agree among themselves who does what (Hogwild!, section 3).

hogdsl run programs/solve_together.py --set problem="a:17+25 b:38+41 c:9+66 d:52+13"
"""

import re
from typing import Literal

import hogdsl as hog

RULES = """{names} solve one problem together, all at the same time. Each sees at once what the
others write, unfinished lines too. Split the work: say which part is yours before you begin it,
take nothing that somebody else has taken, and use what the others have found. Keep every paragraph
short. Whoever knows the result writes it as \\boxed{{result}}.

Problem: """
REMINDER = "\n\nTogether we have it. The final answer is \\boxed{"


@hog.program
def solve_together(
    s: hog.Scope,
    problem: str,
    names: tuple[str, ...] = ("Alice", "Bob"),
    layout: Literal["combined", "contiguous", "isolated"] = "combined",
    prompts: Literal["piglet", "general"] = "piglet",
) -> str:
    """Solve a problem together; `layout` is combined, contiguous or isolated.

    With piglet the problem is a list of sums such as `a:17+25 b:38+41`, the names are the first of
    Alice, Bob, Carol and Dave, and the result is the list of worked sums.
    """
    if prompts == "piglet":
        return _sums(s, problem, names, layout)
    s += hog.user(RULES.format(names=" and ".join(names)) + problem) + hog.turn("assistant")
    with s.fork(*names, layout=_layout(layout, "**{name}"), max_seconds=600) as team:
        for worker in team:
            worker += f"Hi, I'm {worker.name}. "
            worker += hog.gen("work", max_tokens=2048)
        team.until(hog.any_worker(hog.regex(r"\\boxed\{(.+?)\}")))
    s += REMINDER + hog.gen("answer", max_tokens=64, stop="}")
    return s["answer"]


def _sums(s: hog.Scope, problem: str, names: tuple[str, ...], layout: str) -> str:
    s += hog.user(problem) + hog.turn("assistant")
    with s.fork(*names, layout=_layout(layout, None)) as team:
        for worker in team:
            worker += hog.gen("work", max_tokens=160)
    lines = {line for worker in team for line in re.findall(r"[a-h]:\d+\+\d+=\d+", worker.text)}
    return "\n".join(sorted(lines))


def _layout(name: str, header: str | None) -> hog.layouts.Layout:
    """The layout of that name; piglet's lines end with a single line break and short headers."""
    if name == "combined" and header is None:
        return hog.layouts.combined(step="\n", header="{name}: ")
    if name == "combined":
        return hog.layouts.combined(step="\n\n", header="**{name} [{step}]:** ")
    makers = {"contiguous": hog.layouts.contiguous, "isolated": hog.layouts.isolated}
    return makers[name]() if header else makers[name](header="{name}: ")
