"""The way in which piglet is made: its tokenizer, and training that can be stopped."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from runtime.piglet import tokenizer, train


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


def test_the_first_loss_is_that_of_guessing() -> None:
    torch.manual_seed(0)
    tok = tokenizer.build()
    (batch, *_) = train.draw_pool(tok, 4, seed=0, pool=0)
    model = train.new_model(len(tok))
    assert train.loss_of(model, batch).item() == pytest.approx(5.7, abs=0.3)


@pytest.mark.parametrize("text", ["a:17+25\nAlice: b", "ahead? yes", "größe 🐖 <think>"])
def test_the_tokenizer_gives_back_any_text(text: str) -> None:
    tok = tokenizer.build()
    assert tok.decode(tok(text, add_special_tokens=False)["input_ids"]) == text
