"""From the state of a region to the rows of the next step.

Nothing is changed here: every job carries what is to happen when its result is there. A row that
needs logits but has nothing to append (an empty block behind a prompt, say) repeats the last token
that it sees on a scratch block, in front of which that token is left out.
"""

from collections.abc import Callable, Iterator

from hogdsl.errors import PlanError
from runtime.blocks import Block, BlockPrefix
from runtime.scheduler.asks import AskState
from runtime.scheduler.life import Phase
from runtime.scheduler.present import Present
from runtime.scheduler.work import Cache, Chosen, Job, Logprobs, Result, RowWork, Text, Want
from runtime.scheduler.writer import Writer

Heard = Callable[[AskState, dict[str, float]], None]
Commit = Callable[[Present, Writer], None]


def jobs_of(
    present: Present, cache: Cache, text: Text, *, heard: Heard, commit: Commit
) -> Iterator[Job]:
    """All rows of a region in the next step: its texts, its streams, the questions that are due."""
    for name, tokens in present.texts.items():
        if tokens:
            yield Job(work=RowWork(view=present.text_view(name), tokens=tokens), done=_nothing)
    for writer in present.writers.values():
        if writer.turning is not None:
            yield _turning_job(present, writer, commit)
        yield from _writer_jobs(present, writer, cache, text)
    for ask in present.rules.asks.values():
        if ask.due:
            yield _ask_job(present, ask, cache, heard)


def _turning_job(present: Present, writer: Writer, commit: Commit) -> Job:
    """The end of a finished step, which is then moved to its history."""
    assert writer.turning is not None
    work = RowWork(view=present.turning_view(writer), tokens=writer.turning.pending)
    assert writer.plan.commit is not None
    into = present.block(writer.plan.commit.into)
    return Job(work=work, done=lambda _: commit(present, writer), moves_into=into)


_WRITTEN = (Phase.DELIVERING, Phase.FLUSHING)


def _writer_jobs(present: Present, writer: Writer, cache: Cache, text: Text) -> Iterator[Job]:
    pending = tuple(writer.written.pending)
    if writer.phase in _WRITTEN and pending:
        yield _append(present, writer)
    elif writer.phase is Phase.RUNNING and writer.plan.name not in present.rules.held:
        if not pending and present.must_wait(writer):
            return
        if writer.generation is not None:
            yield _last_logits(present, writer, cache, writer.sample(), _taking(present, writer))
        elif writer.choosing is not None:
            yield from _select_jobs(present, writer, writer.choosing.choices, cache, text)
        elif pending:
            yield _append(present, writer)


def _append(present: Present, writer: Writer) -> Job:
    work = RowWork(view=present.view(writer), tokens=tuple(writer.written.pending))
    return Job(work=work, done=lambda _: writer.appended())


def _taking(present: Present, writer: Writer) -> Callable[[Result], None]:
    def done(result: Result) -> None:
        assert isinstance(result, Chosen)
        writer.appended()
        if writer.phase is Phase.RUNNING:  # it may have ended with the region's budget
            writer.take(result)
            present.spend_token()

    return done


def _select_jobs(
    present: Present, writer: Writer, choices: tuple[str, ...], cache: Cache, text: Text
) -> Iterator[Job]:
    """Score all choices at once: their first tokens by the stream's own row, the rest of each by a
    row on a scratch block behind it."""
    tokens = [text.encode(choice) for choice in choices]
    if not all(tokens):
        raise PlanError(f"stream {writer.plan.name!r}: a choice of select is empty: {choices}")
    scores = [[0.0] for _ in choices]
    long = [i for i, choice in enumerate(tokens) if len(choice) > 1]

    def heard_first(result: Result) -> None:
        assert isinstance(result, list)
        writer.appended()
        for score, logprob in zip(scores, result[0], strict=True):
            score[0] = logprob
        if not long:
            decide()

    def hear_rest(index: int) -> Callable[[Result], None]:
        def done(result: Result) -> None:
            assert isinstance(result, list)
            scores[index] += [logprobs[0] for logprobs in result]
            if index == long[-1]:
                decide()

        return done

    def decide() -> None:
        if writer.choosing is not None:  # it may have ended with the region's budget
            writer.choose([sum(score) / len(score) for score in scores])

    first = Logprobs(wanted=(tuple(choice[0] for choice in tokens),), origin=writer.origin)
    yield _last_logits(present, writer, cache, first, heard_first)
    for index in long:
        scratch = cache.block()
        work = RowWork(
            view=(*present.view(writer), scratch),
            tokens=tuple(tokens[index][:-1]),
            want=Logprobs(
                wanted=tuple((token,) for token in tokens[index][1:]),
                origin=writer.origin,
            ),
        )
        yield Job(work=work, done=hear_rest(index), scratch=scratch)


def _ask_job(present: Present, ask: AskState, cache: Cache, heard: Heard) -> Job:
    scratch = cache.block()
    writer = present.writers[ask.plan.stream]
    wanted = tuple(token for tokens in ask.first_tokens for token in tokens)
    work = RowWork(
        view=(*present.view(writer), scratch),
        tokens=ask.question,
        want=Logprobs(
            wanted=(wanted,),
            origin=writer.pen.around.origin(ask.plan.stream, "ask", ask.n_put, ask.plan.name),
        ),
    )

    def done(result: Result) -> None:
        assert isinstance(result, list)
        heard(ask, ask.odds(result[0]))

    return Job(work=work, done=done, scratch=scratch)


def _last_logits(
    present: Present,
    writer: Writer,
    cache: Cache,
    want: Want,
    done: Callable[[Result], None],
) -> Job:
    """A row for the logits at the end of what a stream sees."""
    view = present.view(writer)
    if writer.written.pending:
        return Job(
            work=RowWork(view=view, tokens=tuple(writer.written.pending), want=want), done=done
        )
    filled = [i for i, block in enumerate(view) if block.n_tokens]
    bos = writer.pen.around.text.bos
    if not filled and bos is not None:
        return Job(work=RowWork(view=view, tokens=(bos,), want=want), done=done)
    if not filled:
        raise PlanError(
            f"stream {writer.plan.name!r} has nothing to start from: all that it sees is empty. "
            "Give it a prompt, or let it begin with a text."
        )
    before: list[Block | BlockPrefix] = list(view[: filled[-1]])
    last = view[filled[-1]]
    if last.n_tokens > 1:
        before.append(last.first(last.n_tokens - 1))
    scratch = cache.block()
    work = RowWork(view=(*before, scratch), tokens=(last.tokens[-1],), want=want)
    return Job(work=work, done=done, scratch=scratch)


def _nothing(result: Result) -> None:
    assert result is None
