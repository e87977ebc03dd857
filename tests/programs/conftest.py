"""Piglet, loaded once for all tests of programs."""

from collections.abc import Iterator

import pytest

import hogdsl as hog


@pytest.fixture(scope="session")
def piglet() -> Iterator[hog.Runtime]:
    runtime = hog.local()
    yield runtime
    assert runtime.stats().pages_used == 0
    runtime.close()
