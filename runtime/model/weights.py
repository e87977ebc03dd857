"""The weights of a transformer, laid out for few, large matrix products.

The matrices for queries, keys and values are one tensor, and so are the two that go into the MLP.
`places` gives, for every tensor of a Hugging Face checkpoint, the part of our memory that it goes
to, so a loader fills the weights in place and never holds them twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from runtime.model.config import ModelConfig
from runtime.model.matrices import Kept, Matrix, TiledMatrix
from runtime.model.products import packed


@dataclass(slots=True, kw_only=True)
class LayerWeights:
    """One layer. Matrices are [out, in], as torch's `linear` takes them; see `pack`."""

    attention_norm: Tensor
    """[width]"""
    qkv: Matrix
    """[(n_heads + 2 * n_kv_heads) * head_dim, width]: queries, then keys, then values"""
    qkv_bias: Tensor | None
    qk_norm: Tensor | None
    """[n_heads + n_kv_heads, head_dim]: one row per head, equal for all query and all key heads"""
    out: Matrix
    """[width, n_heads * head_dim]"""
    out_bias: Tensor | None
    mlp_norm: Tensor
    """[width]"""
    gate_up: Matrix
    """[2 * mlp_width, width]: gate, then up"""
    gate_up_bias: Tensor | None
    down: Matrix
    """[width, mlp_width]"""
    down_bias: Tensor | None


@dataclass(slots=True, kw_only=True)
class Weights:
    """All tensors of a model. They are filled once, packed once, and then stay."""

    embedding: Tensor | TiledMatrix
    """[n_vocab, width]; rows of it are looked up"""
    layers: tuple[LayerWeights, ...]
    final_norm: Tensor
    """[width]"""
    head: Matrix
    """[n_vocab, width]; the embedding itself if they are tied, unless it is kept in fewer bits"""


def empty_weights(config: ModelConfig, *, device: torch.device, dtype: torch.dtype) -> Weights:
    """Memory for the weights, not yet filled."""

    def new(*shape: int) -> Tensor:
        return torch.empty(shape, device=device, dtype=dtype)

    def new_if(wanted: bool, *shape: int) -> Tensor | None:
        return new(*shape) if wanted else None

    def layer() -> LayerWeights:
        n_qkv = (config.n_heads + 2 * config.n_kv_heads) * config.head_dim
        return LayerWeights(
            attention_norm=new(config.width),
            qkv=new(n_qkv, config.width),
            qkv_bias=new_if(config.qkv_bias, n_qkv),
            qk_norm=new_if(config.qk_norm, config.n_heads + config.n_kv_heads, config.head_dim),
            out=new(config.width, config.n_heads * config.head_dim),
            out_bias=new_if(config.out_bias, config.width),
            mlp_norm=new(config.width),
            gate_up=new(2 * config.mlp_width, config.width),
            gate_up_bias=new_if(config.mlp_bias, 2 * config.mlp_width),
            down=new(config.width, config.mlp_width),
            down_bias=new_if(config.mlp_bias, config.width),
        )

    embedding = new(config.n_vocab, config.width)
    return Weights(
        embedding=embedding,
        layers=tuple(layer() for _ in range(config.n_layers)),
        final_norm=new(config.width),
        head=embedding if config.tie_embeddings else new(config.n_vocab, config.width),
    )


def pack(weights: Weights, kept: Kept | None = None) -> None:
    """Pack all float32 matrices of a model on a CPU, in place, one after the other.

    An embedding that is the head, too, is packed only as a matrix in which rows can be looked up;
    if it is to be kept in fewer bits, the head becomes a matrix of its own. It has float16 at
    least: what is rounded in it goes straight into the logits. Elsewhere, and where torch cannot,
    nothing is done.

    Args:
        weights: filled.
        kept: in how many bits; see `products.check_kept`.
    """
    for layer in weights.layers:
        layer.qkv, layer.out = packed(layer.qkv, kept), packed(layer.out, kept)
        layer.gate_up, layer.down = packed(layer.gate_up, kept), packed(layer.down, kept)
    head = packed(weights.head, None if kept is None else "float16")
    if weights.head is not weights.embedding or kept is not None:
        weights.head = head
    elif isinstance(head, TiledMatrix):
        weights.head = weights.embedding = head


@dataclass(frozen=True, slots=True)
class Place:
    """Where one tensor of a checkpoint goes."""

    name: str
    """Its name in the checkpoint."""
    shape: tuple[int, ...]
    """Its shape in the checkpoint."""
    target: Tensor
    """Part of our weights; the tensor is broadcast to it (only norms per head grow by this)."""


def places(config: ModelConfig, weights: Weights) -> Iterator[Place]:
    """Every tensor that a checkpoint of this model must have, and where it goes.

    `weights` are as `empty_weights` made them, not packed.
    """
    yield _place("model.embed_tokens.weight", weights.embedding)
    for index, layer in enumerate(weights.layers):
        prefix = f"model.layers.{index}."
        yield _place(prefix + "input_layernorm.weight", layer.attention_norm)
        yield from _attention_places(prefix + "self_attn.", config, layer)
        yield _place(prefix + "post_attention_layernorm.weight", layer.mlp_norm)
        yield from _mlp_places(prefix + "mlp.", config, layer)
    yield _place("model.norm.weight", weights.final_norm)
    if not config.tie_embeddings:
        yield _place("lm_head.weight", weights.head)


def _attention_places(prefix: str, config: ModelConfig, layer: LayerWeights) -> Iterator[Place]:
    n_heads, n_kv_heads, head_dim = config.n_heads, config.n_kv_heads, config.head_dim
    sizes = [n_heads * head_dim, n_kv_heads * head_dim, n_kv_heads * head_dim]
    for kind, matrix in (("weight", layer.qkv), ("bias", layer.qkv_bias)):
        if matrix is not None:
            for part, target in zip("qkv", _plain(matrix).split(sizes), strict=True):
                yield _place(f"{prefix}{part}_proj.{kind}", target)
    if layer.qk_norm is not None:
        q_rows, k_rows = layer.qk_norm.split([n_heads, n_kv_heads])
        yield Place(prefix + "q_norm.weight", (head_dim,), q_rows)
        yield Place(prefix + "k_norm.weight", (head_dim,), k_rows)
    yield _place(prefix + "o_proj.weight", layer.out)
    if layer.out_bias is not None:
        yield _place(prefix + "o_proj.bias", layer.out_bias)


def _mlp_places(prefix: str, config: ModelConfig, layer: LayerWeights) -> Iterator[Place]:
    for kind, matrix in (("weight", layer.gate_up), ("bias", layer.gate_up_bias)):
        if matrix is not None:
            gate, up = _plain(matrix).split(config.mlp_width)
            yield _place(f"{prefix}gate_proj.{kind}", gate)
            yield _place(f"{prefix}up_proj.{kind}", up)
    yield _place(prefix + "down_proj.weight", layer.down)
    if layer.down_bias is not None:
        yield _place(prefix + "down_proj.bias", layer.down_bias)


def _place(name: str, target: Matrix) -> Place:
    return Place(name, tuple(_plain(target).shape), _plain(target))


def _plain(matrix: Matrix) -> Tensor:
    assert isinstance(matrix, Tensor)
    return matrix
