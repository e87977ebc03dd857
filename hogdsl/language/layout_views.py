"""The views that a layout gives to the workers of a fork, as data."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from hogdsl.compiler.ir import Item, SeesHistory, SeesScope, SeesStream
from hogdsl.compiler.nodes import Place
from hogdsl.language.handles import Handle
from hogdsl.language.layouts import History, Layout, Shared
from hogdsl.language.pieces import as_shown

if TYPE_CHECKING:
    from hogdsl.language.team import Worker


def items_of(
    layout: Layout, region: str, me: "Worker", workers: Sequence["Worker"], place: Place
) -> tuple[Item, ...]:
    """What stands in a worker's view before its own block.

    Args:
        layout: of the fork.
        region: the fork's name.
        me: the worker.
        workers: all of the fork.
        place: of the fork.

    Raises:
        ProgramError: the layout's function names something that is no item, or the worker itself
            elsewhere than at the end.
    """
    others = tuple(worker for worker in workers if worker is not me)
    try:
        view = layout.view(me, others, Shared(layout.step is not None, place))
    except Exception as error:
        error.add_note(f"in the layout of {me.name!r}, for the fork at {place}")
        raise
    items = _listed(view, me, place)
    if items and items[-1] is me:
        items = items[:-1]
    return tuple(i for item in items for i in _item(item, region, me, workers, place))


def _listed(view: object, me: "Worker", place: Place) -> list[object]:
    if isinstance(view, list | tuple):
        return list(cast(Sequence[object], view))
    raise place.error(
        f"the layout of {me.name!r} returns a list of what is seen, not {view!r}. "
        "Return a list, for example [shared, *others].",
        code="layout-view",
    )


def _item(
    item: object, region: str, me: "Worker", workers: Sequence["Worker"], place: Place
) -> tuple[Item, ...]:
    match item:
        case Shared():
            return (SeesScope(place=place),)
        case History():
            return (SeesHistory(history=f"{region}/history", place=place),)
        case _ if item is me:
            raise place.error(
                f"the layout shows {me.name!r} itself before the end of its view, where new text "
                "goes. Name it last, or leave it out.",
                code="layout-own",
            )
        case _ if (other := next((w for w in workers if w is item), None)) is not None:
            return (SeesStream(region=region, stream=other.name, place=place),)
        case Handle():
            raise place.error(
                f"the layout shows {me.name!r} the stream {item.path!r}, which is not of this "
                "fork. Show the others that it is given.",
                code="sees-elsewhere",
            )
        case _:
            return as_shown(item, f"a text that the layout shows {me.name!r}", place)
