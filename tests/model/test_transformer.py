"""The forward pass, where no checkpoint is needed."""

import torch
from torch import Tensor

from runtime.checkpoint import random_transformer
from runtime.model import ModelConfig
from tests.model.tiny_checkpoints import causal_attend

CONFIG = ModelConfig(
    architecture="Qwen3ForCausalLM",
    n_layers=3,
    width=32,
    n_heads=4,
    n_kv_heads=2,
    head_dim=16,
    mlp_width=48,
    n_vocab=50,
    context_length=128,
    qk_norm=True,
    tie_embeddings=True,
)


def test_attention_gets_queries_and_keys_normed_and_not_rotated() -> None:
    model = random_transformer(CONFIG, seed=0)
    for layer in model.weights.layers:
        assert layer.qk_norm is not None
        layer.qk_norm.fill_(1.0)
    seen: list[tuple[int, torch.Size, torch.Size, torch.Size]] = []

    def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        seen.append((layer, q.shape, k.shape, v.shape))
        for x in (q, k):
            torch.testing.assert_close(x.square().mean(-1), torch.ones(x.shape[:2]))
        assert not torch.allclose(v.square().mean(-1), torch.ones(v.shape[:2]), atol=1e-2)
        torch.testing.assert_close(q[0], q[1])  # the same token at two positions
        return q

    model.hidden(torch.tensor([7, 7, 3]), attend)
    shapes = torch.Size([3, 4, 16]), torch.Size([3, 2, 16]), torch.Size([3, 2, 16])
    assert seen == [(layer, *shapes) for layer in range(3)]


def test_the_same_seed_gives_the_same_model() -> None:
    tokens = torch.arange(9)
    logits = [
        model.logits(model.hidden(tokens, causal_attend(model.rope)))
        for model in (random_transformer(CONFIG, seed=seed) for seed in (1, 1, 2))
    ]
    assert torch.equal(logits[0], logits[1])
    assert not torch.allclose(logits[0], logits[2])


def test_activations_of_a_random_model_stay_of_the_size_of_one() -> None:
    model = random_transformer(CONFIG, seed=1)
    logits = model.logits(model.hidden(torch.arange(50), causal_attend(model.rope)))
    assert 0.3 < logits.std() < 3


def test_dtypes_agree_up_to_rounding() -> None:
    tokens = torch.arange(9)
    models = {
        dtype: random_transformer(CONFIG, seed=1, dtype=dtype)
        for dtype in (torch.float64, torch.float32, torch.bfloat16)
    }
    logits = {
        dtype: model.logits(model.hidden(tokens, causal_attend(model.rope, dtype)))
        for dtype, model in models.items()
    }
    assert logits[torch.float64].dtype == torch.float64
    assert logits[torch.float32].dtype == logits[torch.bfloat16].dtype == torch.float32
    exact = logits[torch.float64]
    torch.testing.assert_close(logits[torch.float32].double(), exact, rtol=0, atol=1e-5)
    torch.testing.assert_close(logits[torch.bfloat16].double(), exact, rtol=0, atol=0.3)


def test_no_tokens_give_no_rows() -> None:
    model = random_transformer(CONFIG, seed=1)
    hidden = model.hidden(torch.empty(0, dtype=torch.int64), lambda layer, q, k, v: q)
    assert hidden.shape == (0, 32)
    assert model.logits(hidden).shape == (0, 50)


def test_tied_embeddings_are_one_tensor() -> None:
    weights = random_transformer(CONFIG, seed=1).weights
    assert weights.head is weights.embedding


def test_a_model_says_what_it_is() -> None:
    model = random_transformer(CONFIG, seed=1)
    assert repr(model) == "<Transformer Qwen3ForCausalLM, 3 layers, torch.float32 on cpu>"
