"""The transformer: one forward pass that leaves attention to its caller.

Everything in a layer but attention treats each token by itself, so the tokens of all streams go
through as one flat batch [n, ...]. Where keys are stored and who sees whom is decided by the
`attend` that the caller passes in.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from runtime.model.config import ModelConfig
from runtime.model.kernels import Kernels, TorchKernels
from runtime.model.matrices import Kept
from runtime.model.products import product
from runtime.model.rope import Rope
from runtime.model.weights import LayerWeights, Weights, pack

Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""`attend(layer, q, k, v) -> [n, n_heads, head_dim]`

with q [n, n_heads, head_dim] and k, v [n, n_kv_heads, head_dim]; q and k are normed where the model
does that, and not yet rotated. Scores are to be scaled by `head_dim ** -0.5`.
"""


class Transformer:
    """A model for inference. It keeps no state from call to call.

    Attributes:
        config: what the model is made of.
        weights: its tensors.
        rope: the rotation of its queries and keys.
        kernels: what computes norms and gates; torch's own, or others that suit the device.
    """

    def __init__(self, config: ModelConfig, weights: Weights, *, kept: Kept | None = None) -> None:
        """
        Args:
            config: the model's.
            weights: taken over; on a CPU their large matrices are packed.
            kept: in how many bits; by default as they are.
        """
        pack(weights, kept)
        self.config = config
        self.weights = weights
        self.rope = Rope(config.rope, config.head_dim, device=weights.final_norm.device)
        self.kernels: Kernels = TorchKernels()

    def __repr__(self) -> str:
        name, n_layers = self.config.architecture, self.config.n_layers
        return f"<Transformer {name}, {n_layers} layers, {self.dtype} on {self.device}>"

    @property
    def device(self) -> torch.device:
        return self.weights.final_norm.device

    @property
    def dtype(self) -> torch.dtype:
        return self.weights.final_norm.dtype

    @torch.inference_mode()
    def hidden(self, tokens: Tensor, attend: Attend) -> Tensor:
        """The residual stream after the last layer and the final norm.

        Args:
            tokens: int64[n], each less than `config.n_vocab`; not checked here.
            attend: called once per layer, in order.

        Returns:
            [n, width] in the model's dtype.
        """
        layers, eps = self.weights.layers, self.config.norm_eps
        norms = [*(layer.attention_norm for layer in layers[1:]), self.weights.final_norm]
        x = self.weights.embedding[tokens]  # the residual stream, grown in place
        normed = self.kernels.norm(x, layers[0].attention_norm, eps)
        for index, (layer, next_norm) in enumerate(zip(layers, norms, strict=True)):
            mixed = self._attention(index, layer, normed, attend)
            normed = self.kernels.add_norm(x, mixed, layer.mlp_norm, eps)
            normed = self.kernels.add_norm(x, self._mlp(layer, normed), next_norm, eps)
        return normed

    @torch.inference_mode()
    def logits(self, hidden: Tensor) -> Tensor:
        """Unnormalised log-probabilities, float32[m, n_vocab], of what follows `hidden` [m, width].

        A float64 model, which exists for tests, gives float64.
        """
        logits = product(hidden, self.weights.head)
        return logits if logits.dtype == torch.float64 else logits.float()

    def _attention(self, index: int, layer: LayerWeights, x: Tensor, attend: Attend) -> Tensor:
        """x [n, width], normed -> [n, width]"""
        config = self.config
        n, n_q, n_kv = len(x), config.n_heads, config.n_kv_heads
        qkv = product(x, layer.qkv, layer.qkv_bias).view(n, n_q + 2 * n_kv, config.head_dim)
        qk, v = qkv[:, : n_q + n_kv], qkv[:, n_q + n_kv :]
        if layer.qk_norm is not None:
            qk = self.kernels.head_norm(qk, layer.qk_norm, n_q, config.norm_eps)
        mixed = attend(index, qk[:, :n_q], qk[:, n_q:], v)
        return product(mixed.reshape(n, n_q * config.head_dim), layer.out, layer.out_bias)

    def _mlp(self, layer: LayerWeights, x: Tensor) -> Tensor:
        """x [n, width], normed -> [n, width]"""
        gate_up = product(x, layer.gate_up, layer.gate_up_bias)
        return product(self.kernels.gated(gate_up), layer.down, layer.down_bias)
