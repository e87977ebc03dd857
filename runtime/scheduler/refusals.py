"""What all checks of a plan share: errors that name the region, the field and what was found."""

from collections.abc import Iterable
from dataclasses import dataclass

from hogdsl import plan
from hogdsl.errors import PlanError
from runtime.scheduler.search import compiled


@dataclass(frozen=True, slots=True)
class Field:
    """A place in a region."""

    region: str
    path: str

    def error(self, rule: str) -> PlanError:
        """It breaks a rule."""
        return PlanError(f"region {self.region!r}: {self.path}: {rule}")

    def unique(self, names: Iterable[str]) -> None:
        """No name stands there twice."""
        seen: set[str] = set()
        for name in names:
            if name in seen:
                raise self.error(f"{name!r} stands there twice")
            seen.add(name)

    def known(self, names: Iterable[str], known: Iterable[str]) -> None:
        """All names are among the known ones."""
        allowed = set(known)
        for name in names:
            if name not in allowed:
                choices = ", ".join(sorted(allowed)) or "nothing"
                raise self.error(f"{name!r} is not one of: {choices}")

    def not_empty(self, text: str | None) -> None:
        """A text that is waited for has at least one character."""
        if text == "":
            raise self.error("an empty text stands everywhere; give one with a character")

    def regex(self, pattern: str) -> None:
        """A regular expression."""
        try:
            compiled(pattern)
        except ValueError as error:
            raise self.error(f"{pattern!r} is no regular expression: {error}") from error

    def matches_something(self, pattern: str) -> None:
        """A regular expression does not match the empty text."""
        if compiled(pattern).search("") is not None:
            raise self.error(f"{pattern!r} matches the empty text; let it match something")


def field(region: plan.Region, path: str) -> Field:
    """A place in a region, by its path from there."""
    return Field(region.name, path)
