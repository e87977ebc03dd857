"""A step of rows on the engine: one forward pass, then what each row wants of its logits."""

from collections.abc import Sequence

from torch import Tensor

from runtime.blocks import Row
from runtime.engine import Engine
from runtime.sampling import sample
from runtime.scheduler.work import Logprobs, Result, RowWork, Sample


def run_rows(engine: Engine, rows: Sequence[RowWork]) -> list[Result]:
    """Run all rows in one forward pass; the results stand in the order of the rows.

    Raises:
        CapacityError: the cache has no room for the rows; nothing was written.
        EngineError: a row breaks the engine's contract; nothing was written.
    """
    logits = engine.forward([_row(work) for work in rows])
    results: list[Result] = [None] * len(rows)
    sampled: list[tuple[int, int, Sample]] = []
    at = 0
    for index, work in enumerate(rows):
        match work.want:
            case Sample():
                sampled.append((index, at, work.want))
            case Logprobs():
                results[index] = _logprobs(logits[at : at + len(work.want.wanted)], work.want)
            case None:
                pass
        at += _n_logits(work)
    if sampled:
        tokens = sample(logits[[place for _, place, _ in sampled]], [want for *_, want in sampled])
        for (index, _, _), token in zip(sampled, tokens, strict=True):
            results[index] = token
    return results


def _row(work: RowWork) -> Row:
    return Row(view=work.view, tokens=work.tokens, n_logits=_n_logits(work))


def _n_logits(work: RowWork) -> int:
    match work.want:
        case Sample():
            return 1
        case Logprobs():
            return len(work.want.wanted)
        case None:
            return 0


def _logprobs(logits: Tensor, want: Logprobs) -> list[list[float]]:
    """Log-probabilities of the wanted tokens, from logits float32[n_wanted, n_vocab]."""
    logprobs = logits.float().log_softmax(dim=-1)
    return [row[list(tokens)].tolist() for row, tokens in zip(logprobs, want.wanted, strict=True)]
