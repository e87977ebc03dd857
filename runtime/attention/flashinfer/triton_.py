"""The two small kernels around FlashInfer's: rotate and append, merge by token.

FlashInfer has `append_paged_kv_cache`, but for keys that are rotated already, and it wants pages
where slots are known; and its merge of lists of different length is not public. Queries have to be
rotated once per request, keys once: one launch does all of it, and reads q, k and v once.

Angles are computed here and not prepared: a position times a frequency in float64, less its whole
turns, is as exact as a table, and a step needs no more than integers.
"""
# Triton is there only where a GPU is, and what its decorator makes of a function has no types.
# pyright: reportMissingImports=false, reportIndexIssue=false

import math

import torch
import triton
import triton.language as tl
from torch import Tensor

from runtime.attention.flashinfer.upload import DeviceNumbers
from runtime.model.rope import Rope, inverse_frequencies

HEADS_PER_PROGRAM = 8
TAU = tl.constexpr(2 * math.pi)


class Turns:
    """How far each pair of components turns per position, and what cosine and sine are scaled by.

    Attributes:
        per_position: float64[head_dim / 2], in whole turns.
        scaling: see `RopeSettings.attention_scaling`.
    """

    def __init__(self, rope: Rope, device: torch.device) -> None:
        frequencies = inverse_frequencies(rope.settings, rope.head_dim)
        self.per_position = (frequencies / (2 * math.pi)).to(device)
        self.scaling = rope.settings.attention_scaling


def rotate_and_append(
    turns: Turns,
    numbers: DeviceNumbers,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
) -> None:
    """See `Kernels.rotate_and_append`. Tensors are contiguous in their last dimension."""
    n, n_heads, head_dim = q.shape
    n_lines = len(queries)
    _rotate_and_append[n_lines + n, triton.cdiv(n_heads, HEADS_PER_PROGRAM)](
        turns.per_position,
        turns.scaling,
        numbers.tokens,
        numbers.turns,
        numbers.new_slots,
        numbers.new_positions,
        q,
        k,
        v,
        queries,
        keys,
        values,
        n_lines,
        n_heads,
        k.shape[1],
        *q.stride()[:2],
        *k.stride()[:2],
        *v.stride()[:2],
        keys.stride(1),
        HALF=head_dim // 2,
        HEADS=HEADS_PER_PROGRAM,
    )


def merge(numbers: DeviceNumbers, found: Tensor, weights: Tensor, out: Tensor) -> None:
    """See `Kernels.merge`. All tensors are contiguous."""
    n, n_heads, head_dim = out.shape
    _merge[n, triton.cdiv(n_heads, HEADS_PER_PROGRAM)](
        numbers.part_starts,
        numbers.parts,
        found,
        weights,
        out,
        n_heads,
        HEAD_DIM=head_dim,
        HEADS=HEADS_PER_PROGRAM,
    )


@triton.jit
def _rotated(first, second, position, per_position, scaling, HALF: tl.constexpr):
    """Both halves of heads [HEADS, HALF], turned for `position`, float32."""
    turned = position.to(tl.float64) * tl.load(per_position + tl.arange(0, HALF))
    angle = (turned - tl.floor(turned + 0.5)).to(tl.float32) * TAU
    cos, sin = tl.cos(angle)[None, :] * scaling, tl.sin(angle)[None, :] * scaling
    first, second = first.to(tl.float32), second.to(tl.float32)
    return first * cos - second * sin, second * cos + first * sin


@triton.jit(do_not_specialize=["n_lines"])
def _rotate_and_append(
    per_position,
    scaling,
    tokens,
    line_turns,
    new_slots,
    new_positions,
    q,
    k,
    v,
    queries,
    keys,
    values,
    n_lines,
    n_heads,
    n_kv_heads,
    q_stride,
    q_head_stride,
    k_stride,
    k_head_stride,
    v_stride,
    v_head_stride,
    slot_stride,
    HALF: tl.constexpr,
    HEADS: tl.constexpr,
):
    """One program per line or new token, and `HEADS` heads. Lines come first."""
    item = tl.program_id(0)
    heads = tl.program_id(1) * HEADS + tl.arange(0, HEADS)[:, None]
    pairs = tl.arange(0, HALF)[None, :]
    if item < n_lines:
        there = heads < n_heads
        source = q + tl.load(tokens + item).to(tl.int64) * q_stride + heads * q_head_stride + pairs
        first = tl.load(source, mask=there)
        second = tl.load(source + HALF, mask=there)
        position = tl.load(line_turns + item)
        first, second = _rotated(first, second, position, per_position, scaling, HALF)
        target = queries + (item.to(tl.int64) * n_heads + heads) * (2 * HALF) + pairs
        tl.store(target, first, mask=there)
        tl.store(target + HALF, second, mask=there)
    else:
        token = (item - n_lines).to(tl.int64)
        slot = tl.load(new_slots + token).to(tl.int64)
        if slot >= 0:
            there = heads < n_kv_heads
            target = slot * slot_stride + heads * (2 * HALF) + pairs
            source = k + token * k_stride + heads * k_head_stride + pairs
            first = tl.load(source, mask=there)
            second = tl.load(source + HALF, mask=there)
            position = tl.load(new_positions + token)
            first, second = _rotated(first, second, position, per_position, scaling, HALF)
            tl.store(keys + target, first, mask=there)
            tl.store(keys + target + HALF, second, mask=there)
            source = v + token * v_stride + heads * v_head_stride + pairs
            tl.store(values + target, tl.load(source, mask=there), mask=there)
            tl.store(values + target + HALF, tl.load(source + HALF, mask=there), mask=there)


@triton.jit
def _merge(
    part_starts,
    parts,
    found,
    weights,
    out,
    n_heads,
    HEAD_DIM: tl.constexpr,
    HEADS: tl.constexpr,
):
    """One program per token and `HEADS` heads: a softmax over parts, computed as they come."""
    token = tl.program_id(0)
    heads = tl.program_id(1) * HEADS + tl.arange(0, HEADS)
    there = heads < n_heads
    dims = tl.arange(0, HEAD_DIM)[None, :]
    best = tl.full((HEADS,), float("-inf"), tl.float32)
    total = tl.full((HEADS,), 0.0, tl.float32)
    mixed = tl.full((HEADS, HEAD_DIM), 0.0, tl.float32)
    for part in range(tl.load(part_starts + token), tl.load(part_starts + token + 1)):
        row = tl.load(parts + part).to(tl.int64) * n_heads + heads
        weight = tl.load(weights + row, mask=there, other=float("-inf"))
        value = tl.load(found + row[:, None] * HEAD_DIM + dims, mask=there[:, None], other=0.0)
        top = tl.maximum(best, weight)
        # As long as nothing was seen all are -inf, and -inf less -inf is no number.
        base = tl.where(top == float("-inf"), 0.0, top)
        kept, added = tl.exp2(best - base), tl.exp2(weight - base)
        mixed = mixed * kept[:, None] + value.to(tl.float32) * added[:, None]
        total = total * kept + added
        best = top
    mixed = mixed / tl.where(total > 0.0, total, 1.0)[:, None]
    target = out + (token.to(tl.int64) * n_heads + heads)[:, None] * HEAD_DIM + dims
    tl.store(target, mixed, mask=there[:, None])
