"""Attention over views in one call of a compiled function per layer."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hogdsl.errors import EngineError
from runtime.attention.base import Span, SpanRow
from runtime.attention.cache import Ints, rotations_of, slots_of
from runtime.attention.native.available import why_not
from runtime.attention.native.planning import CPlan, plan
from runtime.attention.rotation import further_rotation
from runtime.model.config import ModelConfig
from runtime.model.rope import Rope
from runtime.native import load_library, parallel_region

LANES = 16
SCORES_ALONE = 1 << 14
"""Scores of one layer, all heads, up to which other threads cost more than they save."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step for the kernel.

    Attributes:
        fields: what it is given.
        address: of `fields`.
        kept: what `fields` points to.
    """

    fields: CPlan
    address: int
    kept: tuple[object, ...]


class NativeAttention:
    """Attention over views in one call of a compiled kernel per layer."""

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
        self._config, self._rope = config, rope
        self._library = load_library()
        self._n_tiles = -(-n_slots // LANES)
        self._width = -(-config.head_dim // LANES) * LANES
        # Memory that was never written costs nothing, and is never read.
        self._keys = [
            torch.empty(config.n_kv_heads, self._n_tiles, config.head_dim, LANES)
            for _ in range(config.n_layers)
        ]
        self._values = [
            torch.empty(config.n_kv_heads, self._n_tiles * LANES, self._width)
            for _ in range(config.n_layers)
        ]

    def prepare(self, rows: Sequence[SpanRow]) -> Step:
        """See `Attention.prepare`."""
        config = self._config
        made = plan(rows, config.n_heads * self._width)
        half = config.head_dim // 2
        cos, sin = self._rope.cos_sin(torch.from_numpy(made.positions), torch.float32)
        rotations = torch.cat((cos[:, :half], sin[:, :half]), dim=1)
        found = torch.empty(made.n_parts, config.n_heads, self._width)
        weights = torch.empty(2, made.n_parts, config.n_heads)
        alone = made.n_scores * config.n_heads <= SCORES_ALONE
        fields = CPlan(
            n_heads=config.n_heads,
            n_kv_heads=config.n_kv_heads,
            head_dim=config.head_dim,
            n_tiles=self._n_tiles,
            chunk_tokens=made.chunk_tokens,
            n_threads=1 if alone else torch.get_num_threads(),
            n_new=len(made.new_slots),
            n_tasks=len(made.tasks),
            readings=_address(made.readings),
            groups=_address(made.groups),
            tasks=_address(made.tasks),
            part_starts=_address(made.part_starts),
            new_slots=_address(made.new_slots),
            new_turns=_address(made.new_turns),
            turns=_address(made.turns),
            rotations=rotations.data_ptr(),
            found=found.data_ptr(),
            largest=weights[0].data_ptr(),
            sums=weights[1].data_ptr(),
            region=parallel_region(),
        )
        return Step(fields, ctypes.addressof(fields), (made, rotations, found, weights))

    def attend(self, step: Step, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """See `Attention.attend`."""
        out = torch.empty(q.shape, dtype=q.dtype)
        self._library.attend(
            step.address,
            self._keys[layer].data_ptr(),
            self._values[layer].data_ptr(),
            *_by_token(q),
            *_by_token(k),
            *_by_token(v),
            out.data_ptr(),
        )
        return out

    def move(self, sources: Sequence[Span], targets: Sequence[Span]) -> None:
        """See `Attention.move`."""
        source, target = slots_of(sources), slots_of(targets)
        from_tile, from_lane = map(torch.from_numpy, divmod(source, LANES))
        to_tile, to_lane = map(torch.from_numpy, divmod(target, LANES))
        distances = rotations_of(targets) - rotations_of(sources)
        place = {"device": torch.device("cpu"), "dtype": torch.float32}
        cos, sin = further_rotation(self._rope, distances, **place)
        for keys, values in zip(self._keys, self._values, strict=True):
            # [n, n_kv_heads, head_dim]: indices with a slice between them come first
            moved = keys[:, from_tile, :, from_lane].transpose(0, 1)
            keys[:, to_tile, :, to_lane] = self._rope.rotate(moved, cos, sin).transpose(0, 1)
            values[:, torch.from_numpy(target)] = values[:, torch.from_numpy(source)]


def _address(array: Ints) -> int:
    return array.ctypes.data


def _by_token(x: Tensor) -> tuple[int, int]:
    """Address of x [n, heads, head_dim], and numbers from token to token."""
    return x.data_ptr(), x.stride(0)
