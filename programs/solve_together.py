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
CHECK = "Quick check: am I doing what somebody else has done already? (yes/no): "
REMINDER = "\n\nTogether we have it. The final answer is \\boxed{"


@hog.program
def solve_together(
    s: hog.Scope,
    problem: str,
    names: tuple[str, ...] = ("Alice", "Bob"),
    layout: Literal["combined", "interleaved", "contiguous", "isolated"] = "combined",
    prompts: Literal["piglet", "general"] = "piglet",
) -> str:
    """Solve a problem together; `layout` is a name of hog.layouts.

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
        if layout == "combined":
            team.every(256, insert=CHECK, into="random")
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
    stepped = {"combined": hog.layouts.combined, "interleaved": hog.layouts.interleaved}
    plain = {"contiguous": hog.layouts.contiguous, "isolated": hog.layouts.isolated}
    if name in plain:
        return plain[name]() if header else plain[name](header="{name}: ")
    if header:
        return stepped[name](step="\n\n", header=header + " [{step}]:** ")
    return stepped[name](step="\n", header="{name}: ")
