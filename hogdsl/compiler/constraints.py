"""Constraints: what a `gen` may write, and regular expressions.

A constraint becomes a grammar, and not every schema or expression has one: a grammar is followed
token by token and cannot look ahead, or compare what comes with what has been. The grammar engine
is asked for each distinct constraint, once. Where it refuses a JSON schema, the fault is looked
for: the innermost part that is refused by itself, with the way that leads to it from the top, which
is the name of a field.

Stops, conditions and watches are other regular expressions: they are matched against text that is
there, by the `regex` package, and may look ahead.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, assert_never, cast

from hogdsl import plan
from hogdsl.compiler.ir import RegionIR, nodes_of
from hogdsl.compiler.nodes import Gen, Place

if TYPE_CHECKING:
    from llguidance import LLMatcher


def check_constraints(region: RegionIR) -> None:
    """Check every constraint and every regular expression of a flat region.

    Raises:
        ProgramError: the grammar engine refuses a constraint, or an expression is none.
    """
    for stream in region.streams:
        for node in nodes_of(stream):
            if isinstance(node, Gen):
                _check_gen(node)
    conditions = [until.condition for until in region.until]
    conditions += [hold.until for hold in region.holds]
    for rule in (*conditions, *region.watches):
        if rule.regex is not None:
            _check_regex(rule.regex, rule.place)


# A loop declares the same constraint in every round, and what is thought of it never changes.
@lru_cache(maxsize=256)
def regex_refusal(pattern: str) -> str | None:
    """Why the grammar engine refuses a regular expression; None if it takes it."""
    return _reason(_engine().grammar_from_regex(pattern))


@lru_cache(maxsize=256)
def schema_refusal(document: str) -> tuple[str, str] | None:
    """Why the grammar engine refuses a JSON schema: the field at fault, empty if it is the whole,
    and the reason; None if it takes it."""
    schema = cast(object, json.loads(document))
    return _innermost(schema, schema, "", frozenset())


def _check_gen(gen: Gen) -> None:
    for pattern in gen.stop_regex:
        _check_regex(pattern, gen.place)
    label = "a gen" if gen.name is None else f"gen {gen.name!r}"
    match gen.constraint:
        case plan.RegexConstraint():
            reason = regex_refusal(gen.constraint.regex)
            if reason is not None:
                raise gen.place.error(
                    f"the regex of {label} is refused: {reason}. A grammar is followed token by "
                    "token: leave out what looks ahead, looks back, or refers to a group.",
                    code="regex-refused",
                )
        case plan.JsonConstraint():
            found = schema_refusal(gen.constraint.document)
            if found is not None:
                field, reason = found
                where = f" at the field {field!r}" if field else ""
                raise gen.place.error(
                    f"the schema of {label} is refused{where}: {reason}. A grammar is followed "
                    "token by token: give the field a plainer type, and check the rest in Python.",
                    code="schema-refused",
                )
        case plan.ChoicesConstraint() | None:
            pass
        case _:
            assert_never(gen.constraint)


def _check_regex(pattern: str, place: Place) -> None:
    import regex  # `import hogdsl` stays quick

    try:
        regex.compile(pattern)
    except regex.error as error:
        raise place.error(
            f"{pattern!r} is no regular expression: {error}. Write a backslash before a character "
            "that stands for itself.",
            code="no-regex",
        ) from error


def _engine() -> "type[LLMatcher]":
    """The grammar engine, loaded when a program first has a constraint."""
    from llguidance import LLMatcher

    return LLMatcher


def _reason(grammar: str) -> str | None:
    """Why a grammar is refused, in one line; None if it is not."""
    message = _engine().validate_grammar(grammar)
    if not message:
        return None
    lines = message.splitlines()
    told = next((line for line in lines if line.startswith("error: ")), lines[0])
    return told.removeprefix("error: ").rstrip(".")


def _innermost(
    schema: object, root: object, field: str, seen: frozenset[str]
) -> tuple[str, str] | None:
    """The innermost refused part of a schema that is refused: its field, and the reason.

    `seen` are the definitions that lead here: one that refers to itself is looked at once.
    """
    ref = _reference(schema)
    if ref in seen:
        return None
    reason = _reason(_engine().grammar_from_json_schema(json.dumps(_whole(schema, root))))
    if reason is None:
        return None
    for inner, path in _parts(schema, root, field):
        found = _innermost(inner, root, path, seen | {ref} if ref else seen)
        if found is not None:
            return found
    return field, reason


def _whole(schema: object, root: object) -> object:
    """A part of a schema with the definitions that it refers to."""
    match schema, root:
        case dict(), dict():
            definitions = cast(dict[str, object], root).get("$defs", {})
            return {**cast(dict[str, object], schema), "$defs": definitions}
        case _:
            return schema


def _reference(schema: object) -> str:
    """Which definition a schema refers to; empty if it is none of these."""
    ref = cast(dict[str, object], schema).get("$ref") if isinstance(schema, dict) else None
    return str(ref or "").removeprefix("#/$defs/")


def _parts(schema: object, root: object, field: str) -> Iterator[tuple[object, str]]:
    """The parts of a schema, each with the field that it describes."""
    if not isinstance(schema, dict):
        return
    members = cast(dict[str, Any], schema)
    for name, inner in members.get("properties", {}).items():
        yield inner, f"{field}.{name}" if field else name
    for key in ("items", "additionalProperties", "propertyNames"):
        yield members.get(key, True), f"{field}[]"
    for i, inner in enumerate(members.get("prefixItems", ())):
        yield inner, f"{field}[{i}]"
    for key in ("anyOf", "oneOf", "allOf"):
        yield from ((inner, field) for inner in members.get(key, ()))
    if ref := _reference(members):
        yield cast(Any, root).get("$defs", {}).get(ref, True), field
