"""Which threads share in native work."""

import ctypes
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from runtime.native import load_library, take_helper, threads
from runtime.native.regions import torch_region

Work = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
TIMEOUT_S = 10.0
R = TypeVar("R")


def in_new_thread(function: Callable[[], R]) -> R:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result(timeout=TIMEOUT_S)


def shared_out(work: Callable[[], None]) -> None:
    """Share work out, which every thread begins that comes in time."""
    load_library().with_helper(Work(lambda _: work()), None, 2, 0)


def until_it_helps() -> set[int]:
    """Share out work that is done when two threads have met in it; says who they were."""
    met = threading.Barrier(2)

    def work() -> None:
        met.wait(timeout=TIMEOUT_S)
        found.add(threading.get_ident())

    found: set[int] = set()
    shared_out(work)
    return found


@pytest.mark.usefixtures("two_threads")
def test_threads_are_those_of_torch() -> None:
    assert torch_region() is not None
    assert threads() == (torch_region(), 2)


def test_a_thread_that_took_a_helper_has_it_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.native.regions.n_cores", lambda: 2)

    def taken() -> tuple[int | None, int]:
        take_helper()
        return threads()

    region, n = in_new_thread(taken)
    assert n == 2
    assert region not in (None, torch_region())
    assert threads().region == torch_region()


def test_without_a_core_for_it_there_is_no_helper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.native.regions.n_cores", lambda: 1)

    def taken() -> tuple[int | None, int]:
        take_helper()
        return threads()

    assert in_new_thread(taken)[0] == torch_region()


def test_the_helper_works_while_who_shares_out_works() -> None:
    assert len(until_it_helps()) == 2


def test_a_helper_that_sleeps_is_woken() -> None:
    until_it_helps()
    threading.Event().wait(0.05)  # it looks for work for much less
    assert len(until_it_helps()) == 2


def test_whoever_finds_the_helper_taken_works_alone() -> None:
    done: list[int] = []

    def work() -> None:
        if threading.current_thread() is threading.main_thread():
            in_new_thread(lambda: shared_out(lambda: done.append(threading.get_ident())))

    shared_out(work)
    assert len(done) == 1


def test_work_is_over_when_it_returns() -> None:
    """Whatever the helper still does of it."""
    for _ in range(300):
        inside: list[int] = []

        def work(inside: list[int] = inside) -> None:
            inside.append(1)
            inside.pop()

        shared_out(work)
        assert inside == []


FORKS = """
import os, signal
from tests.native.test_regions import TIMEOUT_S, until_it_helps
until_it_helps()
child = os.fork()
signal.alarm(int(TIMEOUT_S))
assert len(until_it_helps()) == 2
if child:
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_has_a_helper_of_its_own() -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKS]
    subprocess.run(command, check=True, timeout=6 * TIMEOUT_S)
