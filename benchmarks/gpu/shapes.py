"""The models that are measured: shapes of Qwen3, and a tiny one."""

from dataclasses import dataclass

from runtime.model.config import ModelConfig
from runtime.model.rope import RopeSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is measured.

    Attributes:
        shapes: by name, the most important first.
        contexts: tokens of the prompt that all streams see.
        n_streams: how many write at once.
        n_warm_up: steps before those that count.
        n_steps: steps that count.
        limit_s: no further context is begun after so many seconds.
    """

    shapes: dict[str, ModelConfig]
    contexts: tuple[int, ...]
    n_streams: tuple[int, ...]
    n_warm_up: int
    n_steps: int
    limit_s: float


def qwen3(
    *, n_layers: int, width: int, n_heads: int, mlp_width: int, tie_embeddings: bool = False
) -> ModelConfig:
    """What the dense models of Qwen3 have in common (arXiv 2505.09388, table 1)."""
    return ModelConfig(
        architecture="Qwen3ForCausalLM",
        n_layers=n_layers,
        width=width,
        n_heads=n_heads,
        n_kv_heads=8,
        head_dim=128,
        mlp_width=mlp_width,
        n_vocab=151_936,
        context_length=40_960,
        tie_embeddings=tie_embeddings,
        qk_norm=True,
        rope=RopeSettings(theta=1e6),
    )


WHOLE = Plan(
    shapes={
        "8B": qwen3(n_layers=36, width=4096, n_heads=32, mlp_width=12_288),
        "0.6B": qwen3(n_layers=28, width=1024, n_heads=16, mlp_width=3072, tie_embeddings=True),
        "32B": qwen3(n_layers=64, width=5120, n_heads=64, mlp_width=25_600),
    },
    contexts=(1024, 4096, 16_384),
    n_streams=(1, 2, 4, 8),
    n_warm_up=5,
    n_steps=30,
    limit_s=480.0,
)

DRY = Plan(
    shapes={
        "tiny": ModelConfig(
            architecture="Qwen3ForCausalLM",
            n_layers=2,
            width=64,
            n_heads=4,
            n_kv_heads=2,
            head_dim=16,
            mlp_width=96,
            n_vocab=256,
            context_length=1024,
            qk_norm=True,
            rope=RopeSettings(theta=1e6),
        )
    },
    contexts=(32, 64),
    n_streams=(1, 2),
    n_warm_up=1,
    n_steps=2,
    limit_s=60.0,
)
