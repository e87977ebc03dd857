"""What is recorded is replayed with the step's own tokens; on the CPU a recording is a closure."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from runtime.attention.flashinfer import Bucket
from runtime.graphs import Passes, Recording, shapes

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


def shape(n_tokens: int) -> Bucket:
    return Bucket(n_tokens=n_tokens, n_requests=4, n_lines_each=1)


def test_steps_of_a_shape_are_recorded_once_and_each_reads_its_own_tokens() -> None:
    recorder = Recorder()
    passes = Passes(CPU, recorder)
    for tokens in ([3, 4, 5], [7], [1, 2, 3, 4]):
        found = passes.run(shape(4), tokens, squares)
        assert found[:, 0].tolist() == [token**2 for token in tokens]
    assert recorder.n_recordings == 1
    assert repr(passes) == "<Passes 1 recorded, 3 steps replayed>"


def test_each_shape_has_a_recording_of_its_own() -> None:
    recorder = Recorder()
    passes = Passes(CPU, recorder)
    for n_tokens in (2, 4, 2):
        assert passes.run(shape(n_tokens), [5, 6], squares)[:, 0].tolist() == [25, 36]
    assert recorder.n_recordings == 2


def test_a_step_without_a_shape_runs_as_it_is() -> None:
    recorder = Recorder()
    passes = Passes(CPU, recorder)
    assert passes.run(None, [5, 6], squares)[:, 0].tolist() == [25, 36]
    assert recorder.n_recordings == 0


def test_a_pass_that_fails_leaves_no_recording() -> None:
    passes = Passes(CPU, Recorder())

    def broken(ids: Tensor) -> Tensor:
        raise RuntimeError("no kernel")

    with pytest.raises(RuntimeError, match="no kernel"):
        passes.run(shape(1), [2], broken)
    assert passes.n_recorded == 0
    assert passes.run(shape(1), [2], squares).tolist() == [[4]]


def test_there_are_shapes_for_teams_of_up_to_32_with_a_block_each_and_a_prompt() -> None:
    for n in (1, 2, 4, 8, 16, 31):
        assert any(
            each.n_tokens >= n and each.n_requests > n and each.n_lines_each >= n
            for each in shapes()
        )
