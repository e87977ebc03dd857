"""Tiny random models and engines."""

from functools import cache
from typing import Any

import torch

from runtime.checkpoint import random_transformer
from runtime.engine import Engine
from runtime.model.config import ModelConfig
from runtime.model.rope import RopeSettings
from runtime.model.transformer import Transformer

CONFIG = ModelConfig(
    architecture="Qwen3ForCausalLM",
    n_layers=2,
    width=24,
    n_heads=4,
    n_kv_heads=2,
    head_dim=8,
    mlp_width=32,
    n_vocab=31,
    context_length=512,
    qk_norm=True,
    rope=RopeSettings(theta=1000.0),
)


@cache
def tiny_model(dtype: torch.dtype = torch.float32, config: ModelConfig = CONFIG) -> Transformer:
    """A model with random weights; those of different dtypes are the same up to rounding."""
    return random_transformer(config, seed=5, dtype=dtype)


def tiny_engine(
    *,
    attention: str | None = "torch",
    dtype: torch.dtype = torch.float32,
    config: ModelConfig = CONFIG,
    n_cache_tokens: int = 1024,
    page_size_tokens: int = 4,
    **settings: Any,
) -> Engine:
    """An engine with small pages."""
    return Engine(
        tiny_model(dtype, config),
        attention=attention,
        n_cache_tokens=n_cache_tokens,
        page_size_tokens=page_size_tokens,
        **settings,
    )


def draw_tokens(n: int, seed: int = 0) -> list[int]:
    """Random token ids of the tiny model."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(CONFIG.n_vocab, (n,), generator=generator).tolist()
