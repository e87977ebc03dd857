"""`--set key=value`: what the caller typed, turned into what the program's annotations say."""

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from hogdsl.language.channel import Channel
from hogdsl.terminal.failures import UsageError

Value = object


def parse_settings(settings: Iterable[str]) -> dict[str, str]:
    """`["key=value", …]` as a dict.

    Raises:
        UsageError: one has no `=`, or a key comes twice.
    """
    parsed: dict[str, str] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise UsageError(f"--set wants key=value, not {setting!r}")
        if key in parsed:
            raise UsageError(f"--set gives {key!r} twice")
        parsed[key] = value
    return parsed


def bind(
    name: str, signature: inspect.Signature, settings: Mapping[str, str], *, sketch: bool = False
) -> dict[str, Value]:
    """Keyword arguments for a program.

    Args:
        name: the program's, for messages.
        signature: its parameters, without the scope; annotations resolved.
        settings: what was typed.
        sketch: fill a missing text with `{its name}`, where the value does not matter.

    Raises:
        UsageError: an argument is unknown, missing, or not of its type; the message shows the
            signature.
    """
    parameters = signature.parameters
    shown = f"{name}({', '.join(str(parameter) for parameter in parameters.values())})"
    for key in settings:
        if key not in parameters:
            raise UsageError(f"the program has no argument {key!r}: {shown}")
    bound: dict[str, Value] = {}
    for key, parameter in parameters.items():
        if key in settings:
            bound[key] = convert(key, settings[key], parameter.annotation)
        elif parameter.default is not parameter.empty:
            continue
        elif sketch and parameter.annotation in (str, parameter.empty):
            bound[key] = f"{{{key}}}"
        elif sketch and parameter.annotation is Channel:
            bound[key] = Channel()
        else:
            raise UsageError(f"--set {key}=... is missing: {shown}")
    return bound


def signature_of(program: Callable[..., object]) -> inspect.Signature:
    """The parameters of a program, or of its function, without the scope. Annotations that were
    written as text are resolved.

    Raises:
        UsageError: one cannot be.
    """
    function = inspect.unwrap(program)
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise UsageError(
            f"an annotation of the program names {error.name!r}, which its file does not define"
            " when it runs"
        ) from None
    signature = inspect.signature(function)
    parameters = [
        parameter.replace(annotation=hints.get(key, parameter.annotation))
        for key, parameter in list(signature.parameters.items())[1:]
    ]
    return signature.replace(parameters=parameters)


def convert(key: str, text: str, annotation: Any) -> Value:
    """The value that `text` stands for.

    A text stays what it is. A channel is `-`, the lines of standard input, or a file that is played
    back in time. Everything else may be written plainly (`3`, `yes`), as JSON
    (`{"a": 1}`, `["x", "y"]`), or, where there are several, with commas (`x,y`).

    Raises:
        UsageError: it is none of these for this type.
    """
    if annotation in (str, inspect.Parameter.empty):
        return text
    if annotation is Channel:
        return _channel(key, text)
    try:
        adapter = TypeAdapter[Value](annotation)
    except PydanticUserError:
        raise UsageError(
            f"argument {key!r} is a {_name(annotation)} and cannot be given with --set;"
            " call the program from Python"
        ) from None
    ways: tuple[Callable[[], Value], ...] = (
        lambda: adapter.validate_strings(text),
        lambda: adapter.validate_json(text),
        lambda: adapter.validate_python([item.strip() for item in text.split(",")]),
    )
    problems: list[str] = []
    for way in ways:
        try:
            return way()
        except ValidationError as error:
            problems.append(error.errors()[0]["msg"])
    # What was meant as JSON is best explained by what is wrong with it as JSON.
    problem = problems[1] if text.lstrip().startswith(("{", "[")) else problems[0]
    raise UsageError(f"--set {key}={text!r} is no {_name(annotation)}: {problem}")


def _channel(key: str, text: str) -> Channel:
    if text == "-":
        return Channel.from_lines(sys.stdin)
    if not Path(text).is_file():
        raise UsageError(
            f"--set {key}={text!r} is a channel: give `-` for standard input, or a file"
            " whose lines are played back"
        )
    return Channel.from_file(Path(text))


def _name(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)
