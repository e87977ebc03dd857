"""Long texts go to the cache in chunks, before the step that they are part of.

A row of more tokens than a chunk would keep everybody else waiting. So its beginning is appended
first, chunk by chunk, in passes in which its run has no other rows; what is left is then part of
the run's next step. How a row is cut depends on its length alone and never on who else runs, so
neither does what the streams of a run see of one another.
"""

from collections.abc import Callable, Iterator

from runtime.scheduler.life import Phase
from runtime.scheduler.present import Present
from runtime.scheduler.work import Job, Result, RowWork
from runtime.scheduler.writer import Writer

CHUNK_TOKENS = 256


def is_needed(present: Present) -> bool:
    """The next step has rows that are longer than a chunk."""
    if present.texts and _has_long_text(present):
        return True
    for writer in present.writers.values():  # asked in every step, and nearly always in vain
        if _is_long(writer) and _appends(present, writer):
            return True
    return False


def chunk_jobs(present: Present) -> Iterator[Job]:
    """The next chunk of every row that is too long, once all that it sees is whole.

    So texts come first, since streams see them, and a short text before the long one behind it.
    """
    if _has_long_text(present):
        for name in present.texts:
            whole_before = not any(map(present.texts.get, present.before_text(name)))
            if whole_before and _delays(present, name):
                yield _text_chunk(present, name)
    elif any(present.texts.values()):
        for name, tokens in present.texts.items():
            if tokens:
                yield _text_chunk(present, name)
    else:
        for writer in present.writers.values():
            if _is_long(writer) and _appends(present, writer):
                chunk = tuple(writer.written.pending[:CHUNK_TOKENS])
                work = RowWork(view=present.view(writer), tokens=chunk)
                yield Job(work=work, done=_pending_done(writer))


def _text_chunk(present: Present, name: str) -> Job:
    tokens = present.texts[name]
    work = RowWork(view=present.text_view(name), tokens=tokens[:CHUNK_TOKENS])
    return Job(work=work, done=_text_done(present, name, tokens[CHUNK_TOKENS:]))


def _has_long_text(present: Present) -> bool:
    return any(len(tokens) > CHUNK_TOKENS for tokens in present.texts.values())


def _delays(present: Present, name: str) -> bool:
    """The text is long, or there is something of it and a long one is encoded behind it."""
    n_tokens = len(present.texts[name])
    behind = [other for other in present.texts if name in present.before_text(other)]
    return n_tokens > CHUNK_TOKENS or (
        n_tokens > 0 and any(_delays(present, other) for other in behind)
    )


def _is_long(writer: Writer) -> bool:
    return len(writer.written.pending) > CHUNK_TOKENS


def _appends(present: Present, writer: Writer) -> bool:
    """Whether a stream would append what is pending in the next step."""
    match writer.phase:
        case Phase.RUNNING:
            return writer.plan.name not in present.rules.held
        case Phase.DELIVERING | Phase.FLUSHING:
            return True
        case Phase.WAITING | Phase.ENDED:
            return False


def _text_done(present: Present, name: str, rest: tuple[int, ...]) -> Callable[[Result], None]:
    def done(result: Result) -> None:
        assert result is None
        present.texts[name] = rest

    return done


def _pending_done(writer: Writer) -> Callable[[Result], None]:
    def done(result: Result) -> None:
        assert result is None
        writer.written.appended(CHUNK_TOKENS)

    return done
