"""The engine as a machine: one forward pass, then what each row wants of its logits."""

import gc
import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor

from runtime.blocks import Row
from runtime.engine import PIGLET_FOLDER, Engine
from runtime.masks import bar
from runtime.native import take_helper
from runtime.sampling import choose
from runtime.scheduler.work import Chosen, Logprobs, Pages, Result, RowWork, Sample, Want
from runtime.text import Text
from runtime.transfer import send

Scores: TypeAlias = list[list[float]]

ONE_THREAD_WIDTH = 512
"""Models up to this width are computed by one thread of a CPU."""


class EngineMachine:
    """A `runtime.scheduler.work.Machine`: a model with its cache and its text.

    Attributes:
        engine: owns the cache.
        text: the model's tokenizer and chat template.
        name: of the model, for people.
        folder: of its checkpoint, if it was read from one.
    """

    def __init__(
        self, engine: Engine, text: Text, *, name: str, folder: Path | None = None
    ) -> None:
        self.engine, self.text, self.name, self.folder = engine, text, name, folder

    @classmethod
    def load(
        cls,
        model: str | Path,
        *,
        device: str | None = None,
        dtype: str | None = None,
        weights: str | None = None,
        attention: str | None = None,
        n_cache_tokens: int | None = None,
    ) -> "EngineMachine":
        """Load `"piglet"` or a checkpoint's folder; for the settings see `Engine.load`.

        All that the process holds by then is taken out of Python's garbage collection
        (`gc.freeze`): to look through it again would now and then stop a step for a tenth of a
        second.

        Raises:
            ModelError: the folder is no checkpoint that can be run.
            EngineError: no such device or attention, or no room for a cache.
        """
        folder = PIGLET_FOLDER if model == "piglet" else Path(model)
        engine = Engine.load(
            folder,
            device=device,
            dtype=dtype,
            weights=weights,
            attention=attention,
            n_cache_tokens=n_cache_tokens,
        )
        machine = cls(engine, Text.load(folder), name=str(model), folder=folder)
        gc.collect()
        gc.freeze()
        return machine

    def __repr__(self) -> str:
        return f"<EngineMachine {self.name}, {self.engine!r}>"

    def prepare_thread(self) -> None:
        """For the thread that runs the steps, before the first.

        torch then computes a small model on a CPU by this thread alone: to hand its little matrices
        to other threads costs more than it saves, and many times more when other processes want the
        cores too (piglet on two busy cores: 26 ms a step with one thread, 700 ms with two). Native
        code gets a helper that nobody has to wait for, if there is a core for it. Other threads of
        the process keep their setting, and `OMP_NUM_THREADS` comes first if it is set.
        """
        small = self.engine.config.width <= ONE_THREAD_WIDTH
        if small and self.engine.device.type == "cpu" and "OMP_NUM_THREADS" not in os.environ:
            torch.set_num_threads(1)
            take_helper()

    @property
    def device(self) -> str:
        return str(self.engine.device)

    @property
    def context_length(self) -> int:
        """How many tokens a view may hold."""
        return self.engine.config.context_length

    @property
    def pages(self) -> Pages:
        """What the pages of the cache are used for."""
        n_cached, pages = self.engine.tree.n_evictable, self.engine.pages
        return Pages(pages.n_used - n_cached, n_cached, pages.n_total)

    @property
    def cache(self) -> Engine:
        return self.engine

    def run(self, rows: Sequence[RowWork]) -> list[Result]:
        """Run all rows in one forward pass; the results stand in the order of the rows.

        Raises:
            CapacityError: the cache has no room for the rows; nothing was written.
            EngineError, InternalError: a row breaks a contract; nothing was written.
        """
        wants = [work.want for work in rows if isinstance(work.want, Sample)]
        barred = bar(wants, self.engine.config.n_vocab)
        logits = self.engine.forward([_row(work) for work in rows])
        places: list[int] = []
        scored: list[tuple[int, Logprobs]] = []
        at = 0
        for work in rows:
            if isinstance(work.want, Sample):
                places.append(at)
            elif isinstance(work.want, Logprobs):
                scored.append((at, work.want))
            at += _n_logits(work.want)
        # All work of the device is in its queue before the first result is waited for.
        scores = _logprobs(logits, scored) if scored else None
        if wants and len(places) < len(logits):
            logits = logits[send(torch.tensor(places), logits.device)]
        choice = choose(logits, wants, barred) if wants else None
        chosen = iter(choice.read() if choice else ())
        told = iter(_by_want(scores.tolist(), scored) if scores is not None else ())
        return [_result(work.want, chosen, told) for work in rows]


def _row(work: RowWork) -> Row:
    return Row(work.view, work.tokens, _n_logits(work.want))


def _n_logits(want: Want) -> int:
    match want:
        case Sample():
            return 1
        case Logprobs():
            return len(want.wanted)
        case None:
            return 0


def _result(want: Want, chosen: Iterator[Chosen], told: Iterator[Scores]) -> Result:
    match want:
        case Sample():
            return next(chosen)
        case Logprobs():
            return next(told)
        case None:
            return None


def _logprobs(logits: Tensor, wants: Sequence[tuple[int, Logprobs]]) -> Tensor:
    """Log-probabilities of all wanted tokens, one after the other, float32[n].

    Args:
        logits: float32[n, n_vocab].
        wants: each with the index of its first logits.
    """
    rows = [at + i for at, want in wants for i in range(len(want.wanted))]
    wanted = [tokens for _, want in wants for tokens in want.wanted]
    # Each row is looked up once, however many of its tokens are wanted.
    places = [i for i, tokens in enumerate(wanted) for _ in tokens]
    tokens = [token for tokens in wanted for token in tokens]
    looked_up = logits[send(torch.tensor(rows, dtype=torch.int64), logits.device)]
    at = send(torch.tensor([places, tokens], dtype=torch.int64), logits.device)
    return looked_up.float().log_softmax(dim=-1)[at[0], at[1]]


def _by_want(values: Sequence[float], wants: Sequence[tuple[int, Logprobs]]) -> Iterator[Scores]:
    """The same values, for each want in its order a list per token of the row."""
    left = iter(values)
    for _, want in wants:
        yield [list(islice(left, len(tokens))) for tokens in want.wanted]
