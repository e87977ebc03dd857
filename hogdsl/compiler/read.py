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
from hogdsl.faults import first_fault, shown
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
        raise PlanError(f"a plan is a JSON object, and here is {shown(document)}.")
    document = cast(dict[str, object], document)
    _check_version(document.get("version", PLAN_VERSION))
    try:
        return Plan.model_validate_json(text)
    except ValidationError as error:
        raise PlanError(first_fault(error, document, whole="the plan")) from error


def _check_version(version: object) -> None:
    if type(version) is not int or version < 1:
        raise PlanError(f"version: must be {PLAN_VERSION}; found {shown(version)}.")
    if version > PLAN_VERSION:
        raise PlanError(
            f"version: the plan is of version {version}, and this release reads versions up to "
            f"{PLAN_VERSION}. Install a newer hogdsl, or compile the program again with this one."
        )
