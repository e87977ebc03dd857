"""The end of what a stream has written is taken back, because somebody broke in.

The `gen` that was cut goes on from what has stayed, even if it was over.
"""

from runtime.scheduler.composer import Composer, Finished
from runtime.scheduler.generation import Generation


def take_back(composer: Composer, n_chars: int) -> str:
    """Take back all behind so much of the text; the running `gen` goes on from there.

    Not within what opens the sequence or a chat turn. Of a `gen` with a grammar that would be cut
    inside a token, nothing stays.

    Returns:
        All of the text that stays.
    """
    generation = composer.agenda.generation
    composer.pen.keep(n_chars)
    if generation is not None:
        _go_back(composer, generation)
    _tell_no_more(composer)
    return composer.written.text


def cut_gen(composer: Composer) -> Finished | None:
    """The `gen` that came last, if it was over, some of it was taken back and it may write on."""
    last = composer.last
    if last is None or len(composer.written.generated) >= last.end:
        return None
    own = last.generation.recipe.piece.max_tokens
    return last if own is None or last.generation.n_tokens < own else None


def go_on(composer: Composer, last: Finished) -> None:
    """A `gen` that was over and was cut goes on."""
    _go_back(composer, last.generation)
    _tell_no_more(composer)
    composer.agenda.go_back_to(last.generation, last.cursor)
    composer.last = None


def tell_shorter(composer: Composer) -> None:
    """Tell again of a value of which the end was taken back."""
    last, n_generated = composer.last, len(composer.written.generated)
    if last is not None and n_generated < last.end:
        last.generation.start = min(last.generation.start, n_generated)
        last.generation.record.cut(n_generated)
        composer.tell_value(last.generation, "stream_ended")


def _go_back(composer: Composer, generation: Generation) -> None:
    """The `gen` goes on behind what has stayed of the text."""
    written = composer.written
    tokens = written.tokens_since(generation.start)
    if tokens is None and generation.is_constrained:
        n_own = len(written.generated) - generation.start
        composer.pen.keep(len(written.text) - n_own)
        tokens = []
    generation.go_back(tokens, len(written.generated))


def _tell_no_more(composer: Composer) -> None:
    """What was told beyond the end of the text counts as not told."""
    written = composer.written
    written.n_told = min(written.n_told, len(written.text))
