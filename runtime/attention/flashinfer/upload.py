"""The numbers of a step, in one copy to the device.

All arrays of a layout are laid into one pinned buffer and go over in one asynchronous copy. The
device's side stays where it is as long as it is large enough, so what was captured in a CUDA graph
finds the next step's numbers at the same addresses. Who writes the pinned buffer again first waits
for the copy: a step that the host prepares while the device still computes must not overwrite
numbers that are not over yet.
"""

from collections.abc import Sequence
from itertools import accumulate
from math import prod
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from runtime.attention.cache import Ints
from runtime.attention.flashinfer.layout import Layout

ALIGNMENT = 4
"""In numbers: every array begins at a multiple of 16 bytes, so that pairs can be read as one."""


class DeviceNumbers(NamedTuple):
    """The arrays of a `Layout` on the device, int32."""

    tokens: Tensor
    turns: Tensor
    seen_ends: Tensor
    seen_by_all: Tensor
    part_starts: Tensor
    parts: Tensor
    new_slots: Tensor
    new_positions: Tensor
    pages: Tensor


class Upload:
    """A pinned buffer, and as much memory on the device."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._on_cuda = device.type == "cuda"
        self._copied = torch.cuda.Event() if self._on_cuda else None
        self._pinned = self._there = torch.empty(0, dtype=torch.int32)
        self._last: tuple[list[tuple[int, ...]], DeviceNumbers] | None = None

    def wait(self) -> None:
        """Until the last step's numbers are on the device."""
        if self._copied is not None:
            self._copied.synchronize()

    def send(self, layout: Layout) -> DeviceNumbers:
        """Begin to copy; `wait` must have been called since the last `mark`.

        Pages come last: their number differs from step to step of a bucket, that of the others
        does not.
        """
        arrays = _arrays(layout)
        starts = _starts(arrays)
        self._grow(starts[-1])
        buffer = self._pinned.numpy()
        for array, start in zip(arrays, starts, strict=False):
            buffer[start : start + array.size] = array.reshape(-1)
        self._there[: starts[-1]].copy_(self._pinned[: starts[-1]], non_blocking=True)
        return self._views([array.shape for array in arrays], starts)

    def mark(self) -> None:
        """All copies of this step are under way; `wait` waits for them."""
        if self._copied is not None:
            self._copied.record()

    def reserve(self, layout: Layout, n_pages: int) -> None:
        """Make room for layouts of the same shape with up to `n_pages` pages."""
        *others, _ = _arrays(layout)
        self._grow(_starts(others)[-1] + _aligned(n_pages))

    def _views(self, shapes: list[tuple[int, ...]], starts: list[int]) -> DeviceNumbers:
        """The arrays on the device; those of the last step if they are the same."""
        if self._last is None or shapes != self._last[0]:
            places = zip(shapes, starts, strict=False)
            views = (self._there[i : i + prod(shape)].view(shape) for shape, i in places)
            self._last = shapes, DeviceNumbers(*views)
        return self._last[1]

    def _grow(self, n: int) -> None:
        if n > len(self._there):
            n = max(n, 2 * len(self._there))
            self._pinned = torch.empty(n, dtype=torch.int32, pin_memory=self._on_cuda)
            self._there = torch.empty(n, dtype=torch.int32, device=self._device)
            self._last = None


def _arrays(layout: Layout) -> list[Ints]:
    """In the order of `DeviceNumbers`."""
    return [getattr(layout, name) for name in DeviceNumbers._fields]


def _starts(arrays: Sequence[Ints]) -> list[int]:
    """Where each begins in the buffer, and where the last ends."""
    return list(accumulate((_aligned(array.size) for array in arrays), initial=0))


def int32(array: Ints) -> Tensor:
    """The same numbers as a tensor on the host, as FlashInfer plans with them."""
    return torch.from_numpy(array.astype(np.int32))


def _aligned(n: int) -> int:
    return -(-n // ALIGNMENT) * ALIGNMENT
