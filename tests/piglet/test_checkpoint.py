"""The checkpoint that comes with the package is an ordinary one, small, and good at its work."""

import random

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from runtime.blocks import Row
from runtime.engine import PIGLET_FOLDER, Engine
from runtime.piglet.evaluate import share_right
from runtime.piglet.transcripts import KINDS

N_SAMPLES = 48


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(PIGLET_FOLDER)


@pytest.fixture(scope="module")
def model():
    return AutoModelForCausalLM.from_pretrained(PIGLET_FOLDER, dtype=torch.float32)


def test_it_takes_at_most_eight_megabytes() -> None:
    assert sum(file.stat().st_size for file in PIGLET_FOLDER.iterdir()) <= 8e6


def test_transformers_loads_it_as_a_qwen3(model, tokenizer) -> None:
    assert model.config.model_type == "qwen3"
    text = tokenizer.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False)
    assert text == "<|im_start|>user\nhi<|im_end|>\n"


def test_our_engine_gives_the_same_logits_as_transformers(model, tokenizer) -> None:
    tokens = tokenizer("<|im_start|>user\na:17+25 b:3+4<|im_end|>\n", add_special_tokens=False)
    ids = tokens["input_ids"]
    engine = Engine.load("piglet", device="cpu")
    ours = engine.forward([Row([engine.block()], ids, n_logits=len(ids))])
    theirs = model(torch.tensor([ids])).logits[0]
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", KINDS)
def test_it_has_learned_every_kind_of_transcript(model, tokenizer, name: str) -> None:
    rng = random.Random(f"test/{name}")
    samples = [KINDS[name].draw(rng) for _ in range(N_SAMPLES)]
    least = 0.8 if name == "listen_summary" else 0.9  # docs/piglet.md has what was measured
    assert share_right(model, tokenizer, samples) >= least
