"""FlashInfer's attention with one more rule: which keys each query sees is a range of its own.

Holes at the start of a page, beginnings of different length of one block and causality inside the
own block are all such ranges, so one launch does for all requests of a step. The rule is compiled
into FlashInfer's FA2 kernel (`variant_owns_mask`, FlashInfer 0.7 or newer).
"""

import torch

NAME = "SeenRange"

# The window is as long as the keys: FlashInfer skips keys before a window, and this has none.
# Lanes behind the last query of a request are computed and thrown away; they read its last range.
SOURCE = r"""
struct SeenRange : AttentionVariantBase {
  static constexpr bool use_softmax = true;

  uint32_t qo_len, kv_len, window_left;
  float sm_scale_log2;
  const int2* ranges;

  template <typename Params>
  __device__ __host__ SeenRange(const Params& params, uint32_t batch_idx, uint8_t* smem_ptr) {
    qo_len = params.get_qo_len(batch_idx);
    kv_len = params.get_kv_len(batch_idx);
    window_left = kv_len;
    sm_scale_log2 = params.sm_scale * math::log2e;
    ranges = reinterpret_cast<const int2*>(params.seen) + params.q_indptr[batch_idx];
  }

  REGISTER_LOGITS_MASK(params, batch_idx, qo_idx, kv_idx, qo_head_idx, kv_head_idx, {
    const int2 range = __ldg(ranges + min(qo_idx, qo_len - 1));
    return int(kv_idx) >= range.x && int(kv_idx) < range.y;
  })
};
"""


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
        ["seen"],
        ["int32_t"],
        ["sm_scale"],
        ["double"],
        NAME,
        SOURCE,
    ]


JIT_KWARGS: dict[str, object] = {"paged_kv_stride_mode": "equal"}
"""Keys and values lie alike in the pool; the kernel need not be compiled for more."""
