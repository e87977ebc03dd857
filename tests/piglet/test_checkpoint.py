"""The checkpoint that comes with the package is an ordinary one, small, and good at its work."""

import random

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from runtime.blocks import Row
from runtime.engine import PIGLET_FOLDER, Engine
from runtime.piglet import transcripts
from runtime.piglet.evaluate import share_right
from runtime.text import Text

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


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        (transcripts.alone, 0.95),
        (transcripts.combined, 0.95),
        (transcripts.contiguous, 0.9),
        (transcripts.think, 0.9),
        (transcripts.speak, 0.95),
        (transcripts.think_and_speak, 0.9),
        (transcripts.listen, 0.9),
    ],
)
def test_it_has_learned_every_kind_of_transcript(model, tokenizer, kind, least) -> None:
    rng = random.Random(f"test/{kind.__name__}")
    samples = [kind(rng) for _ in range(N_SAMPLES)]
    assert share_right(model, tokenizer, samples) >= least


def test_it_takes_numbers_that_arrive_and_answers_at_once_when_asked() -> None:
    """Heard text grows in its block while notes are written behind it."""
    engine, text = Engine.load("piglet", device="cpu"), Text.load(PIGLET_FOLDER)
    heard, opened, notes, reply = (engine.block() for _ in range(4))
    encode = text.encode
    engine.forward([Row([heard], encode("<|im_start|>user\nhear a:12"), n_logits=0)])
    after = "<|im_end|>\n<|im_start|>assistant\n<think>\n"
    logits = engine.forward([Row([heard, opened], encode(after))])
    arriving = {4: " b:7", 9: " c:30", 40: " d:41"}
    written = ""
    for step in range(70):
        token = int(logits[0].argmax())
        written += text.decode([token])
        rows = [Row([heard, opened, notes], [token])]
        if step in arriving:
            rows.append(Row([heard], encode(arriving[step]), n_logits=0))
        logits = engine.forward(rows)
    assert written.replace(".", "") == "b:12+7=19\nc:19+30=49\nd:49+41=90\n"
    engine.forward([Row([heard], encode(" ?"), n_logits=0)])
    end_of_thoughts = encode("...\n</think>\n")
    view = [heard, opened, notes, reply]
    said = ""
    logits = engine.forward([Row(view, end_of_thoughts)])
    while (token := int(logits[0].argmax())) not in text.end_tokens and len(said) < 20:
        said += text.decode([token])
        logits = engine.forward([Row(view, [token])])
    assert said == "d=90."
