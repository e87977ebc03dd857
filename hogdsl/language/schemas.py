"""Types of values: from a type to the JSON schema that a model writes by, and back to the value.

A schema says which texts are values of the type. Objects of it are closed: where a schema does not
say whether an object may have other members than its own, it may not, because a model that may
always add one more might never end.
"""

import json
import re
from functools import lru_cache
from typing import Any, cast, get_args, get_origin

from pydantic import BaseModel, PydanticUserError, TypeAdapter, ValidationError

from hogdsl.compiler.nodes import Place
from hogdsl.events import Value
from hogdsl.plan import JsonConstraint

_DATA = frozenset({"const", "default", "enum", "examples"})
"""Members of a schema that are values, not schemas."""


class Schema:
    """A type whose values a model can write."""

    def __init__(self, type_: object, place: Place) -> None:
        """Raises: ProgramError: pydantic knows no JSON schema of the type."""
        self._name = _shown(type_)
        try:
            self._adapter, self.document = _adapter_and_document(type_)
        except PydanticUserError as error:
            member = _culprit(type_)
            raise place.error(
                f"{self._name} cannot be written as JSON: "
                f"{error.message.splitlines()[0].partition('. ')[0]}"
                f"{f' ({member})' if member else ''}. "
                "Give a pydantic model, or a type that pydantic can write as JSON.",
                code="no-schema",
            ) from error

    @property
    def constraint(self) -> JsonConstraint:
        """What holds a `gen` to the schema."""
        return JsonConstraint(document=self.document)

    def read(self, value: Value, place: Place) -> Any:
        """The value that a model wrote.

        Raises:
            ProgramError: it is not whole, or breaks a rule that no JSON schema can say.
        """
        try:
            return self._adapter.validate_json(value.value)
        except ValidationError as error:
            raise place.error(
                self._not_whole(value) if value.reason != "complete" else self._refused(error),
                code="value-incomplete" if value.reason != "complete" else "value-invalid",
            ) from error

    def _not_whole(self, value: Value) -> str:
        why = {
            "max_tokens": "its gen ran out of max_tokens",
            "stream_ended": "its stream ended before",
        }.get(value.reason, f"its gen ended with the reason {value.reason!r}")
        return (
            f"the {self._name} is not whole: {why}, and the text is {value.value!r}. "
            "Give it a greater budget."
        )

    def _refused(self, error: ValidationError) -> str:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"]))
        return (
            f"what the model wrote is no {self._name}: {fault['msg']}"
            f"{f' ({where})' if where else ''}. It fits the JSON schema, which cannot say this "
            "rule. Loosen the rule, or catch this error."
        )


def _adapter_and_document(type_: object) -> "tuple[TypeAdapter[Any], str]":
    """What reads values of a type, and its JSON schema.

    Raises: PydanticUserError: pydantic knows no JSON schema of the type.
    """
    if isinstance(type_, type) and get_origin(type_) is None and issubclass(type_, BaseModel):
        return _of_model(type_, type_.__pydantic_validator__)
    return _made(type_)


# A loop declares the same schema in every round. The validator is another one when the model is
# built anew, and is equal to itself only; other types may be equal and have different schemas, as
# `int | str` and `str | int`.
@lru_cache(maxsize=128)
def _of_model(type_: type[BaseModel], validator: object) -> "tuple[TypeAdapter[Any], str]":
    return _made(type_)


def _made(type_: object) -> "tuple[TypeAdapter[Any], str]":
    adapter = TypeAdapter(cast(Any, type_))
    return adapter, json.dumps(_closed(adapter.json_schema()), separators=(",", ":"))


def _shown(type_: object) -> str:
    """A type as a program writes it."""
    if isinstance(type_, type) and get_origin(type_) is None:
        return type_.__name__
    return re.sub(r"[\w.<>]+\.(\w+)", r"\1", repr(type_))


def _culprit(type_: object) -> str | None:
    """The first field of a model in `type_` that has no JSON schema."""
    if not (isinstance(type_, type) and issubclass(type_, BaseModel)):
        return next((found for part in get_args(type_) if (found := _culprit(part))), None)
    for name, field in type_.model_fields.items():
        try:
            TypeAdapter(cast(Any, field.annotation)).json_schema()
        except PydanticUserError:
            return _culprit(field.annotation) or f"{type_.__name__}.{name}"
    return None


def _closed(schema: object) -> object:
    """The schema with its objects closed."""
    match schema:
        case dict():
            members = cast(dict[str, object], schema)
            closed = {k: v if k in _DATA else _closed(v) for k, v in members.items()}
            if members.get("type") == "object" and isinstance(members.get("properties"), dict):
                closed.setdefault("additionalProperties", False)
            return closed
        case list():
            return [_closed(item) for item in cast(list[object], schema)]
        case _:
            return schema
