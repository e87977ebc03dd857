"""What it costs that streams see each other: `python -m benchmarks.views`.

A Qwen3-shaped model with random weights decodes after a prompt of so many tokens,

- with this engine: 1, 2 or 4 streams that see the prompt, each other and themselves;
- with Hugging Face transformers: as many sequences, each with its own cache (a `DynamicCache`,
  filled once and repeated), the usual way of running streams that do not see each other; with its
  plain attention (`eager`) and with torch's fused one (`sdpa`, its default);
- at the limit: the time in which the machine's memory is read for the weights and for all keys and
  values, each once, at the bandwidth that a sum over a large tensor reaches.

All are measured in turns in one process, so that all see the same machine; figures are medians.
Written as JSON:

    rows      for each context and number of streams: milliseconds per step, and of these what the
              engine spends on preparing the views, which is done once per step; pages and megabytes
              of keys and values that prompt and streams hold together. `transformers_ms` is with
              its plain attention, `transformers_sdpa_ms` with torch's
    slopes    milliseconds per 1000 tokens of prompt, by number of streams
    n_threads, bandwidth_gb_s
"""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from statistics import linear_regression, median
from time import perf_counter
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor
from transformers import DynamicCache, Qwen3Config, Qwen3ForCausalLM

from runtime.attention import make_attention
from runtime.attention.cache import bytes_per_token
from runtime.blocks import Block, Row
from runtime.checkpoint import random_transformer
from runtime.engine import Engine
from runtime.model.config import ModelConfig
from runtime.model.rope import RopeSettings
from runtime.model.weights import empty_weights, places
from runtime.views import resolve, span_rows

CONFIG = ModelConfig(
    architecture="Qwen3ForCausalLM",
    n_layers=8,
    width=512,
    n_heads=8,
    n_kv_heads=4,
    head_dim=64,
    mlp_width=1536,
    n_vocab=8192,
    context_length=8192,
    qk_norm=True,
    rope=RopeSettings(theta=1e6),
)
CONTEXTS = (256, 1024, 4096)
N_STREAMS = (1, 2, 4)
IMPLEMENTATIONS = {"eager": "transformers", "sdpa": "transformers_sdpa"}
"""Attention of transformers, and what its figures are called."""
N_OWN = 32
"""Tokens that each stream has written before."""
N_WARM_UP = 3
BANDWIDTH_BYTES = 1 << 28
"""Far more than any cache of a processor holds."""
Step = Callable[[], object]


@dataclass(frozen=True)
class Team:
    """Streams of this engine that see one prompt and each other."""

    engine: Engine
    prompt: Block
    blocks: Sequence[Block]

    def rows(self) -> list[Row]:
        """A step in which each stream appends a token."""
        others = [[b for b in self.blocks if b is not own] for own in self.blocks]
        return [
            Row([self.prompt, *seen, own], [7])
            for seen, own in zip(others, self.blocks, strict=True)
        ]

    def step(self) -> Tensor:
        return self.engine.forward(self.rows())

    @property
    def n_tokens(self) -> int:
        """Tokens in the cache, each counted once."""
        return sum(block.n_tokens for block in (self.prompt, *self.blocks))

    @property
    def n_pages(self) -> int:
        """Pages that the prompt and the streams read; the prompt's are the radix cache's."""
        blocks = (self.prompt, *self.blocks)
        return sum(run.n_pages for b in blocks for run in self.engine._holdings.runs(b))


class Preparation:
    """What the engine does in a step before the first layer: from rows to tensors."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._attention = make_attention(
            engine.attention,
            engine.config,
            engine.transformer.rope,
            engine.page_size_tokens,
            device=engine.device,
            dtype=engine.dtype,
        )

    def step(self, team: Team) -> object:
        """Prepare a step of a team. Nothing of it is run."""
        engine = self._engine
        blocks = {block.number: block for block in (team.prompt, *team.blocks)}
        resolved = resolve(team.rows(), blocks, engine.config)
        return self._attention.prepare(span_rows(resolved, engine._holdings.layout))


class Sequences:
    """The same number of sequences in transformers, each with a cache of its own."""

    def __init__(
        self, model: Qwen3ForCausalLM, implementation: str, cache: DynamicCache, n: int
    ) -> None:
        self._model, self._implementation, self._cache = model, implementation, cache
        self._tokens = torch.full((n, 1), 7)

    def get_ready(self) -> None:
        """What is done once, not per step."""
        self._model.set_attn_implementation(self._implementation)

    @torch.inference_mode()
    def step(self) -> Tensor:
        return self._model(self._tokens, past_key_values=self._cache, use_cache=True).logits


@dataclass
class Times:
    """Seconds of all that was measured, by what it is."""

    seconds: dict[tuple[Any, ...], list[float]] = field(default_factory=lambda: defaultdict(list))

    def measure(self, step: Step, *what: Any) -> None:
        begin = perf_counter()
        step()
        self.seconds[what].append(perf_counter() - begin)

    def ms(self, *what: Any) -> float:
        return 1e3 * median(self.seconds[what][N_WARM_UP:])


def make_engine() -> Engine:
    """An engine whose cache holds the largest prompt with all teams, one after the other."""
    n_tokens = max(CONTEXTS) + 64 * max(N_STREAMS) * N_OWN
    return Engine(random_transformer(CONFIG, seed=1), n_cache_tokens=n_tokens)


def make_transformers() -> Qwen3ForCausalLM:
    """A model of the same shape, with random weights of its own."""
    config = Qwen3Config(
        vocab_size=CONFIG.n_vocab,
        hidden_size=CONFIG.width,
        intermediate_size=CONFIG.mlp_width,
        num_hidden_layers=CONFIG.n_layers,
        num_attention_heads=CONFIG.n_heads,
        num_key_value_heads=CONFIG.n_kv_heads,
        head_dim=CONFIG.head_dim,
        max_position_embeddings=CONFIG.context_length,
        tie_word_embeddings=False,
    )
    torch.manual_seed(1)
    return Qwen3ForCausalLM(config).eval()


def draw_tokens(n: int) -> list[int]:
    generator = torch.Generator().manual_seed(n)
    return torch.randint(CONFIG.n_vocab, (n,), generator=generator).tolist()


def make_team(engine: Engine, prompt: Block, n: int) -> Team:
    """`n` streams that have written `N_OWN` tokens each, all of them in one step."""
    team = Team(engine, prompt, [engine.block() for _ in range(n)])
    engine.forward([Row(row.view, draw_tokens(N_OWN)) for row in team.rows()])
    return team


@torch.inference_mode()
def make_sequences(model: Qwen3ForCausalLM, n_tokens: int) -> dict[tuple[str, int], Sequences]:
    """All numbers of sequences of so many tokens, which are encoded once, by implementation."""
    cache = DynamicCache(config=model.config)
    model(torch.tensor([draw_tokens(n_tokens)]), past_key_values=cache, logits_to_keep=1)
    sequences: dict[tuple[str, int], Sequences] = {}
    for implementation in IMPLEMENTATIONS:
        for n in N_STREAMS:
            repeated = deepcopy(cache)
            repeated.batch_repeat_interleave(n)
            sequences[implementation, n] = Sequences(model, implementation, repeated, n)
    return sequences


def weight_bytes(engine: Engine) -> int:
    """What a step reads of the weights: all but the embedding, of which it reads a few rows."""
    shapes = empty_weights(CONFIG, device=torch.device("meta"), dtype=engine.dtype)
    return sum(
        place.target.numel() * engine.dtype.itemsize
        for place in places(CONFIG, shapes)
        if place.name != "model.embed_tokens.weight"
    )


def measure_context(
    engine: Engine, n_context: int, n_steps: int, times: Times
) -> list[dict[str, Any]]:
    """Measure all numbers of streams after one prompt, in turns."""
    prompt = engine.encode(draw_tokens(n_context))
    teams = {n: make_team(engine, prompt, n) for n in N_STREAMS}
    sequences = make_sequences(make_transformers(), n_context + N_OWN)
    preparation = Preparation(engine)
    memory, console = torch.ones(BANDWIDTH_BYTES // 4), Console(stderr=True)
    for _ in track(range(N_WARM_UP + n_steps), f"{n_context} tokens", console=console):
        times.measure(memory.sum, "read")
        for n in N_STREAMS:
            times.measure(lambda n=n: preparation.step(teams[n]), "prepare", n_context, n)
            times.measure(teams[n].step, "ours", n_context, n)
            for implementation, name in IMPLEMENTATIONS.items():
                theirs = sequences[implementation, n]
                theirs.get_ready()
                times.measure(theirs.step, name, n_context, n)
    ms_per_byte = times.ms("read") / BANDWIDTH_BYTES
    token_bytes = bytes_per_token(CONFIG, engine.dtype)
    rows = [
        {
            "context": n_context,
            "streams": n,
            "ours_ms": times.ms("ours", n_context, n),
            "transformers_ms": times.ms("transformers", n_context, n),
            "transformers_sdpa_ms": times.ms("transformers_sdpa", n_context, n),
            "limit_ms": ms_per_byte * (weight_bytes(engine) + token_bytes * teams[n].n_tokens),
            "prepare_ms": times.ms("prepare", n_context, n),
            "pages": teams[n].n_pages,
            "megabytes": teams[n].n_pages * engine.page_size_tokens * token_bytes / 1e6,
        }
        for n in N_STREAMS
    ]
    engine.free(prompt, *(block for team in teams.values() for block in team.blocks))
    return rows


def slopes(rows: Sequence[dict[str, Any]]) -> dict[int, float]:
    """Milliseconds per 1000 tokens of prompt, by number of streams."""
    return {
        n: 1e3
        * linear_regression(
            [row["context"] for row in rows if row["streams"] == n],
            [row["ours_ms"] for row in rows if row["streams"] == n],
        ).slope
        for n in N_STREAMS
    }


def main(
    steps: Annotated[int, typer.Option(help="Steps of each kind that count.")] = 30,
    threads: Annotated[int, typer.Option(help="Threads of torch.")] = 2,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures here.")
    ] = None,
) -> None:
    """Measure steps of streams that share their views."""
    torch.set_num_threads(threads)
    engine, times = make_engine(), Times()
    rows = [row for n in CONTEXTS for row in measure_context(engine, n, steps, times)]
    figures = {
        "rows": rows,
        "slopes": slopes(rows),
        "n_threads": threads,
        "bandwidth_gb_s": BANDWIDTH_BYTES / times.ms("read") / 1e6,
    }
    if json_file is not None:
        json_file.write_text(json.dumps(figures, indent=2) + "\n")
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(f"{figure:.4g}" for figure in row.values()))
    Console().print(table)
    for name in ("slopes", "bandwidth_gb_s"):
        Console().print(name.replace("_", " "), figures[name])


if __name__ == "__main__":
    typer.run(main)
