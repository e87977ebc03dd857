"""A plan as text for a reader: every stream's view in order, what it writes, and the rules.

The text is for people; its form is no interface. Views are the heart of a plan, so each block of a
view has a line of its own, with what stands in it.
"""

import json
from typing import assert_never

from hogdsl import plan

_SHOWN_CHARS = 48


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
            committing = [s.name for s in region.streams if s.commit]
            writers = {s.view[-1]: s.name for s in region.streams}
            for block in region.blocks:
                match block:
                    case plan.TextBlock():
                        content = "; ".join(map(_piece, block.pieces))
                    case plan.StreamBlock():
                        content = f"what {writers.get(block.name, 'nobody')} writes"
                    case plan.HistoryBlock():
                        content = f"finished steps of {', '.join(committing)}"
                    case _:
                        assert_never(block)
                self._content[block.name] = content

    def lines(self, stream: plan.Stream) -> list[str]:
        width = max(map(len, stream.view))
        shown = [
            f"{name:<{width}}  {self._content.get(name, 'a block of no region of this plan')}"
            for name in stream.view[:-1]
        ]
        return [*shown, f"{stream.view[-1]:<{width}}  its own"]


def _region(region: plan.Region, written: _Blocks) -> list[str]:
    lines = [f"region {region.name}" + (f"  ({region.where})" if region.where else "")]
    for stream in region.streams:
        lines += [f"  {stream.role} {stream.name}" * (stream.role != stream.name) or "  main"]
        lines += _labelled("sees", written.lines(stream))
        lines += _labelled("writes", [_piece(piece) for piece in stream.pieces])
        lines += _labelled("budget", _budget(stream.max_tokens, stream.max_seconds))
        if stream.commit is not None:
            lines += _labelled("commits", _commit(stream.name, stream.commit))
        lines += _labelled("asked", [_ask(a) for a in region.asks if a.stream == stream.name])
        lines += _labelled(
            "waits", [_wait(w, region) for w in region.waits if w.stream == stream.name]
        )
    lines += [f"  ends when {_until(until)}" for until in region.until]
    lines += [f"  lasts at most {_number(s)} s" for s in [region.max_seconds] if s is not None]
    return [*lines, f"  keeps {', '.join(region.keep) or 'nothing new'}"]


def _labelled(label: str, rows: list[str]) -> list[str]:
    return [f"    {label if i == 0 else '':<8} {row}" for i, row in enumerate(rows)]


def _piece(piece: plan.Piece) -> str:
    match piece:
        case plan.Text():
            return _quote(piece.text)
        case plan.Turn():
            return f"{piece.role} turn" + (f" {_quote(piece.prefix)}" if piece.prefix else "")
        case plan.CloseTurn():
            return "end of turn"
        case plan.Gen():
            return _gen(piece)
        case plan.Select():
            choices = ", ".join(map(_quote, piece.choices))
            return f"select {piece.name or '(unnamed)'}: {choices}"
        case _:
            assert_never(piece)


def _gen(gen: plan.Gen) -> str:
    parts = [f"gen {gen.name}" if gen.name else "gen"]
    if gen.max_tokens is not None:
        parts.append(f"at most {gen.max_tokens} tokens")
    if gen.stop:
        parts.append(f"up to {' or '.join(map(_quote, gen.stop))}")
    sampling = gen.sampling
    if sampling.temperature > 0:
        parts.append(f"temperature {_number(sampling.temperature)}")
        parts += [f"top_p {_number(sampling.top_p)}"] * (sampling.top_p < 1)
        parts += [f"top_k {sampling.top_k}"] * (sampling.top_k is not None)
    return ", ".join(parts)


def _budget(max_tokens: int | None, max_seconds: float | None) -> list[str]:
    tokens = [] if max_tokens is None else [f"{max_tokens} tokens"]
    seconds = [] if max_seconds is None else [f"{_number(max_seconds)} s"]
    return [", ".join(tokens + seconds)] if tokens or seconds else []


def _commit(name: str, commit: plan.Commit) -> list[str]:
    header = _quote(commit.header.replace("{name}", name))
    return [f"steps up to {_quote(commit.step)}, headed {header}, to {commit.into}"]


def _ask(ask: plan.Ask) -> str:
    every = [] if ask.every is None else [f"every {ask.every} tokens"]
    at = [] if ask.at is None else [f"at {_quote(ask.at)}"]
    answers = "/".join(ask.answers)
    return f"{_quote(ask.question)} ({answers}) {' and '.join(every + at)}".rstrip()


def _wait(wait: plan.Wait, region: plan.Region) -> str:
    asked = next((ask.stream for ask in region.asks if ask.name == wait.ask), wait.ask)
    each = "" if wait.each is None else f", before each {_quote(wait.each)}"
    return f"until {asked} is asked and answers {_quote(wait.answer)}{each}"


def _until(until: plan.Until) -> str:
    n, streams = until.n, until.streams
    quorum = "any" if n == 1 else "all" if n == len(streams) else str(n)
    return f"{quorum} of {', '.join(streams)} {'matches' if n == 1 else 'match'} /{until.regex}/"


def _quote(text: str) -> str:
    if len(text) > _SHOWN_CHARS:
        head, tail = text[: _SHOWN_CHARS * 2 // 3], text[-_SHOWN_CHARS // 3 :]
        text = f"{head}…{tail}"
    return json.dumps(text, ensure_ascii=False)


def _number(value: float) -> str:
    return f"{value:g}"
