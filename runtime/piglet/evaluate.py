"""How well piglet has learned its transcripts: `python -m runtime.piglet.evaluate --folder F`.

For each kind of transcript, on fresh ones: the share in which every token that is to be learned is
the model's first choice, given what comes before it. This is ordinary left-to-right reading with
transformers; what the model does concurrently is measured by `benchmarks.collaboration`.
"""

import random
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from transformers import AutoTokenizer, PreTrainedTokenizerFast, Qwen3ForCausalLM

from runtime.piglet.segments import Segments
from runtime.piglet.train import collate, encode
from runtime.piglet.transcripts import KINDS


@torch.inference_mode()
def share_right(
    model: Qwen3ForCausalLM,
    tok: PreTrainedTokenizerFast,
    samples: list[Segments],
    batch_size: int = 64,
) -> float:
    """The share of transcripts without a wrong first choice where a choice is to be learned."""
    n_right = 0
    for start in range(0, len(samples), batch_size):
        encoded = [encode(tok, segments) for segments in samples[start : start + batch_size]]
        tokens, weights = collate(encoded)
        chosen = model(input_ids=tokens, use_cache=False).logits[:, :-1].argmax(dim=-1)
        wrong = (chosen != tokens[:, 1:]) & (weights[:, 1:] > 0)
        n_right += int((~wrong.any(dim=-1)).sum())
    return n_right / len(samples)


def main(
    folder: Annotated[Path, typer.Option(help="Folder of the checkpoint.")] = (
        Path(__file__).parent / "checkpoint"
    ),
    samples: Annotated[int, typer.Option(help="Transcripts of each kind.")] = 500,
    seed: Annotated[int, typer.Option(help="Seed of the transcripts.")] = 1,
) -> None:
    """Measure piglet on fresh transcripts of each kind."""
    model = Qwen3ForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tok = AutoTokenizer.from_pretrained(folder)
    table = Table("transcript", "all right")
    for name, kind in track(KINDS.items(), console=Console(stderr=True)):
        rng = random.Random(f"evaluate/{seed}/{name}")
        share = share_right(model, tok, [kind.draw(rng) for _ in range(samples)])
        table.add_row(name, f"{share:.4f}")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
