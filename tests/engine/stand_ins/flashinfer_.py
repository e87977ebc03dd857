"""FlashInfer 0.7 as far as we call it, on a CPU: what calls are documented to compute and refuse.

Names, order and defaults of arguments are FlashInfer's (`test_flashinfer_itself.py` compares them).
Only our variant of attention is known. What a GPU would do wrong silently is refused here: lengths
that would have to be fetched from the device, keys and values that lie differently. And what it
really does is done: values of masked slots are multiplied by 0 and not skipped, probabilities are
rounded to the type of the values, and in graph mode a launch reads what the last plan left in the
buffers.
"""

from typing import Any

import torch
from torch import Tensor

from runtime.attention.flashinfer.variant import NAME, TENSORS


class BatchPrefillWithPagedKVCacheWrapper:
    """Attention of requests with keys in pages."""

    def __init__(
        self,
        float_workspace_buffer: Tensor,
        kv_layout: str = "NHD",
        use_cuda_graph: bool = False,
        qo_indptr_buf: Tensor | None = None,
        paged_kv_indptr_buf: Tensor | None = None,
        paged_kv_indices_buf: Tensor | None = None,
        paged_kv_last_page_len_buf: Tensor | None = None,
        custom_mask_buf: Tensor | None = None,
        mask_indptr_buf: Tensor | None = None,
        backend: str = "auto",
        jit_args: list[Any] | None = None,
        jit_kwargs: dict[str, Any] | None = None,
        variant_owns_mask: bool = False,
    ) -> None:
        assert float_workspace_buffer.dtype == torch.uint8
        assert kv_layout == "NHD"
        assert backend == "fa2", "masks of variants are for fa2 only"
        assert variant_owns_mask
        assert jit_args is not None
        assert jit_args[11] == NAME
        assert dict(zip(*jit_args[7:9], strict=True)) == TENSORS
        assert jit_args[9:11] == [["sm_scale"], ["double"]]
        assert jit_kwargs == {"paged_kv_stride_mode": "equal"}
        self._dtypes, self._head_dim = jit_args[1:4], jit_args[5]
        self._buffers = [
            qo_indptr_buf,
            paged_kv_indptr_buf,
            paged_kv_indices_buf,
            paged_kv_last_page_len_buf,
        ]
        self._is_graph = use_cuda_graph
        self._most_lines: int | None = None
        if use_cuda_graph:
            n_requests = len(_is_int32(qo_indptr_buf)) - 1
            assert len(_is_int32(paged_kv_indptr_buf)) == n_requests + 1
            assert len(_is_int32(paged_kv_last_page_len_buf)) == n_requests
            _is_int32(paged_kv_indices_buf)
            self._n_requests = n_requests

    def plan(
        self,
        qo_indptr: Tensor,
        paged_kv_indptr: Tensor,
        paged_kv_indices: Tensor,
        paged_kv_last_page_len: Tensor,
        num_qo_heads: int,
        num_kv_heads: int,
        head_dim_qk: int,
        page_size: int,
        head_dim_vo: int | None = None,
        custom_mask: Tensor | None = None,
        packed_custom_mask: Tensor | None = None,
        causal: bool = False,
        pos_encoding_mode: str = "NONE",
        use_fp16_qk_reduction: bool = False,
        sm_scale: float | None = None,
        window_left: int = -1,
        logits_soft_cap: float | None = None,
        rope_scale: float | None = None,
        rope_theta: float | None = None,
        q_data_type: torch.dtype | str = "float16",
        kv_data_type: torch.dtype | str | None = None,
        o_data_type: torch.dtype | str | None = None,
        non_blocking: bool = True,
        prefix_len_ptr: Tensor | None = None,
        token_pos_in_items_ptr: Tensor | None = None,
        token_pos_in_items_len: int = 0,
        max_item_len_ptr: Tensor | None = None,
        seq_lens: Tensor | None = None,
        seq_lens_q: Tensor | None = None,
        block_tables: Tensor | None = None,
        max_token_per_sequence: int | None = None,
        max_sequence_kv: int | None = None,
        fixed_split_size: int | None = None,
        disable_split_kv: bool = False,
        uniform_q_len: int | None = None,
    ) -> None:
        """Keep what `run` needs."""
        numbers = [qo_indptr, paged_kv_indptr, paged_kv_indices, paged_kv_last_page_len]
        for number in numbers:
            assert _is_int32(number).ndim == 1
        for number in (qo_indptr, paged_kv_indptr, paged_kv_last_page_len):
            assert number.device.type == "cpu", "a plan would wait for the device"
        n_lines, n_pages = qo_indptr.diff(), paged_kv_indptr.diff()
        assert len(n_lines) == len(n_pages) == len(paged_kv_last_page_len)
        assert qo_indptr[0] == paged_kv_indptr[0] == 0
        assert (n_lines >= 0).all()
        assert (n_pages >= 0).all()
        assert n_lines.sum() > 0
        assert paged_kv_indptr[-1] == len(paged_kv_indices)
        in_last = paged_kv_last_page_len[n_pages > 0]
        assert ((in_last >= 1) & (in_last <= page_size)).all()
        assert [q_data_type, kv_data_type, o_data_type] == self._dtypes, "other than compiled"
        assert head_dim_qk == self._head_dim
        assert num_qo_heads % num_kv_heads == 0
        if self._is_graph:
            assert len(n_lines) == self._n_requests, "a captured launch has its number of requests"
            assert (n_lines == uniform_q_len).all(), (
                "else tiles are sized for the most of a request"
            )
            self._most_lines = self._most_lines or int(qo_indptr[-1])
            assert int(qo_indptr[-1]) <= self._most_lines
            for buffer, number in zip(self._buffers, numbers, strict=True):
                assert buffer is not None
                assert len(number) <= len(buffer)
                buffer[: len(number)].copy_(number)
        else:
            self._buffers = [number.clone() for number in numbers]
        self._n_lines, self._page_size = int(qo_indptr[-1]), page_size
        self._n_heads, self._n_kv_heads = num_qo_heads, num_kv_heads
        self._scale = sm_scale if sm_scale is not None else head_dim_qk**-0.5

    def run(
        self,
        q: Tensor,
        paged_kv_cache: tuple[Tensor, Tensor],
        *args: Tensor,
        q_scale: float | None = None,
        k_scale: float | None = None,
        v_scale: float | None = None,
        out: Tensor | None = None,
        lse: Tensor | None = None,
        return_lse: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """One layer. `args` are the `TENSORS` of our variant: what each request and line sees."""
        keys, values = paged_kv_cache
        by_all, ends = args
        self._check_run(q, keys, values, by_all, ends)
        assert return_lse
        assert out is not None
        assert lse is not None
        assert (out.shape, out.dtype) == (q.shape, self._dtypes[2])
        assert (lse.shape, lse.dtype) == (q.shape[:2], torch.float32)
        assert out.is_contiguous()
        assert lse.is_contiguous()
        line_starts, page_starts, pages, last = (b.tolist() for b in self._buffers if b is not None)
        for request, n_in_last in enumerate(last):
            lines = slice(line_starts[request], line_starts[request + 1])
            own = pages[page_starts[request] : page_starts[request + 1]]
            n_keys = max(0, len(own) - 1) * self._page_size + n_in_last
            k, v = (x[own].flatten(0, 1)[:n_keys] for x in (keys, values))
            visible = self._visible(n_keys, by_all[request], ends[lines])
            out[lines], lse[lines] = self._attend(q[lines], k, v, visible)
        return out, lse

    def _check_run(
        self, q: Tensor, keys: Tensor, values: Tensor, by_all: Tensor, ends: Tensor
    ) -> None:
        assert q.shape == (self._n_lines, self._n_heads, self._head_dim)
        assert [q.dtype, keys.dtype] == self._dtypes[:2]
        assert keys.dtype == values.dtype
        assert keys.shape == values.shape
        assert keys.shape[1:] == (self._page_size, self._n_kv_heads, self._head_dim)
        assert keys.stride() == values.stride(), "compiled for equal strides"
        assert keys.stride(-1) == q.stride(-1) == 1
        assert _is_int32(by_all).shape == (len(_is_int32(self._buffers[3])), 2)
        assert by_all.data_ptr() % 8 == 0, "it is read in pairs"
        assert _is_int32(ends).shape == (self._n_lines,)

    def _visible(self, n_keys: int, by_all: Tensor, ends: Tensor) -> Tensor:
        """bool[m, l], by the rule of the variant"""
        first, some_do_not = by_all.tolist()
        key = torch.arange(n_keys)
        return (key >= first) & ((key < some_do_not) | (key < ends[:, None]))

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
        """q [m, H, d], k and v [l, K, d], visible [m, l] -> [m, H, d] and [m, H]"""
        exactly = torch.promote_types(q.dtype, torch.float32)
        per_kv_head = self._n_heads // self._n_kv_heads
        k, v = (x.repeat_interleave(per_kv_head, dim=1) for x in (k, v))
        scores = torch.einsum("mhd,lhd->hml", q.to(exactly), k.to(exactly))
        scores = scores * (self._scale / torch.log(torch.tensor(2.0, dtype=exactly)))
        scores = scores.masked_fill(~visible, float("-inf"))
        if not len(k):
            return torch.zeros_like(q), torch.full(q.shape[:2], float("-inf"))
        most = scores.amax(dim=-1, keepdim=True)
        p = torch.exp2(scores - most.clamp(min=torch.finfo(exactly).min))
        total = p.sum(dim=-1, keepdim=True)
        found = torch.einsum("hml,lhd->mhd", p.to(v.dtype).to(exactly), v.to(exactly))
        total = total.squeeze(-1).T
        found = found / total.masked_fill(total == 0, 1)[..., None]
        return found.to(q.dtype), (most.squeeze(-1).T + total.log2()).float()


def _is_int32(tensor: Tensor | None) -> Tensor:
    assert tensor is not None
    assert tensor.dtype == torch.int32
    assert tensor.is_contiguous()
    return tensor
