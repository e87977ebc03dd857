"""Calls of tools: how a stream's text becomes a call, and its result text behind the call.

A tool with a pattern has a watch of its own. All others share one, on `CALL_REGEX`: which of them
is meant, and whether there is such a tool at all, is known only when the call can be read.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from pydantic_core import from_json

from hogdsl.compiler.nodes import Place
from hogdsl.language.callbacks import watch_regex
from hogdsl.language.draft import Rules
from hogdsl.language.live import Live
from hogdsl.language.match import Match
from hogdsl.language.tools import CALL, RESULT, Tool

CALL_REGEX = r"(?s)<tool>(?P<call>.*?)</tool>"
"""What `hogdsl.language.tools.CALL` looks like in a text."""


def watch_calls(
    rules: Rules, stream: str, tools: Sequence[object], *, hold: bool, place: Place
) -> None:
    """Note that a stream may call these tools.

    Raises:
        ProgramError: one is no tool, or two have the same name.
    """
    tagged: dict[str, Tool[..., Any]] = {}
    for tool in tools:
        if not isinstance(tool, Tool):
            raise place.error(
                f"a stream uses tools, and {tool!r} is none. Decorate the function with hog.tool.",
                code="no-tool",
            )
        tool = cast(Tool[..., Any], tool)
        if tool.pattern is not None:
            answer = _by_pattern(tool)
            watch_regex(rules, stream, tool.pattern, answer, hold=hold, place=place)
        elif tool.name in tagged:
            raise place.error(
                f"two tools have the name {tool.name!r}, and a call could mean either. "
                "Rename one of the functions.",
                code="tool-twice",
            )
        else:
            tagged[tool.name] = tool
    if tagged:
        watch_regex(rules, stream, CALL_REGEX, _by_name(tagged), hold=hold, place=place)


def _by_pattern(tool: Tool[..., Any]) -> Callable[[Live, Match], str]:
    def answer(_: Live, match: Match) -> str:
        arguments = {k: v for k, v in match.named().items() if v is not None}
        return tool.result.format(tool.answer(arguments))

    return answer


def _by_name(tools: Mapping[str, Tool[..., Any]]) -> Callable[[Live, Match], str]:
    def answer(_: Live, match: Match) -> str:
        call = _parsed(match["call"] or "")
        if call is None:
            return RESULT.format(f"error: a call is written {CALL}")
        name, arguments = call
        tool = tools.get(name)
        if tool is None:
            return RESULT.format(f"error: no tool {name!r}; there is {', '.join(tools)}")
        return tool.result.format(tool.answer(arguments))

    return answer


def _parsed(call: str) -> tuple[str, object] | None:
    try:
        written = from_json(call)
    except ValueError:
        return None
    match written:
        case {"name": str(name), **rest}:
            return name, rest.get("arguments", {})
        case _:
            return None
