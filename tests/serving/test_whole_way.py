"""From a program to the model and back, against transformers on the same checkpoint."""

from collections.abc import Iterator

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import hogdsl as hog
from runtime.engine import PIGLET_FOLDER

PROBLEM = "a:17+25 b:38+41 c:9+66 d:52+13 e:80+7"


@pytest.fixture(scope="module")
def runtime() -> Iterator[hog.Runtime]:
    runtime = hog.local(device="cpu")
    yield runtime
    assert runtime.stats().pages_used == 0
    runtime.close()


@hog.program
def ask(s: hog.Scope, problem: str) -> str:
    s += hog.user(problem) + hog.assistant(hog.gen("reply", max_tokens=80))
    return s["reply"]


@torch.inference_mode()
def test_one_stream_writes_what_transformers_finds_likeliest(runtime: hog.Runtime) -> None:
    tok = AutoTokenizer.from_pretrained(PIGLET_FOLDER)
    model = AutoModelForCausalLM.from_pretrained(PIGLET_FOLDER, dtype=torch.float32)
    messages = [{"role": "user", "content": PROBLEM}]
    prompt = tok.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    start = tok(prompt, add_special_tokens=False)["input_ids"]
    tokens = list(start)
    while tokens[-1] != tok.eos_token_id or len(tokens) == len(start):
        tokens.append(int(model(torch.tensor([tokens])).logits[0, -1].argmax()))
    assert ask.on(runtime)(PROBLEM) == tok.decode(tokens[len(start) : -1])


@pytest.mark.parametrize("choices", [("41", "42", "43"), ("142", "4", "42"), ("42\nb", "42 b")])
def test_select_scores_choices_as_transformers_does(
    runtime: hog.Runtime, choices: tuple[str, ...]
) -> None:
    @hog.program
    def choose(s: hog.Scope) -> str:
        s += hog.user("a:17+25 b:1+1") + hog.turn("assistant", "a:17+25=")
        s += hog.select("result", choices)
        return s["result"]

    tok = AutoTokenizer.from_pretrained(PIGLET_FOLDER)
    model = AutoModelForCausalLM.from_pretrained(PIGLET_FOLDER, dtype=torch.float32)
    prompt = "<|im_start|>user\na:17+25 b:1+1<|im_end|>\n<|im_start|>assistant\na:17+25="
    start = tok(prompt, add_special_tokens=False)["input_ids"]

    def score(choice: str) -> float:
        tokens = tok(choice, add_special_tokens=False)["input_ids"]
        with torch.inference_mode():
            logprobs = model(torch.tensor([start + tokens])).logits[0].log_softmax(-1)
        found = [logprobs[len(start) - 1 + i, token] for i, token in enumerate(tokens)]
        return float(sum(found)) / len(tokens)

    assert choose.on(runtime)() == max(choices, key=score)


def test_a_stop_across_tokens_leaves_the_cache_as_if_it_had_never_been_written(
    runtime: hog.Runtime,
) -> None:
    @hog.program
    def stopped(s: hog.Scope) -> str:
        s += hog.user(PROBLEM) + hog.turn("assistant")
        s += hog.gen("first", stop="\nc:", max_tokens=60)
        s += "\nc:" + hog.gen("rest", max_tokens=60)
        return s["first"] + "\nc:" + s["rest"]

    assert stopped.on(runtime)() == ask.on(runtime)(PROBLEM)


def test_the_parent_goes_on_behind_what_its_workers_wrote(runtime: hog.Runtime) -> None:
    @hog.program
    def hand_over(s: hog.Scope) -> str:
        """One worker writes the beginning, the parent the rest."""
        s += hog.user(PROBLEM) + hog.turn("assistant")
        with s.fork("Alice", layout=hog.layouts.isolated(header="")) as team:
            for worker in team:
                worker += hog.gen(stop="\nd", max_tokens=60)
        s += "\nd" + hog.gen("rest", max_tokens=60)
        return team["Alice"].text + "\nd" + s["rest"]

    assert hand_over.on(runtime)() == ask.on(runtime)(PROBLEM)
