"""What a stream of a concurrent region sees, as it is declared."""

from hogdsl.compiler.ir import Item, SeesStream
from hogdsl.compiler.nodes import Place, Shown
from hogdsl.language.draft import Draft
from hogdsl.language.handles import Handle
from hogdsl.language.pieces import Piece, as_shown


class View:
    """A stream's prompt, and the items that stand between it and its own text."""

    def __init__(self, draft: Draft, name: str, prompt: str | Piece | None, place: Place) -> None:
        self._draft, self._name = draft, name
        self.prompt: tuple[Shown, ...] = ()
        if prompt is not None:
            self.prompt = as_shown(prompt, f"the prompt of {name!r}", place)
        self.items: tuple[Item, ...] | None = None
        """None for what its role sees."""

    def give(self, items: tuple[Handle | str | Piece, ...], place: Place) -> None:
        """Set the items.

        Raises:
            ProgramError: they are set already, or an item is neither stream, text nor piece.
        """
        self._draft.check_open(f"the view of {self._name!r}", place)
        if self.items is not None:
            raise place.error(
                f"the view of {self._name!r} is given twice. Give all its items in one sees().",
                code="view-twice",
            )
        self.items = tuple(i for item in items for i in self._item(item, place))

    def _item(self, item: object, place: Place) -> tuple[Item, ...]:
        if isinstance(item, Handle):
            return (SeesStream(region=item.room, stream=item.name, place=place),)
        return as_shown(item, f"a text that {self._name!r} sees", place)
