"""Penalties, biases, lengths and log-probabilities from a program to the model and back, against
transformers on the same checkpoint."""

from collections.abc import Iterator

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.generation.logits_process import RepetitionPenaltyLogitsProcessor

import hogdsl as hog
from runtime.engine import PIGLET_FOLDER

PROMPT = "<|im_start|>user\na:17+25 b:38+41<|im_end|>\n<|im_start|>assistant\n"
N_TOKENS = 24


@pytest.fixture(scope="module")
def runtime() -> Iterator[hog.Runtime]:
    runtime = hog.local(device="cpu")
    yield runtime
    assert runtime.stats().pages_used == 0
    runtime.close()


@hog.program
def penalised(s: hog.Scope) -> list[int]:
    s += PROMPT + hog.gen(
        "x", max_tokens=N_TOKENS, repetition_penalty=1.7, ignore_eos=True, logprobs=True
    )
    return [token.token for token in s.logprobs("x")]


@torch.inference_mode()
def test_a_penalised_text_is_the_one_that_transformers_finds(runtime: hog.Runtime) -> None:
    tok = AutoTokenizer.from_pretrained(PIGLET_FOLDER)
    model = AutoModelForCausalLM.from_pretrained(PIGLET_FOLDER, dtype=torch.float32)
    penalty = RepetitionPenaltyLogitsProcessor(1.7)
    start = tok(PROMPT, add_special_tokens=False)["input_ids"]
    own: list[int] = []
    for _ in range(N_TOKENS):
        logits = model(torch.tensor([start + own])).logits[:, -1]
        if own:
            logits = penalty(torch.tensor([own]), logits)
        own.append(int(logits.argmax()))
    assert penalised.on(runtime)() == own
    assert len(set(own)) > N_TOKENS // 3, "the penalty keeps it from writing the same again"


@torch.inference_mode()
def test_log_probabilities_are_those_of_transformers(runtime: hog.Runtime) -> None:
    @hog.program
    def told(s: hog.Scope) -> None:
        s += PROMPT + hog.gen(
            "x", max_tokens=12, temperature=1.5, presence_penalty=1.0, top_logprobs=2
        )

    tok = AutoTokenizer.from_pretrained(PIGLET_FOLDER)
    model = AutoModelForCausalLM.from_pretrained(PIGLET_FOLDER, dtype=torch.float32)
    found = told.on(runtime, seed=3).run().logprobs["x"]
    start = tok(PROMPT, add_special_tokens=False)["input_ids"]
    tokens = start + [token.token for token in found]
    expected = model(torch.tensor([tokens])).logits[0, len(start) - 1 : -1].log_softmax(dim=-1)
    for row, token in zip(expected, found, strict=True):
        assert token.logprob == pytest.approx(row[token.token].item(), abs=1e-4)
        top = row.topk(2)
        assert [likely.token for likely in token.top] == top.indices.tolist()
        assert [likely.logprob for likely in token.top] == pytest.approx(
            top.values.tolist(), abs=1e-4
        )
        assert token.text == tok.decode([token.token])


def test_a_bias_makes_the_model_write_what_it_would_not(runtime: hog.Runtime) -> None:
    @hog.program
    def biased(s: hog.Scope, bias: float) -> str:
        s += PROMPT + hog.gen("x", max_tokens=4, logit_bias={"=": bias})
        return s["x"]

    assert biased.on(runtime)(100.0) == "===="
    assert "=" not in biased.on(runtime)(-100.0)


def test_min_tokens_keeps_the_model_from_ending(runtime: hog.Runtime) -> None:
    @hog.program
    def writes(s: hog.Scope, min_tokens: int) -> int:
        s += PROMPT + hog.gen("x", min_tokens=min_tokens, max_tokens=80, logprobs=True)
        return len(s.logprobs("x"))

    n_tokens = writes.on(runtime)(0)
    assert n_tokens < 60
    assert writes.on(runtime)(60) >= 60


@hog.program
def drawn(s: hog.Scope) -> str:
    """Hot, for piglet is sure of itself."""
    s += PROMPT + hog.gen(
        "x",
        max_tokens=20,
        temperature=5.0,
        min_p=0.01,
        frequency_penalty=2.0,
        repetition_penalty=1.2,
        logit_bias={"=": -2.0, "\n": 1.0},
    )
    return s["x"]


def test_the_batch_has_no_part_in_a_penalised_text(runtime: hog.Runtime) -> None:
    alone = [drawn.on(runtime, seed=seed)() for seed in range(3)]
    assert len(set(alone)) == 3

    @hog.program
    def crowd(s: hog.Scope) -> None:
        with s.fork(4, layout=hog.layouts.isolated()) as team:
            for worker in team:
                worker += PROMPT + hog.gen(max_tokens=30, temperature=2.0, presence_penalty=2.0)

    for seed in range(3):
        with crowd.on(runtime).stream() as others:
            next(iter(others))
            assert drawn.on(runtime, seed=seed)() == alone[seed]
