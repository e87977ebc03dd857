"""What the grammar engine takes and what it refuses, by the name of the field."""

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from hogdsl.compiler.constraints import check_constraints, regex_refusal, schema_refusal
from hogdsl.plan import ChoicesConstraint, JsonConstraint, RegexConstraint
from tests.compiler.build import gen, hold, matches, region, stream, until_, watch
from tests.compiler.stops import stops


class Tool(BaseModel):
    name: str
    where: Path


class Plan(BaseModel):
    kind: Literal["plan"]
    steps: list[str]
    tools: list[Tool]
    parent: "Plan | None" = None


def schema(document: dict[str, Any]) -> JsonConstraint:
    return JsonConstraint(document=json.dumps(document))


@pytest.mark.parametrize(
    "constraint",
    [
        RegexConstraint(regex=r"\d+(\.\d+)?"),
        ChoicesConstraint(choices=("a/b", "c")),
        schema({"type": "object", "properties": {"a": {"type": "integer"}}}),
    ],
)
def test_a_constraint_with_a_grammar_passes(constraint):
    check_constraints(region(stream("a", gen(constraint=constraint))))


def test_a_regex_that_looks_ahead_is_refused():
    constraint = RegexConstraint(regex="a(?=b)")
    assert stops(
        check_constraints, region(stream("a", gen("x", constraint=constraint, line=6)))
    ) == (
        6,
        "the regex of gen 'x' is refused: look-around, including look-ahead and look-behind, is "
        "not supported. A grammar is followed token by token: leave out what looks ahead, looks "
        "back, or refers to a group.",
    )
    assert regex_refusal("a|b") is None


def test_a_schema_is_refused_at_its_field():
    constraint = JsonConstraint(document=json.dumps(Plan.model_json_schema()))
    assert stops(check_constraints, region(stream("a", gen(constraint=constraint, line=6)))) == (
        6,
        "the schema of a gen is refused at the field 'tools[].where': Unknown format: path. A "
        "grammar is followed token by token: give the field a plainer type, and check the rest in "
        "Python.",
    )


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"type": "array", "uniqueItems": True}, ""),
        (
            {"properties": {"a": {"prefixItems": [{}, {"type": "array", "uniqueItems": True}]}}},
            "a[1]",
        ),
        ({"anyOf": [{"type": "null"}, {"not": {}}]}, ""),
        ({"additionalProperties": {"not": {}}}, "[]"),
        (
            {
                "$defs": {"n": {"properties": {"next": {"$ref": "#/$defs/n"}, "v": {"not": {}}}}},
                "properties": {"first": {"$ref": "#/$defs/n"}},
            },
            "first.v",
        ),
    ],
)
def test_the_innermost_part_at_fault_is_named(document: dict[str, Any], field: str):
    found = schema_refusal(json.dumps(document))
    assert found is not None
    assert found[0] == field


@pytest.mark.parametrize(
    "faulty",
    [
        region(stream("a", gen(stop_regex=("x", "("), line=6))),
        region(stream("a"), untils=(until_(matches(regex="(", line=6)),)),
        region(stream("a"), stream("b"), holds=(hold("a", matches("b", regex="(", line=6)),)),
        region(stream("a"), watches=(watch("a", regex="(", line=6),)),
    ],
)
def test_every_regular_expression_is_one(faulty):
    line, rule = stops(check_constraints, faulty)
    assert line == 6
    assert rule.startswith("'(' is no regular expression: missing ) at position 1.")


def test_stops_and_conditions_may_look_ahead():
    check_constraints(region(stream("a", gen(stop_regex=("a(?=b)",)))))
