"""How the workers of a fork see each other.

A layout says, for one worker, what stands in its view between the scope and its own block. Those
with names are of the Hogwild! paper (arXiv 2504.06261, section 3 and appendix):

    contiguous    the others' blocks, whole, then its own
    interleaved   the others' finished steps, in the order in which they were finished, then its own
    combined      as interleaved, then the others' unfinished steps, then its own
    isolated      its own only

A function of yours makes any other, for each worker from itself, the others and what is shared:

    def moderated(me, others, shared):
        return [shared, hog.user("The others so far:"), *others, hog.turn("assistant")]
"""

import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Union, assert_never, cast, final

from hogdsl.compiler.nodes import Place
from hogdsl.language.pieces import Piece
from hogdsl.language.source import here

if TYPE_CHECKING:
    from hogdsl.language.team import Worker

_HEADER = "\n\n**{name}:** "
_STEP_HEADER = "**{name} [{step}]:** "


@final
@dataclass(frozen=True, slots=True)
class History:
    """The finished steps of all workers, as an item of a view."""


@final
@dataclass(frozen=True, slots=True)
class Shared:
    """What all workers have in common: as an item of a view it is what stands before the fork."""

    has_steps: bool
    place: Place = field(compare=False, repr=False)

    @property
    def history(self) -> History:
        """The finished steps of all workers, as an item of a view.

        Raises:
            ProgramError: the layout has no steps.
        """
        if not self.has_steps:
            raise here().error(
                "a layout without steps has no history of them. "
                "Write hog.layouts.custom(f, step=...), or leave shared.history out.",
                code="no-history",
            )
        return History()


ViewItem = Union["Worker", Shared, History, str, Piece]
LayoutFunction = Callable[["Worker", tuple["Worker", ...], Shared], Sequence[ViewItem]]
"""`(me, others, shared) -> view`: items in order; the worker's own block ends its view, and may be
named there or left out."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A rule from which each worker's view is made; see the functions of this module."""

    kind: Literal["contiguous", "interleaved", "combined", "isolated", "custom"] = "contiguous"
    header: str = _HEADER
    step: str | None = None
    """Text that ends a step; None if there are no steps."""
    function: LayoutFunction | None = None
    """Of a custom layout."""

    def view(
        self, me: "Worker", others: tuple["Worker", ...], shared: Shared
    ) -> Sequence[ViewItem]:
        """What a worker sees before its own block; `others` in the order of the fork."""
        match self.kind:
            case "contiguous":
                return (shared, *others)
            case "interleaved":
                return (shared, History())
            case "combined":
                return (shared, History(), *others)
            case "isolated":
                return (shared,)
            case "custom":
                assert self.function is not None
                return self.function(me, others, shared)
            case _:
                assert_never(self.kind)

    def opening(self, name: str) -> str:
        """Text with which a worker's block begins; headers of steps come from the runtime."""
        return self.header.format(name=name) if self.step is None else ""


def contiguous(*, header: str = _HEADER) -> Layout:
    """Each worker sees the others' blocks whole, then its own (the paper's contiguous layout).

    Args:
        header: begins each worker's block; `{name}` is filled in.

    Raises:
        ProgramError: the header has another field.
    """
    return Layout(kind="contiguous", header=_checked_header(header, None, here()))


def interleaved(*, step: str = "\n\n", header: str = _STEP_HEADER) -> Layout:
    """Finished steps move to a history that all see; the others' unfinished steps are not seen (the
    paper's interleaved layout).

    Arguments and errors are those of `combined`.
    """
    place = here()
    step = _checked_step(step, place)
    return Layout(kind="interleaved", header=_checked_header(header, step, place), step=step)


def combined(*, step: str = "\n\n", header: str = _STEP_HEADER) -> Layout:
    """Finished steps move to a history that all see; then come the others' unfinished steps, then
    one's own (the paper's combined layout).

    Args:
        step: text that ends a step.
        header: begins each step; `{name}` and `{step}`, counted from 1, are filled in.

    Raises:
        ProgramError: `step` is empty, or the header has another field.
    """
    place = here()
    step = _checked_step(step, place)
    return Layout(kind="combined", header=_checked_header(header, step, place), step=step)


def isolated(*, header: str = _HEADER) -> Layout:
    """No worker sees another: a plain parallel fork.

    Args:
        header: begins each worker's block; `{name}` is filled in.

    Raises:
        ProgramError: the header has another field.
    """
    return Layout(kind="isolated", header=_checked_header(header, None, here()))


def custom(function: LayoutFunction, *, step: str | None = None, header: str = "") -> Layout:
    """A layout of your own, called once for each worker when the fork is complete.

    Args:
        function: given the worker, the others and what is shared, it returns the view: workers,
            texts and chat turns; `shared` for what stands before the fork and, with `step`,
            `shared.history` for the finished steps. The worker itself ends its view; it may be
            named there or left out.
        step: text that ends a step; finished steps then move to the history.
        header: begins each worker's block, or each step; `{name}`, and with `step` `{step}`, are
            filled in.

    Raises:
        ProgramError: it is no function, `step` is empty, or the header has another field.
    """
    place = here()
    if not callable(cast(object, function)) or function in _MAKERS:
        raise place.error(
            f"a layout of your own is a function (me, others, shared), and {function!r} is none.",
            code="layout",
        )
    step = None if step is None else _checked_step(step, place)
    header = _checked_header(header, step, place)
    return Layout(kind="custom", header=header, step=step, function=function)


def as_layout(layout: object, place: Place) -> Layout:
    """A layout, or a function that makes one.

    Raises:
        ProgramError: it is neither.
    """
    if isinstance(layout, Layout):
        return layout
    if callable(layout) and layout not in _MAKERS:
        return Layout(kind="custom", header="", function=cast(LayoutFunction, layout))
    raise place.error(
        f"layout= takes a layout, and {layout!r} is none. Call one of hog.layouts, for example "
        "hog.layouts.combined().",
        code="layout",
    )


_MAKERS: tuple[object, ...] = (contiguous, interleaved, combined, isolated, custom)


def _checked_step(step: str, place: Place) -> str:
    if not isinstance(cast(object, step), str) or not step:
        raise place.error(
            "step= is the text that ends a step, and it is not empty. Give it one.", code="step"
        )
    return step


def _checked_header(header: str, step: str | None, place: Place) -> str:
    fields = ("name",) if step is None else ("name", "step")
    known = " and ".join(f"{{{field}}}" for field in fields)
    try:
        found = [field for _, field, _, _ in string.Formatter().parse(header) if field is not None]
    except ValueError as error:
        raise place.error(
            f"the header {header!r} is no format: {error}. Write a brace as '{{{{' or '}}}}'.",
            code="header",
        ) from error
    for field_ in found:
        if field_ not in fields:
            raise place.error(
                f"the header {header!r} has the field {{{field_}}}, and only {known} is filled in. "
                "Leave it out.",
                code="header",
            )
    return header
