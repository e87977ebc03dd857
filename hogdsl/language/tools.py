"""Tools: typed Python functions that a stream calls by writing, while the others go on.

    @hog.tool
    def weather(city: str) -> str: ...

    @hog.tool(pattern=r"(?P<x>\\d+)\\*(?P<y>\\d+)\\?", result="={}\\n")
    def times(x: int, y: int) -> int: ...

A tool without a pattern is called with `CALL` and answered with `RESULT`; one with a pattern is
called by whatever text matches it, and its named groups are the arguments. Either way pydantic
turns what the model wrote into the annotated types. Arguments that do not fit, and a `ToolError`
that the tool raises, are told to the model; any other exception ends the run.
"""

import inspect
import string
from collections.abc import Callable
from functools import update_wrapper
from typing import (
    Any,
    Generic,
    NotRequired,
    ParamSpec,
    TypeVar,
    cast,
    final,
    get_type_hints,
    overload,
)

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import to_json
from typing_extensions import TypedDict

from hogdsl.compiler.nodes import Place
from hogdsl.language.conditions import checked_pattern
from hogdsl.language.source import here

CALL = '<tool>{"name": …, "arguments": {…}}</tool>'
"""How a stream calls a tool that has no pattern."""
RESULT = "<result>{}</result>"
"""How the result comes; an error begins with `error: `."""

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class ToolError(Exception):
    """Raised by a tool to tell the model, instead of ending the run."""


@final
class Tool(Generic[P, R_co]):
    """A function that a stream can call; the program can still call it, too."""

    __wrapped__: Callable[P, R_co]

    def __init__(
        self, function: Callable[P, R_co], pattern: str | None, result: str, place: Place
    ) -> None:
        self._function, self.pattern, self.result = function, pattern, result
        self._arguments = _arguments(function, place)
        self.schema: dict[str, Any] = self._arguments.json_schema()
        """JSON schema of the arguments."""
        update_wrapper(self, function)
        if pattern is not None:
            _check_groups(pattern, inspect.signature(function), self.name, place)

    @property
    def name(self) -> str:
        """Name of the function, by which it is called."""
        return self._function.__name__

    @property
    def description(self) -> str:
        """First paragraph of the function's docstring."""
        return inspect.cleandoc(self._function.__doc__ or "").partition("\n\n")[0]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the function."""
        return self._function(*args, **kwargs)

    def answer(self, arguments: object) -> str:
        """Call the function with what the model wrote, and put its result into words."""
        try:
            checked = self._arguments.validate_python(arguments)
        except ValidationError as error:
            return f"error: {_first_fault(error)}"
        try:
            result = self._function(**checked)  # pyright: ignore[reportCallIssue] -- as checked
        except ToolError as error:
            return f"error: {error}"
        return result if isinstance(result, str) else to_json(result, fallback=str).decode()

    def __repr__(self) -> str:
        return f"<Tool {self.name}{inspect.signature(self._function)}>"


@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...
@overload
def tool(
    *, pattern: str | None = None, result: str | None = None
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...
def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    pattern: str | None = None,
    result: str | None = None,
) -> Any:
    """Make a tool of a typed function, for `stream.uses(...)`.

    Args:
        function: its name, docstring and annotations are what the model is told.
        pattern: a regular expression whose named groups are the arguments; by default the call is
            written as `<tool>{"name": …, "arguments": {…}}</tool>`.
        result: how the result is written; `{}` is filled in. By default `<result>{}</result>`,
            and with a pattern the bare result.

    Raises:
        ProgramError: the function takes what no model can write, or pattern and result do not fit.
    """
    place = here()
    form = result if result is not None else (RESULT if pattern is None else "{}")
    _check_form(form, place)
    checked = None if pattern is None else checked_pattern(pattern, place)
    if function is not None:
        return Tool(function, checked, form, place)

    def made(function: Callable[..., Any]) -> Tool[..., Any]:
        return Tool(function, checked, form, place)

    return made


def describe(*tools: Tool[..., Any]) -> str:
    """What a prompt should say of tools: how each is called, what it does and what it takes."""
    lines: list[str] = []
    tagged = [tool for tool in tools if tool.pattern is None]
    if tagged:
        lines.append(f"Call a tool with {CALL}. Its result follows as {RESULT.format('…')}.")
    for tool in tools:
        how = "" if tool.pattern is None else f" Called by text that matches {tool.pattern}"
        lines.append(f"- {tool.name}: {tool.description}{how}".rstrip())
        if tool.pattern is None:
            lines.append(f"  arguments: {to_json(tool.schema).decode()}")
    return "\n".join(lines) + "\n"


def _arguments(function: Callable[..., Any], place: Place) -> TypeAdapter[dict[str, Any]]:
    """Turns what a model wrote into the arguments of a function."""
    fields: dict[str, Any] = {}
    try:
        hints = get_type_hints(function, include_extras=True)
        for name, parameter in inspect.signature(function).parameters.items():
            if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                raise TypeError(f"the argument {name!r} has no name that a call could give")
            type_ = hints.get(name, Any)
            fields[name] = type_ if parameter.default is parameter.empty else NotRequired[type_]
        if inspect.iscoroutinefunction(function):
            raise TypeError("it is a coroutine")
        arguments = cast(Callable[..., Any], TypedDict)("Arguments", fields)
        arguments.__pydantic_config__ = ConfigDict(extra="forbid")
        return TypeAdapter(arguments)
    except (TypeError, NameError, PydanticUserError) as error:
        name = getattr(function, "__name__", repr(function))
        raise place.error(
            f"{name} cannot be a tool: {str(error).splitlines()[0]}. A tool is a plain function "
            "whose arguments all have names, and types that pydantic can validate.",
            code="tool-function",
        ) from error


def _check_groups(pattern: str, signature: inspect.Signature, name: str, place: Place) -> None:
    import regex as expressions  # `import hogdsl` stays quick

    groups = set(expressions.compile(pattern).groupindex)
    taken = set(signature.parameters)
    needed = {n for n, p in signature.parameters.items() if p.default is p.empty}
    if not needed <= groups <= taken:
        example = min(needed - groups or taken, default="x")
        raise place.error(
            f"the pattern of the tool {name!r} has the groups {_listed(groups)}, and the function "
            f"takes {_listed(taken)}. Name a group for each argument, as in (?P<{example}>...).",
            code="tool-pattern",
        )


def _check_form(form: str, place: Place) -> None:
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(form) if field is not None]
    except ValueError:
        fields = []
    if fields != [""]:
        raise place.error(
            f"result= has one {{}}, where the result is filled in, and {form!r} has not. "
            "Write a brace of its own as '{{' or '}}'.",
            code="tool-result",
        )


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    where = ".".join(map(str, fault["loc"]))
    return f"{where}: {fault['msg']}" if where else fault["msg"]


def _listed(names: set[str]) -> str:
    return ", ".join(map(repr, sorted(names))) or "none"
