"""FlashInfer behind the protocol of attention."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from hogdsl.errors import EngineError, InternalError
from runtime.attention.base import Span, SpanRow
from runtime.attention.cache import Ints, rotations_of, slots_of
from runtime.attention.flashinfer.available import why_not
from runtime.attention.flashinfer.kernels import GraphRoom, Kernels, Launcher
from runtime.attention.flashinfer.layout import (
    Bucket,
    Group,
    Layout,
    lay_out,
    padded,
    shape_of,
)
from runtime.attention.flashinfer.requests import PAGE_TOKENS
from runtime.attention.flashinfer.upload import DeviceNumbers, Upload
from runtime.attention.rotation import further_rotation
from runtime.model.config import ModelConfig
from runtime.model.rope import Rope

MOVED_AT_ONCE = 512
"""Tokens of all layers that are copied at a time when blocks move: it bounds memory."""


class Frame:
    """What the steps of one shape share, one after another.

    Attributes:
        n_steps: how many steps were prepared.
    """

    def __init__(self, kernels: Kernels, device: torch.device, room: GraphRoom | None) -> None:
        """
        Args:
            kernels: where launchers come from.
            device: where the numbers go.
            room: for steps that are captured in CUDA graphs.
        """
        self.n_steps = 0
        self._kernels, self._room = kernels, room
        self._upload = Upload(device)
        self._launchers: list[Launcher] = []
        self._planned: tuple[int, list[bytes]] | None = None

    def prepare(self, layout: Layout) -> tuple[DeviceNumbers, list[tuple[Group, Launcher]]]:
        """Bring the numbers of a step to the device; which launcher computes which requests."""
        self._upload.wait()
        if self._room is not None and not self._launchers:
            self._upload.reserve(layout, self._room.n_pages)
        numbers = self._upload.send(layout)
        while len(self._launchers) < len(layout.groups):
            self._launchers.append(self._kernels.launcher(self._room))
        launches = list(zip(layout.groups, self._launchers, strict=False))
        # Most steps differ from the last in what is seen of the last pages only.
        planned = numbers.pages.data_ptr(), _what_is_planned(layout)
        if planned != self._planned:
            self._planned = None
            for group, launcher in launches:
                launcher.plan(group, numbers.pages[group.pages])
            self._planned = planned
        self._upload.mark()
        self.n_steps += 1
        return numbers, launches


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedStep:
    """A step, the same in all layers.

    Attributes:
        bucket: the shape that it is padded to, or None.
        n_tokens: new tokens, padding included.
        n_lines: lines, padding included.
        numbers: on the device.
        launches: which requests each launcher computes.
        frame: whose numbers and plans it uses.
        number: of the step in its frame.
    """

    bucket: Bucket | None
    n_tokens: int
    n_lines: int
    numbers: DeviceNumbers
    launches: list[tuple[Group, Launcher]]
    frame: Frame
    number: int


class FlashInferAttention:
    """Attention over views by FlashInfer's paged kernels.

    Attributes:
        n_cuts_most: a step has at most so many requests more than runs of slots that it reads.
    """

    def __init__(
        self,
        config: ModelConfig,
        rope: Rope,
        n_slots: int,
        *,
        device: torch.device,
        dtype: torch.dtype,
        kernels: Kernels | None = None,
    ) -> None:
        """An empty cache.

        Args:
            config: the model's.
            rope: the model's.
            n_slots: tokens that the cache holds.
            device: where it is.
            dtype: of keys, values, and queries.
            kernels: what runs on the device; by default FlashInfer and Triton.

        Raises:
            EngineError: FlashInfer cannot work here; the message says why.
        """
        if kernels is None:
            reason = why_not(config, dtype, device)
            if reason is not None:
                raise EngineError(f"Attention 'flashinfer' cannot work: {reason}. Use 'torch'.")
            kernels = Kernels(config, rope, device=device, dtype=dtype)
        self._kernels = kernels
        self._config, self._rope = config, rope
        self._device, self._dtype = device, dtype
        self._n_per_kv_head = config.n_heads // config.n_kv_heads
        # Every request is a block of threads per KV head, and a multiprocessor has room for two.
        self.n_cuts_most = max(1, 2 * kernels.n_multiprocessors // config.n_kv_heads)
        n_pages = -(-n_slots // PAGE_TOKENS)
        shape = config.n_layers, 2, n_pages, PAGE_TOKENS, config.n_kv_heads, config.head_dim
        # Zeros: a kernel multiplies the values of slots that it masks by 0, and 0 times NaN is NaN.
        self._pool = torch.zeros(shape, device=device, dtype=dtype)
        self._buckets: list[Bucket] = []
        self._frames: dict[Bucket | None, Frame] = {None: Frame(kernels, device, None)}

    def use_buckets(self, buckets: Sequence[Bucket]) -> None:
        """Pad every step that fits one of these shapes to the smallest that it fits."""
        self._buckets = sorted(buckets)
        for bucket in buckets:
            if bucket not in self._frames:
                room = GraphRoom(bucket.n_requests, bucket.n_lines_each, self._n_pages)
                self._frames[bucket] = Frame(self._kernels, self._device, room)

    def prepare(self, rows: Sequence[SpanRow]) -> PreparedStep:
        """See `Attention.prepare`. The step before of the same shape is no longer good."""
        layout = self._in_bucket(lay_out(rows, self._n_per_kv_head, self.n_cuts_most))
        frame = self._frames[layout.bucket]
        numbers, launches = frame.prepare(layout)
        return PreparedStep(
            bucket=layout.bucket,
            n_tokens=layout.n_tokens,
            n_lines=layout.n_lines,
            numbers=numbers,
            launches=launches,
            frame=frame,
            number=frame.n_steps,
        )

    def attend(self, step: PreparedStep, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """See `Attention.attend`. Three or four launches, and nothing that waits."""
        if step.bucket is None and step.number != step.frame.n_steps:
            raise InternalError("A step of attention was run after another was prepared.")
        n, n_heads, head_dim = q.shape
        if n != step.n_tokens:
            raise InternalError(f"A step for {step.n_tokens} tokens was given {n}.")
        keys, values = self._pool[layer]
        queries = q.new_empty(step.n_lines, n_heads, head_dim)
        self._kernels.rotate_and_append(step.numbers, q, k, v, queries, keys, values)
        found = torch.empty_like(queries)
        weights = q.new_empty(step.n_lines, n_heads, dtype=torch.float32)
        by_all, ends = step.numbers.seen_by_all, step.numbers.seen_ends
        for group, launcher in step.launches:
            own, lines = (by_all[group.requests], ends[group.lines]), group.lines
            launcher.run(queries[lines], keys, values, *own, found[lines], weights[lines])
        out = q.new_empty(n, n_heads, head_dim)
        self._kernels.merge(step.numbers, found, weights, out)
        return out

    def move(self, sources: Sequence[Span], targets: Sequence[Span]) -> None:
        """See `Attention.move`. All layers at once."""
        slots = self._pool.flatten(2, 3)  # [n_layers, 2, n_slots, n_kv_heads, head_dim]
        source, target = slots_of(sources), slots_of(targets)
        distances = rotations_of(targets) - rotations_of(sources)
        exactly = torch.promote_types(self._dtype, torch.float32)
        cuts = [*range(0, len(source), MOVED_AT_ONCE), len(source)]
        for start, end in pairwise(cuts):
            distance = distances[start:end]
            moved = slots[:, :, self._index(source[start:end])]
            if distance.any():
                cos, sin = further_rotation(
                    self._rope, distance, device=self._device, dtype=exactly
                )
                keys = moved[:, 0].to(exactly)
                moved[:, 0] = self._rope.rotate(keys, cos[:, None], sin[:, None]).to(self._dtype)
            slots[:, :, self._index(target[start:end])] = moved

    @property
    def _n_pages(self) -> int:
        return self._pool.shape[2]

    def _in_bucket(self, layout: Layout) -> Layout:
        shape = shape_of(layout) if self._buckets else None
        if shape is None or len(layout.pages) > self._n_pages:
            return layout
        bucket = next((bucket for bucket in self._buckets if bucket.holds(shape)), None)
        return layout if bucket is None else padded(layout, bucket)

    def _index(self, numbers: Ints) -> Tensor:
        return torch.from_numpy(numbers).to(self._device)


def _what_is_planned(layout: Layout) -> list[bytes]:
    """All numbers that plans depend on."""
    starts = (a for group in layout.groups for a in (group.line_starts, group.page_starts))
    return [layout.pages.tobytes(), *(array.tobytes() for array in starts)]
