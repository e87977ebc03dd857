"""Typed reading of a JSON object that others wrote: each mistake names its setting and its file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hogdsl.errors import ModelError


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object and where it came from. A setting that is null counts as absent."""

    data: Mapping[str, Any]
    source: str

    def count(self, name: str, *, default: int | None = None) -> int:
        """A whole number of at least 1."""
        found = self._value(name, default, "a whole number of at least 1")
        if isinstance(found, bool) or not isinstance(found, int) or found < 1:
            raise self.wrong(name, "a whole number of at least 1")
        return found

    def number(self, name: str, *, default: float | None = None) -> float:
        """A number greater than 0."""
        found = self._value(name, default, "a number greater than 0")
        if isinstance(found, bool) or not isinstance(found, int | float) or not found > 0:
            raise self.wrong(name, "a number greater than 0")
        return float(found)

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        found = self._value(name, default, "true or false")
        if not isinstance(found, bool):
            raise self.wrong(name, "true or false")
        return found

    def text(self, name: str, *, default: str | None = None) -> str | None:
        """A string."""
        found = self.data.get(name)
        if found is None:
            return default
        if not isinstance(found, str):
            raise self.wrong(name, "a string")
        return found

    def wrong(self, name: str, wanted: str) -> ModelError:
        """The error for a setting that is not what it should be."""
        found = self.data.get(name)
        return ModelError(f"{self.source}: {name!r} must be {wanted}, found {found!r}.")

    def _value(self, name: str, default: object, wanted: str) -> object:
        found = self.data.get(name)
        if found is not None:
            return found
        if default is None:
            raise ModelError(
                f"{self.source}: {name!r} is missing; it must be {wanted}. Take the file from the "
                "original checkpoint."
            )
        return default


def read_fields(path: Path) -> Fields:
    """The object in a JSON file.

    Raises:
        ModelError: no such file, not JSON, or not an object.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"{path}: the file is missing, and every Hugging Face checkpoint has one. Check that "
            "the folder is a checkpoint and was copied whole."
        ) from None
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path}: the file must be readable JSON: {error}. Take it from the original "
            "checkpoint."
        ) from error
    if not isinstance(data, dict):
        raise ModelError(f"{path}: must hold a JSON object, found a {type(data).__name__}.")
    return Fields(data, str(path))
