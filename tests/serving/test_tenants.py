"""Texts are found again only among the runs of one tenant."""

from collections.abc import Iterator

import pytest

import hogdsl as hog
from runtime.embedded import EmbeddedRuntime
from runtime.runner import EngineMachine

PROMPT = "a:17+25 b:38+41 c:9+66 d:52+13 " * 16


@pytest.fixture
def runtime() -> Iterator[EmbeddedRuntime]:
    """Piglet with an empty cache."""
    machine = EngineMachine.load("piglet", device="cpu")
    runtime = EmbeddedRuntime(machine, prepare_thread=machine.prepare_thread)
    yield runtime
    runtime.close()
    machine.engine.check()


@hog.program
def pair(s: hog.Scope) -> dict[str, str]:
    """Two workers, whose finished steps go to a history: all kinds of blocks."""
    s += hog.user(PROMPT) + hog.turn("assistant")
    layout = hog.layouts.combined(step="\n", header="{name}: ")
    with s.fork("Alice", "Bob", layout=layout) as team:
        for worker in team:
            worker += hog.gen("work", max_tokens=20)
    return {worker.name: worker.text for worker in team}


def n_encoded(runtime: EmbeddedRuntime, tenant: str, expected: dict[str, str]) -> int:
    """How many tokens a tenant's run had to encode; it writes what it must."""
    run = pair.on(runtime, tenant=tenant).run()
    assert run.value == expected
    return run.usage.tokens_encoded


def test_two_tenants_with_one_prompt_share_no_page_and_one_tenant_does(
    runtime: EmbeddedRuntime,
) -> None:
    machine = runtime.machine
    assert isinstance(machine, EngineMachine)
    first, tree = pair.on(runtime).run(), machine.engine.tree
    n_pages, n_all = tree.n_used, first.usage.tokens_encoded
    assert n_encoded(runtime, "ada", first.value) == n_all
    assert tree.n_used == 2 * n_pages
    assert n_encoded(runtime, "bob", first.value) == n_all
    assert tree.n_used == 3 * n_pages
    for tenant in ("ada", "bob", ""):
        assert n_encoded(runtime, tenant, first.value) < n_all / 4
    assert tree.n_used == 3 * n_pages
