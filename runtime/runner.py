"""The engine as a machine: one forward pass, then what each row wants of its logits."""

import gc
import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from runtime.blocks import Row
from runtime.engine import PIGLET_FOLDER, Engine
from runtime.masks import bar
from runtime.sampling import sample
from runtime.scheduler.work import Logprobs, Pages, Result, RowWork, Sample, Want
from runtime.text import Text

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

        A small model on a CPU is then computed by this thread alone: to hand its little matrices to
        other threads costs more than it saves, and many times more when other processes want the
        cores too (piglet on two busy cores: 26 ms a step with one thread, 700 ms with two). Other
        threads of the process keep their setting, and `OMP_NUM_THREADS` comes first if it is set.
        """
        small = self.engine.config.width <= ONE_THREAD_WIDTH
        if small and self.engine.device.type == "cpu" and "OMP_NUM_THREADS" not in os.environ:
            torch.set_num_threads(1)

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
        results: list[Result] = [None] * len(rows)
        places: list[int] = []
        scored: list[tuple[int, int, Logprobs]] = []
        at = 0
        for index, work in enumerate(rows):
            if isinstance(work.want, Sample):
                places.append(at)
            elif isinstance(work.want, Logprobs):
                scored.append((index, at, work.want))
            at += _n_logits(work.want)
        if scored:
            found = _logprobs(logits, [(at, want) for _, at, want in scored])
            for (index, _, _), logprobs in zip(scored, found, strict=True):
                results[index] = logprobs
        if wants:
            tokens = iter(sample(logits[places], wants, barred))
            for index, work in enumerate(rows):
                if isinstance(work.want, Sample):
                    results[index] = next(tokens)
        return results


def _row(work: RowWork) -> Row:
    return Row(view=work.view, tokens=work.tokens, n_logits=_n_logits(work.want))


def _n_logits(want: Want) -> int:
    match want:
        case Sample():
            return 1
        case Logprobs():
            return len(want.wanted)
        case None:
            return 0


def _logprobs(logits: Tensor, wants: Sequence[tuple[int, Logprobs]]) -> list[list[list[float]]]:
    """Log-probabilities of wanted tokens.

    Args:
        logits: float32[n, n_vocab].
        wants: each with the index of its first logits.
    """
    rows = [at + i for at, want in wants for i in range(len(want.wanted))]
    wanted = [tokens for _, want in wants for tokens in want.wanted]
    # Each row is looked up once, however many of its tokens are wanted; one transfer from the GPU.
    places = [i for i, tokens in enumerate(wanted) for _ in tokens]
    tokens = [token for tokens in wanted for token in tokens]
    values = iter(logits[rows].float().log_softmax(dim=-1)[places, tokens].tolist())
    return [[list(islice(values, len(tokens))) for tokens in want.wanted] for _, want in wants]
