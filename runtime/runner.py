"""The engine as a machine: one forward pass, then what each row wants of its logits."""

import os
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from runtime.blocks import Row
from runtime.engine import PIGLET_FOLDER, Engine
from runtime.sampling import bar, sample
from runtime.scheduler.work import Logprobs, Result, RowWork, Sample, Want
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
        attention: str | None = None,
        n_cache_tokens: int | None = None,
    ) -> "EngineMachine":
        """Load `"piglet"` or a checkpoint's folder; for the settings see `Engine.load`.

        Raises:
            ModelError: the folder is no checkpoint that can be run.
            EngineError: no such device or attention, or no room for a cache.
        """
        folder = PIGLET_FOLDER if model == "piglet" else Path(model)
        engine = Engine.load(
            folder, device=device, dtype=dtype, attention=attention, n_cache_tokens=n_cache_tokens
        )
        return cls(engine, Text.load(folder), name=str(model), folder=folder)

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
    def n_pages(self) -> tuple[int, int]:
        """Pages in use, and all pages."""
        return self.engine.pages.n_used, self.engine.pages.n_total

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
        at = 0
        for index, work in enumerate(rows):
            if isinstance(work.want, Sample):
                places.append(at)
            elif isinstance(work.want, Logprobs):
                results[index] = _logprobs(logits[at : at + len(work.want.wanted)], work.want)
            at += _n_logits(work.want)
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


def _logprobs(logits: Tensor, want: Logprobs) -> list[list[float]]:
    """Log-probabilities of the wanted tokens, from logits float32[n_wanted, n_vocab]."""
    logprobs = logits.float().log_softmax(dim=-1)
    return [row[list(tokens)].tolist() for row, tokens in zip(logprobs, want.wanted, strict=True)]
