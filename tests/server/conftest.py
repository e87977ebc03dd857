"""Piglet, in this process and behind a server."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

import hogdsl as hog
from tests.server.places import Served, served

if TYPE_CHECKING:  # most tests here play scripts, and need no torch
    from runtime.embedded import EmbeddedRuntime


@pytest.fixture(scope="package")
def shared_embedded() -> "Iterator[EmbeddedRuntime]":
    from runtime.embedded import start

    runtime = start()
    yield runtime
    runtime.close()


@pytest.fixture(scope="package")
def shared_server(shared_embedded: "EmbeddedRuntime") -> Iterator[Served]:
    with served(shared_embedded) as server:
        yield server


@pytest.fixture
def embedded(shared_embedded: "EmbeddedRuntime") -> "Iterator[EmbeddedRuntime]":
    """Piglet in this process; every test leaves no page and no run behind."""
    yield shared_embedded
    assert shared_embedded.stats().pages_used == 0
    assert shared_embedded.stats().runs == 0


@pytest.fixture
def server(shared_server: Served, embedded: "EmbeddedRuntime") -> Served:
    """A server of `embedded`."""
    return shared_server


@pytest.fixture
def remote(server: Served) -> Iterator[hog.Runtime]:
    """Piglet on the server."""
    runtime = hog.connect(server.url)
    yield runtime
    runtime.close()
