"""A plan as text for a reader: every stream's view in order, what it writes, and the rules.

The text is for people; its form is no interface. Views are the heart of a plan, so each block of a
view has a line of its own, with what stands in it.
"""

from typing import assert_never

from hogdsl import plan
from hogdsl.compiler.phrases import (
    condition,
    holding,
    listed,
    number,
    piece,
    quote,
    seconds_and_tokens,
)


def explain(whole: plan.Plan) -> str:
    """Describe a plan."""
    written = _Blocks(whole)
    lines = [f"program {whole.program}"]
    for region in whole.regions:
        lines += ["", *_region(region, written)]
    if whole.reads is not None:
        lines += ["", f"reads a value at {whole.reads}; what follows depends on it"]
    return "\n".join(lines) + "\n"


class _Blocks:
    """What stands in each block of a plan."""

    def __init__(self, whole: plan.Plan) -> None:
        self._content: dict[str, str] = {}
        for region in whole.regions:
            committing: dict[str, list[str]] = {}
            for stream in region.streams:
                if stream.commit is not None:
                    committing.setdefault(stream.commit.into, []).append(stream.name)
            writers = {s.view[-1]: s for s in region.streams}
            for block in region.blocks:
                match block:
                    case plan.TextBlock():
                        content = "; ".join(map(piece, block.pieces))
                    case plan.DetachedBlock():
                        content = f"detached {quote(block.text)}" + self._behind(block.after)
                    case plan.StreamBlock():
                        content = _written(writers.get(block.name))
                    case plan.HistoryBlock():
                        content = f"finished steps of {', '.join(committing.get(block.name, ()))}"
                    case _:
                        assert_never(block)
                self._content[block.name] = content

    def _behind(self, after: tuple[str, ...]) -> str:
        before = "; ".join(self._content[name] for name in after)
        return f", encoded after {before}" if before else ""

    def lines(self, stream: plan.Stream) -> list[str]:
        width = max(map(len, stream.view))
        shown = [
            f"{name:<{width}}  {self._content.get(name, 'a block of no region of this plan')}"
            for name in stream.view[:-1]
        ]
        return [*shown, f"{stream.view[-1]:<{width}}  its own"]


def _written(stream: plan.Stream | None) -> str:
    if stream is None:
        return "what nobody writes"
    return f"what {stream.name} {'hears' if stream.role == 'listen' else 'writes'}"


def _region(region: plan.Region, written: _Blocks) -> list[str]:
    lines = [f"region {region.name}" + (f"  ({region.where})" if region.where else "")]
    for stream in region.streams:
        lines += [f"  {stream.role} {stream.name}" * (stream.role != stream.name) or "  main"]
        lines += _stream(stream, region, written)
    lines += [f"  {_insert(insert)}" for insert in region.inserts]
    lines += [f"  {_watch(watch)}" for watch in region.watches]
    lines += [f"  {_until(until)}" for until in region.until]
    most = seconds_and_tokens(region.max_tokens, region.max_seconds)
    lines += [f"  lasts at most {most}"] * bool(most)
    return [*lines, f"  keeps {', '.join(region.keep) or 'nothing new'}"]


def _stream(stream: plan.Stream, region: plan.Region, written: _Blocks) -> list[str]:
    name = stream.name
    lines = _labelled("begins", _begins(stream))
    lines += _labelled("sees", written.lines(stream))
    lines += _labelled("writes", [piece(p) for p in stream.pieces])
    lines += _labelled("hears", _hears(stream))
    most = seconds_and_tokens(stream.max_tokens, stream.max_seconds)
    lines += _labelled("budget", [most] if most else [])
    if stream.commit is not None:
        lines += _labelled("commits", [_commit(name, stream.commit)])
    lines += _labelled("told", ["how much of it was delivered"] * stream.reports_delivery)
    lines += _labelled("asked", [_ask(a) for a in region.asks if a.stream == name])
    waits = [_wait(w, region) for w in region.waits if w.stream == name]
    return lines + _labelled("waits", waits + [_hold(h) for h in region.holds if h.stream == name])


def _labelled(label: str, rows: list[str]) -> list[str]:
    return [f"    {label if i == 0 else '':<8} {row}" for i, row in enumerate(rows)]


# ---------------------------------------------------------------- streams


def _begins(stream: plan.Stream) -> list[str]:
    if not stream.after:
        return []
    begins = f"when {listed(stream.after)} {'has' if len(stream.after) == 1 else 'have'} ended"
    if stream.continues:
        begins += f"; goes on with the budget and the steps of {stream.parent}"
    elif stream.parent is not None:
        begins += f", if {stream.parent} has finished"
    return [begins]


def _hears(stream: plan.Stream) -> list[str]:
    heard = stream.input
    if heard is None:
        return []
    lines = ["the region may end while it is open" if heard.background else "until it is closed"]
    whom = listed(heard.interrupts)
    they, them = ("it goes", "it") if len(heard.interrupts) == 1 else ("they go", "them")
    match heard.barge_in:
        case "ignore":
            return lines
        case "pause":
            told = f"holds {whom} until an utterance is complete"
        case "restart":
            told = f"takes {whom} back to what was delivered; then {they} on"
        case "stop":
            told = f"takes {whom} back to what was delivered, and ends {them}"
        case _:
            assert_never(heard.barge_in)
    return [*lines, told]


def _commit(name: str, commit: plan.Commit) -> str:
    header = quote(commit.header.replace("{name}", name))
    return f"steps up to {quote(commit.step)}, headed {header}, to {commit.into}"


def _ask(ask: plan.Ask) -> str:
    every = [] if ask.every is None else [f"every {ask.every} tokens"]
    at = [] if ask.at is None else [f"at {quote(ask.at)}"]
    answers = "/".join(ask.answers)
    return f"{quote(ask.question)} ({answers}) {' and '.join(every + at)}".rstrip()


def _wait(wait: plan.Wait, region: plan.Region) -> str:
    asked = next((ask.stream for ask in region.asks if ask.name == wait.ask), wait.ask)
    each = "" if wait.each is None else f", before each {quote(wait.each)}"
    return f"until {asked} is asked and answers {quote(wait.answer)}{each}"


def _hold(hold: plan.Hold) -> str:
    where = "at its beginning" if hold.at is None else f"at each {quote(hold.at)}"
    return f"{where}, until {condition(hold.until)}"


# ---------------------------------------------------------------- rules


def _insert(insert: plan.Insert) -> str:
    whom = ", ".join(insert.streams)
    if insert.into == "random":
        whom = f"one of {whom} at random"
    elif len(insert.streams) > 1:
        whom = f"each of {whom}"
    at = "" if insert.at is None else f", at the next {quote(insert.at)}"
    return f"inserts {quote(insert.text)} into {whom}, every {insert.every} tokens{at}"


def _watch(watch: plan.Watch) -> str:
    if watch.regex is None:
        when = f"every {number(watch.every or 1)} steps"
    else:
        when = f"when {listed(watch.streams, 'or')} writes /{watch.regex}/"
    return f"tells the program {when}{holding(watch.hold)}"


def _until(until: plan.Until) -> str:
    what = f"ends {', '.join(until.ends)}" if until.ends else "ends"
    return f"{what} when {condition(until.condition)}"
