"""What a step calls on the device, with all shapes. The only module that calls FlashInfer.

n new tokens, n_lines lines, H query heads, K KV heads, d = head_dim.
"""

from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from runtime.attention.flashinfer.layout import Group
from runtime.attention.flashinfer.requests import PAGE_TOKENS
from runtime.attention.flashinfer.upload import DeviceNumbers, int32
from runtime.attention.flashinfer.variant import JIT_KWARGS, jit_args
from runtime.model.config import ModelConfig
from runtime.model.rope import Rope

WORKSPACE_BYTES = 128 << 20
"""For what blocks of threads find that share the keys of a long request. FlashInfer asks for that
much; a GPU of 132 multiprocessors needs `2 * 132 * 128 * head_dim` floats at most."""


class GraphRoom(NamedTuple):
    """How much the numbers of launches that are captured may take."""

    n_requests: int
    n_lines_each: int
    n_pages: int


class Launcher:
    """Attention of requests with their lines, planned for all layers of a step.

    `plan` fills a pinned buffer of FlashInfer's own and copies it without waiting: whoever plans
    again must know that the copies of the last plan are over (`Upload.wait`).
    """

    def __init__(
        self,
        flashinfer: Any,
        config: ModelConfig,
        dtype: torch.dtype,
        workspace: Tensor,
        room: GraphRoom | None,
    ) -> None:
        self._config, self._dtype = config, dtype
        self._uniform = None if room is None else room.n_lines_each
        # "auto" would take FA3 on Hopper, which neither packs the query heads of a KV head into a
        # tile, nor splits keys, nor takes a mask of ours.
        self._wrapper = flashinfer.BatchPrefillWithPagedKVCacheWrapper(
            workspace,
            "NHD",
            backend="fa2",
            jit_args=jit_args(dtype, config.head_dim),
            jit_kwargs=JIT_KWARGS,
            variant_owns_mask=True,
            **({} if room is None else _buffers(room, workspace.device)),
        )

    def plan(self, group: Group, pages: Tensor) -> None:
        """Plan a step, and those that have the same lines and pages.

        Lengths are given on the host, where they are needed: nothing waits.

        Args:
            group: the requests.
            pages: int32 on the device, the pages of the group. Without `room` they are read when
                the launch runs, and must stay where they are.
        """
        config, dtype = self._config, self._dtype
        self._wrapper.plan(
            int32(group.line_starts),
            int32(group.page_starts),
            pages,
            int32(np.where(np.diff(group.page_starts) > 0, PAGE_TOKENS, 0)),
            config.n_heads,
            config.n_kv_heads,
            config.head_dim,
            PAGE_TOKENS,
            sm_scale=config.head_dim**-0.5,
            q_data_type=dtype,
            kv_data_type=dtype,
            o_data_type=dtype,
            disable_split_kv=not group.is_long,
            uniform_q_len=self._uniform,
        )

    def run(
        self,
        queries: Tensor,
        keys: Tensor,
        values: Tensor,
        seen_by_all: Tensor,
        seen_ends: Tensor,
        found: Tensor,
        weights: Tensor,
    ) -> None:
        """One layer.

        Args:
            queries: [n_lines, H, d], rotated; those of the group, in order.
            keys: [n_pages, PAGE_TOKENS, K, d], the pool of one layer. All that it holds is finite.
            values: the same, with the same strides.
            seen_by_all: int32[n_requests, 2], see `Layout`; those of the group.
            seen_ends: int32[n_lines], see `Layout`; those of the group.
            found: [n_lines, H, d], written: the softmax over what each line sees, times its values;
                0 for a line that sees nothing.
            weights: float32[n_lines, H], written: logarithm to base 2 of the sum of the
                exponentials of the scores; -inf for a line that sees nothing.
        """
        self._wrapper.run(
            queries, (keys, values), seen_by_all, seen_ends, out=found, lse=weights, return_lse=True
        )


class Kernels:
    """Everything that runs on the device for one model.

    Two libraries are behind it, and stand-ins for them in tests: FlashInfer, and `triton_.py`.

    Attributes:
        n_multiprocessors: of the device.
    """

    def __init__(
        self,
        config: ModelConfig,
        rope: Rope,
        *,
        device: torch.device,
        dtype: torch.dtype,
        flashinfer: Any = None,
        small: Any = None,
    ) -> None:
        """
        Args:
            config: number and size of heads.
            rope: what rotates queries and keys.
            device: where all tensors are.
            dtype: of queries, keys and values.
            flashinfer: the package; it is imported if it is not given.
            small: the two small kernels; `triton_.py` is imported if they are not given.
        """
        self._flashinfer = flashinfer or import_module("flashinfer")
        self._small = small or import_module("runtime.attention.flashinfer.triton_")
        self._config, self._dtype = config, dtype
        self._turns = self._small.Turns(rope, device)
        self.n_multiprocessors = _n_multiprocessors(device)
        # Launches follow one another on the stream, so one workspace does for all.
        self._workspace = torch.empty(WORKSPACE_BYTES, dtype=torch.uint8, device=device)

    def launcher(self, room: GraphRoom | None = None) -> Launcher:
        """A new launcher; with `room` one whose launches may be captured in CUDA graphs."""
        return Launcher(self._flashinfer, self._config, self._dtype, self._workspace, room)

    def rotate_and_append(
        self,
        numbers: DeviceNumbers,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        queries: Tensor,
        keys: Tensor,
        values: Tensor,
    ) -> None:
        """Rotate the query of each line, and each new key; write new keys and values to the pool.

        Args:
            numbers: of the step.
            q: [n, H, d]; tokens and heads may have any stride, as in slices of one product.
            k: [n, K, d], likewise.
            v: [n, K, d], likewise.
            queries: [n_lines, H, d], written.
            keys: [n_pages, PAGE_TOKENS, K, d], written at the new slots that are not `NO_SLOT`.
            values: the same, with the same strides.
        """
        self._small.rotate_and_append(self._turns, numbers, q, k, v, queries, keys, values)

    def merge(self, numbers: DeviceNumbers, found: Tensor, weights: Tensor, out: Tensor) -> None:
        """Merge the parts of each token.

        Args:
            numbers: of the step.
            found: [n_lines, H, d].
            weights: float32[n_lines, H], as `Launcher.run` writes them.
            out: [n, H, d], written; 0 for a token that has no parts.
        """
        self._small.merge(numbers, found, weights, out)


def _buffers(room: GraphRoom, device: torch.device) -> dict[str, Any]:
    """Memory in which FlashInfer keeps the numbers of captured launches."""

    def ints(n: int) -> Tensor:
        return torch.zeros(n, dtype=torch.int32, device=device)

    return {
        "use_cuda_graph": True,
        "qo_indptr_buf": ints(room.n_requests + 1),
        "paged_kv_indptr_buf": ints(room.n_requests + 1),
        "paged_kv_indices_buf": ints(room.n_pages),
        "paged_kv_last_page_len_buf": ints(room.n_requests),
    }


def _n_multiprocessors(device: torch.device) -> int:
    if device.type != "cuda":
        return 132  # what stand-ins stand in for: a Hopper GPU
    return torch.cuda.get_device_properties(device).multi_processor_count
