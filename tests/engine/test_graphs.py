"""What is recorded is replayed with the step's own tokens; on the CPU a recording is a closure."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from runtime.graphs import Graphs, Recording

CPU = torch.device("cpu")


class Recorder:
    """Records as CUDA does: the same tensors are read and written at every replay."""

    def __init__(self) -> None:
        self.n_recordings = 0

    def __call__(self, work: Callable[[], Tensor], /) -> Recording:
        self.n_recordings += 1
        result = torch.full_like(work(), float("nan"))

        def replay() -> None:
            result.copy_(work())

        return Recording(replay, result)


def squares(ids: Tensor) -> Tensor:
    return (ids.double() ** 2).unsqueeze(-1)


def test_steps_of_a_shape_are_recorded_once_and_each_reads_its_own_tokens() -> None:
    recorder = Recorder()
    graphs = Graphs(recorder, device=CPU)
    for tokens in ([3, 4, 5], [7], [1, 2, 3, 4]):
        found = graphs.run("four", 4, torch.tensor(tokens), squares)
        assert found[:, 0].tolist() == [token**2 for token in tokens]
    assert recorder.n_recordings == 1
    assert repr(graphs) == "<Graphs 1 recorded, 3 steps replayed>"


def test_each_shape_has_a_recording_of_its_own() -> None:
    recorder = Recorder()
    graphs = Graphs(recorder, device=CPU)
    for shape, n_tokens in (("two", 2), ("four", 4), ("two", 2)):
        found = graphs.run(shape, n_tokens, torch.tensor([5, 6]), squares)
        assert found[:, 0].tolist() == [25, 36]
    assert recorder.n_recordings == 2


def test_a_pass_that_fails_leaves_no_recording() -> None:
    recorder = Recorder()
    graphs = Graphs(recorder, device=CPU)

    def broken(ids: Tensor) -> Tensor:
        raise RuntimeError("no kernel")

    with pytest.raises(RuntimeError, match="no kernel"):
        graphs.run("one", 1, torch.tensor([2]), broken)
    assert graphs.n_recorded == 0
    assert graphs.run("one", 1, torch.tensor([2]), squares).tolist() == [[4]]
