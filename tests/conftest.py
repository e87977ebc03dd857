"""What all tests share: Hypothesis profiles, and tests for CUDA that are skipped without it."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# The same examples in every run of CI, so that a red CI can be repeated; fresh ones elsewhere.
settings.register_profile("ci", derandomize=True, deadline=None, database=None, print_blob=True)
settings.register_profile("dev", deadline=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is marked `gpu` where there is no CUDA device."""
    gpu_tests = [item for item in items if item.get_closest_marker("gpu")]
    if not gpu_tests:
        return
    import torch  # only now: collecting the tests of the language alone must not need it

    if not torch.cuda.is_available():
        for item in gpu_tests:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


@pytest.fixture
def two_threads() -> Iterator[None]:
    """torch has two threads in this test."""
    import torch  # as above

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)
