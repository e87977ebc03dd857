"""Reading plans from elsewhere: what is refused, with the field and the reason."""

import json
from typing import Any

import pytest

from hogdsl.compiler.lower import lower
from hogdsl.compiler.read import read_plan
from hogdsl.errors import PlanError
from hogdsl.plan import Plan
from tests.compiler.build import gen, region, stream, until

PLAN = Plan(program="p", regions=(lower(region(stream("a", gen(stop="!")), untils=(until(),))),))


def with_(value: Any, *path: str | int) -> str:
    """The plan as JSON with another value somewhere."""
    document = json.loads(PLAN.model_dump_json())
    here = document
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = value
    return json.dumps(document)


def test_a_plan_is_read_as_it_was_written():
    assert read_plan(PLAN.model_dump_json()) == PLAN
    assert read_plan(PLAN.model_dump_json().encode()) == PLAN


FIRST_PIECE = ("regions", 0, "streams", 0, "pieces", 0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            with_(2, "version"),
            "version: the plan is of version 2, and this release reads versions up to 1. Install a "
            "newer hogdsl, or compile the program again with this one.",
        ),
        (with_("1", "version"), 'version: must be 1; found "1".'),
        (with_(0, "version"), "version: must be 1; found 0."),
        (with_(5, "speed"), "speed: there is no such field; found 5. Leave it out."),
        (
            with_(None, "regions", 0, "colour"),
            "regions[0].colour: there is no such field; found null. Leave it out.",
        ),
        (
            with_(-1, *FIRST_PIECE, "max_tokens"),
            "regions[0].streams[0].pieces[0].max_tokens: must be greater than 0; found -1.",
        ),
        (
            with_({"kind": "fly"}, *FIRST_PIECE),
            "regions[0].streams[0].pieces[0].kind: must be one of 'text', 'turn', 'close_turn', "
            "'gen', 'select'; found 'fly'.",
        ),
        (
            with_({"text": "hi"}, *FIRST_PIECE),
            "regions[0].streams[0].pieces[0].kind: must be given, and is missing. Add it.",
        ),
        (
            with_({"kind": "text"}, *FIRST_PIECE),
            "regions[0].streams[0].pieces[0].text: must be given, and is missing. Add it.",
        ),
        (
            with_({"kind": "regex", "regex": 5}, *FIRST_PIECE, "constraint"),
            "regions[0].streams[0].pieces[0].constraint.regex: must be a valid string; found 5.",
        ),
        (
            with_([], "regions", 0, "until", 0, "condition", "streams"),
            "regions[0].until[0].condition.streams: must have 1 or more; found [].",
        ),
        (
            with_("boss", "regions", 0, "streams", 0, "role"),
            "regions[0].streams[0].role: must be 'main', 'worker', 'think', 'say' or 'listen'; "
            'found "boss".',
        ),
        ("[]", "a plan is a JSON object, and here is []."),
        ("{", "the plan is no JSON: Expecting property name enclosed in double quotes: "),
    ],
)
def test_a_plan_that_is_none_is_refused_by_its_field(text: str, found: str):
    with pytest.raises(PlanError) as caught:
        read_plan(text)
    assert str(caught.value).startswith(found)
    if "JSON" not in found:
        assert str(caught.value) == found
