"""How the workers of a fork see each other.

A layout says, for one worker, what stands in its view between the scope and its own block. The
names are those of the Hogwild! paper (arXiv 2504.06261, section 3 and appendix).
"""

import string
from dataclasses import dataclass
from typing import Literal, assert_never, final

from hogdsl.compiler.ir import CommitRule, Item, SeesHistory, SeesStream
from hogdsl.compiler.nodes import Place
from hogdsl.language.source import here

_HEADER = "\n\n**{name}:** "


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A rule from which each worker's view is made; see the functions of this module."""

    kind: Literal["contiguous", "combined", "isolated"] = "contiguous"
    header: str = _HEADER
    step: str = ""
    """Text that ends a step; only the combined layout has steps."""

    def items(self, others: tuple[SeesStream, ...], place: Place) -> tuple[Item, ...]:
        """What a worker sees between the scope and its own block; `others` in order of the fork."""
        match self.kind:
            case "contiguous":
                return others
            case "combined":
                return (SeesHistory(place=place), *others)
            case "isolated":
                return ()
            case _:
                assert_never(self.kind)

    def opening(self, name: str) -> str:
        """Text with which a worker's block begins; headers of steps come from the runtime."""
        return "" if self.kind == "combined" else self.header.format(name=name)

    @property
    def commit(self) -> CommitRule | None:
        """How finished steps move to a shared history, if they do."""
        if self.kind != "combined":
            return None
        return CommitRule(step=self.step, header=self.header)


def contiguous(*, header: str = _HEADER) -> Layout:
    """Each worker sees the others' blocks whole, then its own (the paper's contiguous layout).

    Args:
        header: begins each worker's block; `{name}` is filled in.

    Raises:
        ProgramError: the header has another field.
    """
    _check_header(header, ("name",), here())
    return Layout(kind="contiguous", header=header)


def isolated(*, header: str = _HEADER) -> Layout:
    """No worker sees another: a plain parallel fork.

    Args:
        header: begins each worker's block; `{name}` is filled in.

    Raises:
        ProgramError: the header has another field.
    """
    _check_header(header, ("name",), here())
    return Layout(kind="isolated", header=header)


def combined(*, step: str = "\n\n", header: str = "**{name} [{step}]:** ") -> Layout:
    """Finished steps move to a history that all see; then come the others' open steps, then one's
    own (the paper's combined layout).

    Args:
        step: text that ends a step.
        header: begins each step; `{name}` and `{step}`, counted from 1, are filled in.

    Raises:
        ProgramError: `step` is empty, or the header has another field.
    """
    place = here()
    if not step:
        raise place.error("step= is the text that ends a step, and it is not empty. Give it one.")
    _check_header(header, ("name", "step"), place)
    return Layout(kind="combined", header=header, step=step)


def _check_header(header: str, fields: tuple[str, ...], place: Place) -> None:
    known = " and ".join(f"{{{field}}}" for field in fields)
    try:
        found = [field for _, field, _, _ in string.Formatter().parse(header) if field is not None]
    except ValueError as error:
        raise place.error(
            f"the header {header!r} is no format: {error}. Write a brace as '{{{{' or '}}}}'."
        ) from error
    for field in found:
        if field not in fields:
            raise place.error(
                f"the header {header!r} has the field {{{field}}}, and only {known} is filled in. "
                "Leave it out."
            )
