"""As many sequences that share nothing, each with a cache of its own."""

from collections.abc import Callable
from copy import deepcopy
from importlib import import_module

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import DynamicCache, Qwen3Config, Qwen3ForCausalLM
from transformers.models.qwen3.modeling_qwen3 import Qwen3RotaryEmbedding

from benchmarks.gpu.device import Device
from runtime.model.config import ModelConfig
from runtime.model.transformer import Transformer
from runtime.model.weights import places

PAGE_TOKENS = 16
POOLS_BYTES = 1 << 30
"""Layers have pools of their own, up to so much, so that none is in the device's cache before."""
WORKSPACE_BYTES = 128 << 20


def private_attention(
    device: Device, config: ModelConfig, n_sequences: int, n_tokens: int
) -> Callable[[], Tensor]:
    """Decode attention of all layers, one query per sequence, each over `n_tokens` of its own.

    By FlashInfer's decode over neighbouring pages, and in a dry run by torch.
    """
    n_pages = n_sequences * -(-n_tokens // PAGE_TOKENS)
    shape = n_pages, 2, PAGE_TOKENS, config.n_kv_heads, config.head_dim
    place = {"device": device.place, "dtype": device.dtype}
    pool_bytes = torch.empty(shape, device="meta", dtype=device.dtype).nbytes
    pools = [
        torch.randn(shape, **place)
        for _ in range(min(config.n_layers, 1 + POOLS_BYTES // pool_bytes))
    ]
    q = torch.randn(n_sequences, config.n_heads, config.head_dim, **place)
    run = _flashinfer if device.attention == "flashinfer" else _torch
    attend = run(config, q, n_sequences, n_tokens)

    def all_layers() -> Tensor:
        found = q
        for layer in range(config.n_layers):
            found = attend(found, pools[layer % len(pools)])
        return found

    return all_layers


def _flashinfer(
    config: ModelConfig, q: Tensor, n_sequences: int, n_tokens: int
) -> Callable[[Tensor, Tensor], Tensor]:
    each = -(-n_tokens // PAGE_TOKENS)
    starts = torch.arange(n_sequences + 1, dtype=torch.int32) * each
    workspace = torch.empty(WORKSPACE_BYTES, dtype=torch.uint8, device=q.device)
    wrapper = import_module("flashinfer").BatchDecodeWithPagedKVCacheWrapper(
        workspace,
        "NHD",
        use_cuda_graph=True,
        use_tensor_cores=True,
        paged_kv_indptr_buffer=torch.empty_like(starts, device=q.device),
        paged_kv_indices_buffer=torch.empty(n_sequences * each, dtype=torch.int32, device=q.device),
        paged_kv_last_page_len_buffer=torch.empty(n_sequences, dtype=torch.int32, device=q.device),
    )
    wrapper.plan(
        starts,
        torch.arange(n_sequences * each, dtype=torch.int32, device=q.device),
        torch.full((n_sequences,), (n_tokens - 1) % PAGE_TOKENS + 1, dtype=torch.int32),
        config.n_heads,
        config.n_kv_heads,
        config.head_dim,
        PAGE_TOKENS,
        q_data_type=q.dtype,
        kv_data_type=q.dtype,
    )
    return wrapper.run


def _torch(
    config: ModelConfig, q: Tensor, n_sequences: int, n_tokens: int
) -> Callable[[Tensor, Tensor], Tensor]:
    def attend(q: Tensor, pool: Tensor) -> Tensor:
        # [n_pages, 2, tokens, heads, d] -> keys and values [n_sequences, heads, tokens, d]
        k, v = (
            part.reshape(n_sequences, -1, *part.shape[2:])[:, :n_tokens].transpose(1, 2)
            for part in pool.unbind(1)
        )
        return scaled_dot_product_attention(q.unsqueeze(2), k, v, enable_gqa=True).squeeze(2)

    return attend


def as_transformers(model: Transformer) -> Qwen3ForCausalLM:
    """Hugging Face's model on our weights: the same memory, so it takes none of its own."""
    ours = model.config
    config = Qwen3Config(
        vocab_size=ours.n_vocab,
        hidden_size=ours.width,
        intermediate_size=ours.mlp_width,
        num_hidden_layers=ours.n_layers,
        num_attention_heads=ours.n_heads,
        num_key_value_heads=ours.n_kv_heads,
        head_dim=ours.head_dim,
        max_position_embeddings=ours.context_length,
        tie_word_embeddings=ours.tie_embeddings,
        rms_norm_eps=ours.norm_eps,
        rope_parameters={"rope_type": "default", "rope_theta": ours.rope.theta},
        dtype=model.dtype,
    )
    with torch.device("meta"):
        theirs = Qwen3ForCausalLM(config)
    # A norm per head has as many equal rows as heads, and one in a checkpoint.
    weights = {
        place.name: place.target if place.target.shape == place.shape else place.target[0]
        for place in places(ours, model.weights)
    }
    theirs.load_state_dict(weights, strict=not ours.tie_embeddings, assign=True)
    theirs.tie_weights()
    theirs.model.rotary_emb = Qwen3RotaryEmbedding(config).to(model.device)
    return theirs.eval()


@torch.inference_mode()
def make_cache(model: Qwen3ForCausalLM, tokens: list[int]) -> DynamicCache:
    """Keys and values of one sequence."""
    cache = DynamicCache(config=model.config)
    ids = torch.tensor([tokens], device=model.device)
    model(ids, past_key_values=cache, logits_to_keep=1)
    return cache


def repeated(cache: DynamicCache, n: int) -> DynamicCache:
    """The same for `n` sequences, each with its own."""
    copy = deepcopy(cache)
    copy.batch_repeat_interleave(n)
    return copy


@torch.inference_mode()
def step(model: Qwen3ForCausalLM, cache: DynamicCache, n: int) -> list[int]:
    """A token for each of `n` sequences, until it is on the host."""
    ids = torch.full((n, 1), 7, device=model.device)
    logits = model(ids, past_key_values=cache, use_cache=True).logits
    return logits[:, -1].argmax(dim=-1).tolist()
