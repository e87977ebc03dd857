"""FlashInfer's attention with one more rule: which keys each query sees is a range of its own.

Holes at the start of a page, beginnings of different length of one block and causality inside the
own block are all such ranges, so one launch does for all requests of a step. The rule is compiled
into FlashInfer's FA2 kernel (`variant_owns_mask`, FlashInfer 0.7 or newer).

FlashInfer evaluates the rule for every score, also where a whole tile is masked. For a chunk of a
prompt that is causal in itself this is up to half of the work on its own keys.
"""

import torch

NAME = "SeenRange"

# FlashInfer skips keys before a window; this one is as long as the keys, so there are none. Most
# keys of a request are seen by all its lines or lie in no hole: those need no look at the line.
# Lanes behind the last line are computed and thrown away; they look at the last.
SOURCE = r"""
struct SeenRange : AttentionVariantBase {
  static constexpr bool use_softmax = true;

  uint32_t qo_len, kv_len, window_left;
  float sm_scale_log2;
  int2 seen_by_all;
  const int* ends;

  template <typename Params>
  __device__ __host__ SeenRange(const Params& params, uint32_t batch_idx, uint8_t* smem_ptr) {
    qo_len = params.get_qo_len(batch_idx);
    kv_len = params.get_kv_len(batch_idx);
    window_left = kv_len;
    sm_scale_log2 = params.sm_scale * math::log2e;
    seen_by_all = reinterpret_cast<const int2*>(params.seen_by_all)[batch_idx];
    ends = params.seen_ends + params.q_indptr[batch_idx];
  }

  REGISTER_LOGITS_MASK(params, batch_idx, qo_idx, kv_idx, qo_head_idx, kv_head_idx, {
    const int key = kv_idx;
    return key >= seen_by_all.x &&
           (key < seen_by_all.y || key < __ldg(ends + min(qo_idx, qo_len - 1)));
  })
};
"""

TENSORS = {"seen_by_all": "int32_t", "seen_ends": "int32_t"}
"""What `run` is given besides, see `Layout`."""


def jit_args(dtype: torch.dtype, head_dim: int) -> list[object]:
    """What FlashInfer compiles the kernel from, once per machine, dtype and head dimension."""
    return [
        f"hogdsl_seen_range_{str(dtype).removeprefix('torch.')}_{head_dim}",
        dtype,  # of queries
        dtype,  # of keys and values
        dtype,  # of what is found
        torch.int32,  # of page numbers and where lines and pages start
        head_dim,
        head_dim,
        list(TENSORS),
        list(TENSORS.values()),
        ["sm_scale"],
        ["double"],
        NAME,
        SOURCE,
    ]


JIT_KWARGS: dict[str, object] = {"paged_kv_stride_mode": "equal"}
"""Keys and values lie alike in the pool; the kernel need not be compiled for more."""
