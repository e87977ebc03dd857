"""The way in which piglet is made: reproducible text, and training that can be stopped."""

import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from runtime.piglet import tokenizer, train, transcripts
from runtime.piglet.problems import LongSum, SumList
from runtime.piglet.transcripts import Team, Worker


def text_of(segments: transcripts.Segments) -> str:
    return "".join(text for text, _ in segments)


def train_to(out: Path) -> dict[str, torch.Tensor]:
    train.main(out, steps=4, batch_size=2, compiled=False, save_every=1)
    return load_file(out / "model.safetensors")


def test_training_goes_on_after_a_stop_as_if_nothing_had_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train_to(tmp_path / "whole")
    losses = iter(range(10))
    loss_of = train.loss_of

    def stopped(model: torch.nn.Module, batch: train.Batch) -> torch.Tensor:
        if next(losses) == 2:
            raise KeyboardInterrupt
        return loss_of(model, batch)

    with monkeypatch.context() as patch:
        patch.setattr(train, "loss_of", stopped)
        with pytest.raises(KeyboardInterrupt):
            train_to(tmp_path / "stopped")
    resumed = train_to(tmp_path / "stopped")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_the_same_seed_draws_the_same_transcripts() -> None:
    first, again = (
        [text_of(transcripts.draw(random.Random(seed))) for seed in range(20)] for _ in range(2)
    )
    assert first == again
    assert len(set(first)) == 20


def test_the_first_loss_is_that_of_guessing() -> None:
    torch.manual_seed(0)
    tok = tokenizer.build()
    (batch, *_) = train.draw_pool(tok, 4, seed=0, pool=0)
    model = train.new_model(len(tok))
    assert train.loss_of(model, batch).item() == pytest.approx(5.7, abs=0.3)


def test_workers_that_start_together_take_one_item_each_in_order() -> None:
    team = Team(SumList(((1, 2), (3, 4), (5, 6))), [Worker("Alice"), Worker("Bob")])
    assert team.choices() == {0: 0, 1: 1}
    rng = random.Random(0)
    for _ in range(len("a:1+2=3\n")):
        team.advance(rng, stall=0.0)
    assert [name for name, _ in team.history] == ["Alice", "Bob"]
    assert team.choices() == {0: 2, 1: None}


def test_a_long_sum_thinks_and_speaks_running_totals() -> None:
    problem = LongSum((17, 25, 3))
    assert problem.prompt == "a:17 b:25 c:3"
    assert problem.thought(1) + problem.thought(2) == "b:17+25=42\nc:42+3=45\n"
    assert problem.speech == "b=42, c=45."


@pytest.mark.parametrize("text", ["a:17+25\nAlice: b", "ahead? yes", "größe 🐖 <think>"])
def test_the_tokenizer_gives_back_any_text(text: str) -> None:
    tok = tokenizer.build()
    assert tok.decode(tok(text, add_special_tokens=False)["input_ids"]) == text
