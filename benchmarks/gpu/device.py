"""What is measured on, and how time is taken there."""

from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from time import perf_counter
from typing import Protocol

import torch

Work = Callable[[], object]


class Device(Protocol):
    """A GPU, or a CPU that stands for one."""

    place: torch.device
    dtype: torch.dtype
    attention: str
    """The engine's."""
    copy_bytes: int
    """Far more than any cache holds."""

    @property
    def name(self) -> str: ...

    def settle(self) -> None:
        """Wait until all work that was asked for is done."""
        ...

    def queued_s(self, work: Work, n: int) -> float:
        """Median seconds of the device for `work`, without the host that asks for it."""
        ...


class Gpu:
    """The first CUDA device."""

    place = torch.device("cuda")
    dtype = torch.bfloat16
    attention = "flashinfer"
    copy_bytes = 4 << 30

    @property
    def name(self) -> str:
        return torch.cuda.get_device_name(self.place)

    def settle(self) -> None:
        """See `Device.settle`."""
        torch.cuda.synchronize()

    def queued_s(self, work: Work, n: int) -> float:
        """See `Device.queued_s`. The work is recorded as a graph, so no launch waits."""
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            work()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            work()
        graph.replay()
        times: list[float] = []
        for _ in range(n):
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            graph.replay()
            end.record()
            end.synchronize()
            times.append(begin.elapsed_time(end) / 1e3)
        return median(times)


class DryCpu:
    """For a dry run."""

    place = torch.device("cpu")
    dtype = torch.float64  # matrices stay as they are, so that transformers can share them
    attention = "torch"
    copy_bytes = 1 << 20

    @property
    def name(self) -> str:
        return "a CPU, dry"

    def settle(self) -> None:
        """See `Device.settle`; a CPU has done it."""

    def queued_s(self, work: Work, n: int) -> float:
        """See `Device.queued_s`."""
        return median_s(self, work, 1, n)


def median_s(device: Device, work: Work, n_warm_up: int, n: int) -> float:
    """Median seconds from the host's call until the device has done `work`."""
    times: list[float] = []
    for _ in range(n_warm_up + n):
        device.settle()
        begin = perf_counter()
        work()
        device.settle()
        times.append(perf_counter() - begin)
    return median(times[n_warm_up:])


def bandwidth(device: Device) -> float:
    """Bytes per second that a copy of a large tensor moves, those read and those written."""
    source = torch.ones(device.copy_bytes, dtype=torch.uint8, device=device.place)
    target = torch.empty_like(source)
    return 2 * device.copy_bytes / median_s(device, lambda: target.copy_(source), 3, 10)


def versions() -> dict[str, str | None]:
    """Of what the figures depend on; None for what is not installed."""
    found: dict[str, str | None] = {"torch": torch.__version__, "flashinfer": None}
    with suppress(PackageNotFoundError):
        found["flashinfer"] = version("flashinfer-python")
    return found
