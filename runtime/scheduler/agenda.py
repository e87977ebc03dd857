"""What one stream writes next: its pieces, one after another.

Fixed pieces become text at once. A `gen` or a `select` is where the model decides; the pieces go on
when that is over. Texts that come from elsewhere are put in as soon as no character is incomplete.
"""

from dataclasses import dataclass, field

from hogdsl.plan import FixedPiece, Gen, Piece, Select
from runtime.scheduler.generation import Generation, Recipe
from runtime.scheduler.pen import Pen
from runtime.scheduler.work import Origin


@dataclass(slots=True, kw_only=True)
class Agenda:
    """Where a stream stands in its pieces.

    Attributes:
        pen: writes the stream.
        pieces: all that it is to write.
        recipes: for every piece that is a `gen`, how it is run.
        generation: the `gen` that runs, if one does.
        choosing: the `select` that is to be decided, if one is.
        cursor: the piece that comes next.
        n_decided: pieces that the model decides, up to the present one.
        origin: the `gen` or `select` for which the next row is.
        is_done: all pieces are written.
    """

    pen: Pen
    pieces: tuple[Piece, ...]
    recipes: tuple[Recipe | None, ...]
    generation: Generation | None = None
    choosing: Select | None = None
    cursor: int = 0
    n_decided: int = 0
    origin: Origin = field(init=False)
    is_done: bool = False
    _to_write: list[str] = field(default_factory=list[str])

    def advance(self) -> None:
        """Go through fixed pieces to the next one that the model decides, or to the end."""
        fixed: list[FixedPiece] = []
        while self.cursor < len(self.pieces):
            piece, recipe = self.pieces[self.cursor], self.recipes[self.cursor]
            self.cursor += 1
            if isinstance(piece, Gen | Select):
                self.pen.insert_pieces(fixed)
                self._decide(piece, recipe)
                return
            fixed.append(piece)
        self.pen.insert_pieces(fixed)
        self.is_done = True

    def _decide(self, piece: Gen | Select, recipe: Recipe | None) -> None:
        """The model decides what comes next."""
        kind = "select" if isinstance(piece, Select) else "gen"
        self.origin = self.pen.around.origin(self.pen.stream, kind, self.n_decided)
        self.n_decided += 1
        if isinstance(piece, Select):
            self.choosing = piece
            return
        assert recipe is not None
        start = len(self.pen.written.generated)
        self.generation = Generation(recipe, self.pen.around.text, start)

    def go_back_to(self, generation: Generation, cursor: int) -> None:
        """A `gen` that was over runs again; `cursor` is the piece behind it."""
        self.generation, self.cursor, self.is_done = generation, cursor, False

    # ---------------------------------------------------------------- texts from elsewhere

    def put(self, text: str) -> None:
        """A text is to be written that is not among the pieces; `write_texts` does it."""
        self._to_write.append(text)

    def write_texts(self) -> None:
        """Write the texts from elsewhere, unless a character is incomplete."""
        generation = self.generation
        if not self._to_write or (generation is not None and generation.is_mid_character):
            return
        if generation is not None:
            self.pen.show(self.release(generation))
        for text in self._to_write:
            self.pen.insert(text)
        self._to_write.clear()

    def release(self, generation: Generation) -> str:
        """No stop may begin before this place: the text that was held back."""
        rest, shown = generation.release()
        self.pen.written.complete(rest)
        return shown
