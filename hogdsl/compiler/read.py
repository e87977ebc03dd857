"""Reading a plan that came from elsewhere.

A plan says which version of the format it is written in. An older one that we know is read; a newer
one is refused as a whole, because a field that we do not know might be one that matters. Anything
else that is wrong is said of the first field at fault: where it is, what was found there, and what
belongs there.
"""

import json
from typing import cast

from pydantic import ValidationError

from hogdsl.errors import PlanError
from hogdsl.plan import PLAN_VERSION, Plan


def read_plan(text: str | bytes) -> Plan:
    """Read a plan from JSON.

    Raises:
        PlanError: it is no JSON, is of a newer version, or a field of it is wrong or unknown.
    """
    try:
        document = cast(object, json.loads(text))
    except ValueError as error:
        raise PlanError(
            f"the plan is no JSON: {error}. Write it with plan.model_dump_json()."
        ) from error
    if not isinstance(document, dict):
        raise PlanError(f"a plan is a JSON object, and here is {_shown(document)}.")
    _check_version(cast(dict[str, object], document).get("version", PLAN_VERSION))
    try:
        return Plan.model_validate_json(text)
    except ValidationError as error:
        raise PlanError(_fault(error, cast(object, document))) from error


def _check_version(version: object) -> None:
    if type(version) is not int or version < 1:
        raise PlanError(f"version: must be {PLAN_VERSION}; found {_shown(version)}.")
    if version > PLAN_VERSION:
        raise PlanError(
            f"version: the plan is of version {version}, and this release reads versions up to "
            f"{PLAN_VERSION}. Install a newer hogdsl, or compile the program again with this one."
        )


def _fault(error: ValidationError, document: object) -> str:
    """The first fault in one line."""
    fault = error.errors(include_url=False)[0]
    context = fault.get("ctx", {})
    path, found = _path(fault["loc"], document), _shown(fault["input"])
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
    path, here, passed = "", document, True
    for step in place:
        if isinstance(here, list) and isinstance(step, int):
            path, here, passed = f"{path}[{step}]", cast(list[object], here)[step], False
        elif isinstance(here, dict):
            members = cast(dict[str, object], here)
            if not passed and members.get("kind") == step:
                passed = True
                continue
            path, here, passed = f"{path}.{step}", members.get(str(step)), False
    return path.lstrip(".") or "the plan"


def _shown(value: object) -> str:
    shown = json.dumps(value, ensure_ascii=False, default=repr)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
