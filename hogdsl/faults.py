"""What is wrong with JSON that came from elsewhere: where, what was found, what belongs there."""

import json
from typing import cast

from pydantic import ValidationError


def first_fault(error: ValidationError, document: object, *, whole: str) -> str:
    """The first fault in one line.

    Args:
        error: what pydantic has found.
        document: the JSON as Python has it.
        whole: what the document is called, for a fault of all of it.
    """
    fault = error.errors(include_url=False)[0]
    context = fault.get("ctx", {})
    path = _path(fault["loc"], document) or whole
    found = shown(fault["input"])
    match fault["type"]:
        case "extra_forbidden":
            return f"{path}: there is no such field; found {found}. Leave it out."
        case "missing":
            return f"{path}: must be given, and is missing. Add it."
        case "union_tag_not_found":
            return f"{path}.kind: must be given, and is missing. Add it."
        case "union_tag_invalid":
            tags = context["expected_tags"]
            return f"{path}.kind: must be one of {tags}; found {context['tag']!r}."
        case "too_short":
            return f"{path}: must have {context['min_length']} or more; found {found}."
        case _:
            reason = fault["msg"].removeprefix("Input should ")
            return f"{path}: must {reason}; found {found}."


def _path(place: tuple[int | str, ...], document: object) -> str:
    """`regions[0].streams[1].max_tokens`: the steps that lead through the document.

    pydantic names the member of a union between the way to it and the way through it: that is the
    value of `kind`, or for values that are no objects a step that leads nowhere.
    """
    path, here, passed = "", document, False
    for step in place:
        if isinstance(here, list) and isinstance(step, int):
            path, here, passed = f"{path}[{step}]", cast(list[object], here)[step], False
        elif isinstance(here, dict):
            members = cast(dict[str, object], here)
            if not passed and members.get("kind") == step:
                passed = True
                continue
            path, here, passed = f"{path}.{step}", members.get(str(step)), False
    return path.lstrip(".")


def shown(value: object) -> str:
    """A value for a message, cut at 60 characters."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= 60 else f"{text[:57]}..."
