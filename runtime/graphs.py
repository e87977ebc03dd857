"""Forward passes of fixed shapes, recorded once as CUDA graphs and then replayed.

A step of a few tokens is hundreds of small launches, and the host needs longer to ask for them than
the device to do them. A graph is all of them in one request. It fits any step of its shape
(`runtime.attention.flashinfer` pads steps to shapes), because everything that it reads lies at
addresses of its own: what attention knows of the step is put there by its `prepare`, the tokens
by `Graphs.run`.

Steps that fit no shape, such as those with a chunk of a prompt, run as they are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from runtime.attention import Attention
from runtime.attention.flashinfer import Bucket, FlashInferAttention
from runtime.transfer import send

LINES_MOST = 1024
"""Lines of a shape: each is a query that is computed, also where it is padding."""

Forward = Callable[[Tensor], Tensor]
"""`forward(ids) -> hidden`: int64[n] -> [n, width]; it may be called twice for one step."""


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


def shapes(n_cuts_most: int) -> list[Bucket]:
    """The shapes that graphs may be recorded for; each is when a step first has it.

    Requests are what a team sees: some blocks that all read, one or more of each stream's own, and
    more where their pages do not lie together. Lines are one reader, a few, or all.

    Args:
        n_cuts_most: so many requests more has a step with a long view, which is cut.
    """
    return [
        Bucket(n_tokens=n_tokens, n_requests=n_requests, n_lines_each=n_lines)
        for n_tokens in (1, 2, 4, 8, 16, 32)
        for n_requests in (4, 8, 16, 32, 64, 128, 256)
        for n_lines in sorted({1, min(4, n_tokens), n_tokens})
        if n_tokens <= n_requests < 2 * (16 * n_tokens + n_cuts_most)
        if n_requests * n_lines <= LINES_MOST
    ]


class Passes:
    """The forward passes of one engine: replayed where the step has a shape, else run as they are.

    Attributes:
        n_recorded: how many graphs there are.
        n_replayed: how many steps they were used for.
    """

    def __init__(self, device: torch.device, record: Record | None = None) -> None:
        """
        Args:
            device: where tokens go.
            record: how passes are recorded; by default none is.
        """
        self._device, self._record = device, record
        self._recorded: dict[Bucket, tuple[Tensor, Recording]] = {}
        self.n_replayed = 0

    def __repr__(self) -> str:
        return f"<Passes {self.n_recorded} recorded, {self.n_replayed} steps replayed>"

    @property
    def n_recorded(self) -> int:
        return len(self._recorded)

    def run(self, shape: Bucket | None, tokens: Sequence[int], forward: Forward) -> Tensor:
        """Run a step.

        Args:
            shape: that it was padded to, if any.
            tokens: its new tokens, at most as many as the shape has.
            forward: the pass, for as many tokens as the shape has. All that it reads of the step
                but its tokens lies at addresses of the shape's own.

        Returns:
            [n, width]; the next call may overwrite it.
        """
        given = send(torch.tensor(tokens), self._device)
        if shape is None or self._record is None:
            return forward(given)
        n = len(tokens)
        if shape not in self._recorded:
            ids = torch.zeros(shape.n_tokens, dtype=torch.int64, device=self._device)
            ids[:n] = given
            self._recorded[shape] = ids, self._record(lambda: forward(ids))
        ids, recording = self._recorded[shape]
        ids[:n] = given
        recording.replay()
        self.n_replayed += 1
        return recording.result[:n]


def make_passes(attention: Attention[Any], device: torch.device) -> Passes:
    """How an engine runs its steps: from graphs on CUDA, if its attention pads steps to shapes."""
    if device.type != "cuda" or not isinstance(attention, FlashInferAttention):
        return Passes(device)
    attention.use_buckets(shapes(attention.n_cuts_most))
    return Passes(device, CudaRecord())
