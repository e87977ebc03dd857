"""Programs as a newcomer would write them: three concurrent ones, and a sequential one."""

from pydantic import BaseModel

import hogdsl as hog

RULES = "You are {names}. Solve this together.\n\n"
THINKER = "Think in private about this: "
WRITER = "Answer this for the reader: "


@hog.program
def solve_together(s: hog.Scope, problem: str, names: tuple[str, ...] = ("Alice", "Bob")) -> str:
    """Workers share one cache and agree themselves who does what (Hogwild!, section 3)."""
    s += hog.user(RULES.format(names=names) + problem) + hog.turn("assistant")
    layout = hog.layouts.combined(step="\n\n", header="**{name} [{step}]:** ")
    with s.fork(*names, layout=layout, max_seconds=60) as team:
        for w in team:
            w += f"Hi, I'm {w.name}. "
            w += hog.gen("work", max_tokens=2048)
        team.until(hog.any_worker(hog.regex(r"\\boxed\{(.+?)\}")))
    s += "\n\nSo the final answer is \\boxed{" + hog.gen("answer", max_tokens=16, stop="}")
    return s["answer"]


@hog.program
def talk_while_thinking(s: hog.Scope, question: str) -> str:
    """The reply starts while the thoughts go on; a question to the thinker paces it."""
    with s.concurrent() as now:
        with now.think("thoughts", prompt=hog.user(THINKER + question), max_tokens=4096) as think:
            think += hog.gen(stop="</think>")
        with now.say("reply", prompt=hog.user(WRITER + question)) as say:
            say += hog.gen()
        opened = hog.turn("assistant", "<think>\n")
        think.sees(hog.turn("assistant"), say, " SYSTEM: [the response continues here]", opened)
        say.sees(opened, think, " SYSTEM: [more thoughts will appear here]\n</think>\n")
        ahead = "Wait, are my private thoughts ahead of the response? (yes/no): "
        say.waits_for(think.ask(ahead, every=20, at="\n\n"))
    return now["reply"]


class Summary(BaseModel):
    topic: str
    n_facts: int


@hog.program
def keep_listening(s: hog.Scope, mic: hog.Channel) -> Summary:
    """Input lands in the cache while the model thinks and speaks."""
    with s.concurrent(until=hog.closed("mic")) as now:
        with now.listen("mic", mic):
            ...
        with now.think("notes", max_tokens=512) as think:
            think += hog.gen()
        with now.say("reply") as say:
            say += hog.gen(stop="\n")
    return s.gen(Summary)


@hog.program
def choose_a_tool(s: hog.Scope, task: str) -> str:
    """Sequential code: what comes next depends on a value."""
    s += hog.system("You have tools.") + hog.user(task)
    s += hog.turn("assistant", "I use the ") + hog.select("tool", ["calculator", "browser"])
    if s["tool"] == "calculator":
        s += " and type: " + hog.gen("input", stop="=")
    else:
        s += " and search for: " + hog.gen("input", stop="\n", temperature=0.7, top_p=0.9)
    return s["tool"] + ": " + s["input"]


@hog.program
def read_together(s: hog.Scope, document: str, question: str) -> str:
    """A document is encoded once, and stands at another place in every view."""
    read = hog.detached(document, after=hog.system("You read carefully."))
    s += hog.user("Read this: " + read + "\nThen answer: " + question)
    with s.concurrent() as now:
        with now.think("notes", prompt=hog.turn("assistant"), max_tokens=32) as notes:
            notes += hog.gen()
        with now.say("reply", prompt="Once more: " + hog.detached(document)) as reply:
            reply += hog.turn("assistant") + hog.gen(max_tokens=32)
    return now["reply"]
