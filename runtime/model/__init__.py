"""Models: what they are made of (`config`), where tokens stand (`rope`), and the forward pass.

    config.py       ModelConfig, and how it is read from a config.json
    rope.py         rotary positions that can be shifted
    weights.py      the tensors, and which tensor of a checkpoint goes where
    matrices.py     matrices in fewer bits
    products.py     how matrices lie in a CPU's memory, and what multiplies by them
    kernels.py      what computes norms and gates: torch, or FlashInfer on a GPU
    transformer.py  tokens -> hidden states -> logits, with attention passed in

Nothing here reads a file or knows of streams, blocks or pages.
"""

from runtime.model.config import KNOWN_ARCHITECTURES, ModelConfig, model_config
from runtime.model.rope import Rope, RopeSettings
from runtime.model.transformer import Attend, Transformer

__all__ = [
    "KNOWN_ARCHITECTURES",
    "Attend",
    "ModelConfig",
    "Rope",
    "RopeSettings",
    "Transformer",
    "model_config",
]
