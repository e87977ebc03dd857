"""Attention over views in one call of a compiled function per layer."""

import ctypes
from collections.abc import Sequence

import torch
from torch import Tensor

from hogdsl.errors import EngineError
from runtime.attention.base import Span, SpanRow
from runtime.attention.cache import rotations_of, slots_of
from runtime.attention.native.available import why_not
from runtime.attention.native.planning import Shape, Step, plan_step
from runtime.model.config import ModelConfig
from runtime.model.rope import Rope
from runtime.native import load_library

LANES = 16
"""Slots of a tile, as in `runtime/native/common.h`."""


class NativeAttention:
    """Attention over views by code that is compiled where it runs."""

    def __init__(
        self,
        config: ModelConfig,
        rope: Rope,
        n_slots: int,
        *,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        """As `make_attention` says.

        Raises:
            EngineError: it cannot be used here.
        """
        reason = why_not(config, dtype, device)
        if reason is not None:
            raise EngineError(f"Attention 'native' cannot be used: {reason}. Use 'torch'.")
        self._rope, self._library = rope, load_library()
        n_tiles, width = -(-n_slots // LANES), -(-config.head_dim // LANES) * LANES
        self._frequencies = rope.frequencies.contiguous()
        self._shape = Shape(
            n_heads=config.n_heads,
            n_kv_heads=config.n_kv_heads,
            head_dim=config.head_dim,
            n_tiles=n_tiles,
            frequencies=self._frequencies.data_ptr(),
            scaling=rope.settings.attention_scaling,
        )
        layers = range(config.n_layers)
        # Memory that was never written costs nothing, and is never read.
        self._keys = [
            torch.empty(config.n_kv_heads, n_tiles, config.head_dim, LANES) for _ in layers
        ]
        self._values = [torch.empty(config.n_kv_heads, n_tiles * LANES, width) for _ in layers]
        self._places = [
            (keys.data_ptr(), values.data_ptr())
            for keys, values in zip(self._keys, self._values, strict=True)
        ]

    def prepare(self, rows: Sequence[SpanRow]) -> Step:
        """See `Attention.prepare`."""
        return plan_step(self._shape, rows)

    def attend(self, step: Step, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """See `Attention.attend`."""
        out = torch.empty(q.shape, dtype=q.dtype)
        inputs = (x for given in (q, k, v) for x in (given.data_ptr(), given.stride(0)))
        self._library.attend(step.address, *self._places[layer], *inputs, out.data_ptr())
        return out

    def move(self, sources: Sequence[Span], targets: Sequence[Span]) -> None:
        """See `Attention.move`."""
        source, target = slots_of(sources), slots_of(targets)
        distances = rotations_of(targets) - rotations_of(sources)
        pointers = ctypes.c_void_p * len(self._places)
        keys, values = (pointers(*column) for column in zip(*self._places, strict=True))
        self._library.move(
            ctypes.addressof(self._shape),
            ctypes.addressof(keys),
            ctypes.addressof(values),
            len(self._places),
            source.ctypes.data,
            target.ctypes.data,
            distances.ctypes.data,
            len(source),
        )
