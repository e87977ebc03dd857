"""Law 1, without an engine: our forward pass gives the logits of transformers on every family."""

from pathlib import Path

import pytest
import torch

from runtime.checkpoint import load_transformer
from tests.model.tiny_checkpoints import SHAPE, TINY, causal_attend, make


@pytest.mark.parametrize("name", TINY)
def test_logits_equal_those_of_transformers(name: str, tmp_path: Path) -> None:
    truth = make(TINY[name], tmp_path)
    model = load_transformer(tmp_path)
    tokens = torch.randint(SHAPE["vocab_size"], (80,), generator=torch.manual_seed(1))
    with torch.no_grad():
        expected = truth(tokens[None]).logits[0]
    found = model.logits(model.hidden(tokens, causal_attend(model.rope)))
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)
