"""Forward passes of fixed shapes, recorded once as CUDA graphs and then replayed.

A step of a few tokens is hundreds of small launches, and the host needs longer to ask for them than
the device to do them. A graph is all of them in one request. It fits any step of its shape
(`runtime.attention.flashinfer` pads steps to shapes), because everything that it reads lies at
addresses of its own: what attention knows of the step is put there by its `prepare`, the tokens
by `Graphs.run`.

Steps that fit no shape, such as those with a chunk of a prompt, run as they are.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from runtime.transfer import send

Forward = Callable[[Tensor], Tensor]
"""`forward(ids) -> hidden`: int64[n] -> [n, width]. It may be called more than once for one step."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Work of the device that can be done again.

    Attributes:
        replay: does it, with what is then at the addresses that it reads.
        result: is overwritten each time.
    """

    replay: Callable[[], None]
    result: Tensor


class Record(Protocol):
    """How work is recorded."""

    def __call__(self, work: Callable[[], Tensor], /) -> Recording:
        """Do the work at least once, since parts of it are compiled then, and record it."""
        ...


class CudaRecord:
    """A `Record` that makes CUDA graphs. They share one pool of memory: one at a time is replayed,
    and its result is read before the next."""

    def __init__(self) -> None:
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, work: Callable[[], Tensor], /) -> Recording:
        """See `Record`."""
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            work()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        # Other threads of the process may use CUDA meanwhile.
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            result = work()
        return Recording(graph.replay, result)


class Graphs:
    """The recorded passes of one model with one attention, by their shapes.

    Attributes:
        n_recorded: how many there are.
        n_replayed: how many steps they were used for.
    """

    def __init__(self, record: Record, *, device: torch.device) -> None:
        self._record, self._device = record, device
        self._recorded: dict[Hashable, tuple[Tensor, Recording]] = {}
        self.n_replayed = 0

    def __repr__(self) -> str:
        return f"<Graphs {self.n_recorded} recorded, {self.n_replayed} steps replayed>"

    @property
    def n_recorded(self) -> int:
        return len(self._recorded)

    def run(self, shape: Hashable, n_tokens: int, tokens: Tensor, forward: Forward) -> Tensor:
        """Run a step from its graph, which is recorded if it is the first of its shape.

        Args:
            shape: all that the launches of a step depend on.
            n_tokens: tokens of a step of that shape, padding included.
            tokens: int64[n], on the host, at most `n_tokens`.
            forward: the pass; it must read nothing else that moves between steps.

        Returns:
            [n, width]; the next call overwrites it.
        """
        if shape not in self._recorded:
            ids = torch.zeros(n_tokens, dtype=torch.int64, device=self._device)
            ids[: len(tokens)] = send(tokens, self._device)
            self._recorded[shape] = ids, self._record(lambda: forward(ids))
        ids, recording = self._recorded[shape]
        ids[: len(tokens)] = send(tokens, self._device)
        recording.replay()
        self.n_replayed += 1
        return recording.result[: len(tokens)]
