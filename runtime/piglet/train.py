"""Train piglet from nothing: `python -m runtime.piglet.train --out FOLDER`.

Next-token prediction on the transcripts of `runtime.piglet.transcripts`, with Muon for the
matrices and AdamW for the rest, a constant learning rate and a linear decay at the end. The data
of a step depends on the seed and the step alone, so a run that is stopped goes on from its last
checkpoint as if nothing had happened.
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.progress import (
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from torch.nn.functional import cross_entropy
from transformers import (
    GenerationConfig,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from runtime.piglet import tokenizer, transcripts
from runtime.piglet.segments import Segments

POOL = 16
"""Batches drawn together and sorted by length, so that little of a batch is padding."""

BUCKET = 32
"""Lengths are padded to a multiple of this, so that few shapes are compiled."""

Batch = tuple[torch.Tensor, torch.Tensor]
"""Token ids int64[batch, length] and the weight of the loss on each, float32[batch, length]."""


def new_model(n_vocab: int) -> Qwen3ForCausalLM:
    """Piglet's architecture, with fresh weights."""
    config = Qwen3Config(
        vocab_size=n_vocab,
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        pad_token_id=None,
        bos_token_id=None,
    )
    return Qwen3ForCausalLM(config)


def draw_pool(tok: PreTrainedTokenizerFast, batch_size: int, seed: int, pool: int) -> list[Batch]:
    """The batches of steps `pool * POOL` and on, in a random order."""
    rng = random.Random(f"{seed}/{pool}")
    samples = [encode(tok, transcripts.draw(rng)) for _ in range(batch_size * POOL)]
    samples.sort(key=lambda sample: len(sample[0]))
    batches = [collate(samples[i : i + batch_size]) for i in range(0, len(samples), batch_size)]
    rng.shuffle(batches)
    return batches


def encode(tok: PreTrainedTokenizerFast, segments: Segments) -> tuple[list[int], list[float]]:
    """Token ids and their weights; every segment is tokenized by itself, as the runtime does."""
    pieces = [text for text, _ in segments]
    encoded: list[list[int]] = tok(pieces, add_special_tokens=False)["input_ids"]
    ids = [token for piece in encoded for token in piece]
    weights = [w for piece, (_, w) in zip(encoded, segments, strict=True) for _ in piece]
    return ids, weights


def collate(samples: list[tuple[list[int], list[float]]]) -> Batch:
    """Pad on the right: what is padding is never seen by a token before it, and weighs nothing."""
    length = -(-max(len(ids) for ids, _ in samples) // BUCKET) * BUCKET
    tokens = torch.zeros(len(samples), length, dtype=torch.int64)
    weights = torch.zeros(len(samples), length)
    for row, (ids, w) in enumerate(samples):
        tokens[row, : len(ids)] = torch.tensor(ids)
        weights[row, : len(ids)] = torch.tensor(w)
    return tokens, weights


def optimizers(model: Qwen3ForCausalLM, rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, AdamW for the embedding and the norms."""
    inner = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    outer = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    return [
        torch.optim.Muon(inner, lr=rate, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(outer, lr=rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def rate_factor(step: int, n_steps: int, warmup: int = 100, decay: float = 0.4) -> float:
    """Warm up, stay, and fall to zero over the last `decay` of the steps."""
    return min(1.0, (step + 1) / warmup, (n_steps - step) / (decay * n_steps))


def loss_of(model: Callable[..., Any], batch: Batch) -> torch.Tensor:
    """The weighted mean loss of predicting every next token."""
    tokens, weights = batch
    logits = model(input_ids=tokens, use_cache=False).logits[:, :-1]
    losses = cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")
    w = weights[:, 1:].flatten()
    return (losses * w).sum() / w.sum()


def save(model: Qwen3ForCausalLM, tok: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write an ordinary Hugging Face folder with bfloat16 weights."""
    end, pad = (tok.get_vocab()[token] for token in (tokenizer.END, tokenizer.PAD))
    half = Qwen3ForCausalLM._from_config(model.config, dtype=torch.bfloat16)
    half.load_state_dict(model.state_dict())
    half.config.eos_token_id = end
    half.generation_config = GenerationConfig(eos_token_id=end, pad_token_id=pad)
    half.save_pretrained(folder)
    tok.save_pretrained(folder)


def main(
    out: Annotated[Path, typer.Option(help="Folder for the finished checkpoint.")],
    steps: Annotated[int, typer.Option(help="Optimizer steps in all.")] = 6000,
    batch_size: Annotated[int, typer.Option(help="Transcripts per step.")] = 64,
    rate: Annotated[float, typer.Option(help="Peak learning rate.")] = 4e-3,
    seed: Annotated[int, typer.Option(help="Seed of weights and data.")] = 0,
    start: Annotated[
        Path | None, typer.Option(help="Folder of a checkpoint to begin with, not with nothing.")
    ] = None,
    compiled: Annotated[
        bool, typer.Option(help="Use torch.compile (needs a C++ compiler).")
    ] = True,
    save_every: Annotated[int, typer.Option(help="Steps between resumable checkpoints.")] = 200,
) -> None:
    """Train piglet; a run that was stopped goes on from its last checkpoint."""
    torch.manual_seed(seed)
    tok = tokenizer.build()
    model = new_model(len(tok))
    if start is not None:
        model.load_state_dict(Qwen3ForCausalLM.from_pretrained(start).float().state_dict())
    opts = optimizers(model, rate)
    resume, first = out / "resume.pt", 0
    out.mkdir(parents=True, exist_ok=True)
    if resume.exists():
        state = torch.load(resume)
        first = state["step"]
        model.load_state_dict(state["model"])
        for opt, saved in zip(opts, state["optimizers"], strict=True):
            opt.load_state_dict(saved)
    forward = torch.compile(model) if compiled else model
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn()) as progress:
        task = progress.add_task("training", total=steps, completed=first)
        pool: list[Batch] = []
        for step in range(first, steps):
            if not pool or step % POOL == 0:
                pool = draw_pool(tok, batch_size, seed, step // POOL)
            loss = loss_of(forward, pool[step % POOL])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for opt in opts:
                for group in opt.param_groups:
                    group["lr"] = rate * rate_factor(step, steps)
                opt.step()
                opt.zero_grad()
            progress.update(task, advance=1, description=f"training, loss {loss.item():.4f}")
            if not progress.console.is_terminal and step % 50 == 0:
                progress.console.print(f"step {step} loss {loss.item():.4f}")
            if (step + 1) % save_every == 0 or step + 1 == steps:
                saved = [opt.state_dict() for opt in opts]
                torch.save(
                    {"step": step + 1, "model": model.state_dict(), "optimizers": saved}, resume
                )
    save(model, tok, out)


if __name__ == "__main__":
    typer.run(main)
