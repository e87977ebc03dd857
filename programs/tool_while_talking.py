"""Thoughts call tools, and the reply goes on while they work.

hogdsl run programs/tool_while_talking.py --set task="17*25, 38+41, 3*4"
"""

import re
from typing import Literal

import hogdsl as hog

THINKER = """Work through the task step by step. You cannot multiply in your head; call the tool:
{tools}

Task: """
WRITER = "Answer the task, item by item, as far as your thoughts have come.\n\nTask: "
AHEAD = "\n\nDo my thoughts have a result that the response has not told yet? (yes/no): "


def multiply(x: int, y: int) -> int:
    """The product of two whole numbers."""
    return x * y


GENERAL = hog.tool(multiply)
PIGLET = hog.tool(pattern=r"(?P<x>\d+)\*(?P<y>\d+)\?", result="={}\n")(multiply)


@hog.program
def tool_while_talking(
    s: hog.Scope, task: str, prompts: Literal["piglet", "general"] = "piglet"
) -> str:
    """Think with a tool and speak at the same time.

    With piglet the task is a list of 1 to 6 sums and products of two numbers.
    """
    general = prompts == "general"
    multiplication = GENERAL if general else PIGLET
    ask = task if general else label(task)
    thinker = THINKER.format(tools=hog.describe(multiplication)) if general else ""
    with s.concurrent() as now:
        with now.think("thoughts", hog.user(thinker + ask), max_tokens=1024) as think:
            think += hog.gen(stop="</think>")
            think.uses(multiplication)
        with now.say("reply", hog.user((WRITER if general else "") + ask), max_tokens=512) as say:
            say += hog.gen()
        opened = hog.turn("assistant", "<think>\n")
        think.sees(hog.turn("assistant"), say, "...", opened)
        say.sees(opened, think, "...\n</think>\n")
        ahead = think.ask(AHEAD if general else "ahead? ", at="\n")
        say.waits_for(ahead, each="\n" if general else ", ")
    return now["reply"]


def label(task: str) -> str:
    """The items of a task with the labels that piglet knows: `calc a:17*25 b:38+41`."""
    items = re.findall(r"\d+[+*]\d+", task)
    if not 1 <= len(items) <= 6:
        raise ValueError(
            f"piglet works on 1 to 6 items such as 17*25, and {task!r} has {len(items)}"
        )
    return "calc " + " ".join(f"{x}:{item}" for x, item in zip("abcdef", items, strict=False))
