"""Who comes into a step when there is no room for all."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hogdsl.plan import Ask, Gen
from runtime.scheduler import scheduler
from runtime.scheduler.order import PATIENCE_STEPS, STARVED_EVERY, Order
from runtime.scheduler.run import Run
from tests.scheduler.world import World, region, script, stream


@dataclass(frozen=True, kw_only=True)
class Rival:
    """What the order wants to know of a run."""

    number: int
    is_interactive: bool = field(default=False, compare=False)
    is_prefilling: bool = field(default=False, compare=False)


class Queue:
    """An order over rivals; two with the same number are one run at different times."""

    def __init__(self, *, interactive_first: bool = True) -> None:
        self.order = Order(interactive_first=interactive_first)

    def numbers(self, rivals: Sequence[Rival]) -> list[int]:
        return [run.number for run in self.order.sorted(cast("Sequence[Run]", rivals))]

    def step(self, rivals: Sequence[Rival], n_places: int = 1) -> list[int]:
        """Make a step with room for so many; the numbers of those who were in it."""
        runs = self.order.sorted(cast("Sequence[Run]", rivals))
        self.order.stepped(set(runs[:n_places]), runs[n_places:])
        return [run.number for run in runs[:n_places]]

    def longest_wait(self) -> int:
        return max(self.order.waited.values(), default=0)


def test_decoding_comes_before_prefilling_and_interactive_runs_before_background_ones() -> None:
    rivals = [
        Rival(number=0, is_prefilling=True),
        Rival(number=1, is_prefilling=True, is_interactive=True),
        Rival(number=2),
        Rival(number=3, is_interactive=True),
    ]
    assert Queue().numbers(rivals) == [3, 2, 1, 0]
    assert Queue(interactive_first=False).numbers(rivals) == [2, 3, 0, 1]


def test_among_equals_the_longest_wait_comes_first() -> None:
    queue, rivals = Queue(), [Rival(number=n) for n in range(3)]
    queue.order.stepped(set(), cast("list[Run]", rivals[1:]))
    queue.order.stepped(set(), cast("list[Run]", rivals[1:2]))
    assert queue.numbers(rivals) == [1, 2, 0]


def test_who_has_waited_too_long_comes_before_everybody() -> None:
    queue = Queue()
    rivals = [Rival(number=0, is_interactive=True), Rival(number=1, is_prefilling=True)]
    assert [queue.step(rivals) for _ in range(PATIENCE_STEPS)] == [[0]] * PATIENCE_STEPS
    assert queue.step(rivals) == [1]
    assert queue.step(rivals) == [0]


def test_between_two_who_starve_those_who_are_spoken_to_come_first() -> None:
    queue = Queue()
    rivals = [Rival(number=n, is_interactive=n == 0) for n in range(20)]
    served = [number for _ in range(60) for number in queue.step(rivals)]
    assert set(served[:PATIENCE_STEPS]) == {0}
    background = [place for place, number in enumerate(served) if number]
    assert {later - earlier for earlier, later in pairwise(background)} == {STARVED_EVERY}
    assert [served[place] for place in background] == list(range(1, len(background) + 1))


rivals = st.builds(
    Rival, number=st.just(0), is_interactive=st.booleans(), is_prefilling=st.booleans()
)


@settings(max_examples=50, deadline=None)
@given(kinds=st.lists(rivals, min_size=1, max_size=12), served=st.randoms(use_true_random=False))
def test_nobody_is_passed_over_longer_than_the_bound(kinds: list[Rival], served: Random) -> None:
    """However many a step takes, and whatever kinds the runs are of from step to step."""
    choose, n, queue = served.choice, len(kinds), Queue()
    for _ in range(PATIENCE_STEPS + 2 * STARVED_EVERY * n):
        runs = [
            replace(kind, number=i, is_interactive=choose([True, kind.is_interactive]))
            if i % 2
            else replace(kind, number=i)
            for i, kind in enumerate(kinds)
        ]
        queue.step(runs, n_places=choose([1, 1, 1, n]))
        assert queue.longest_wait() <= PATIENCE_STEPS + STARVED_EVERY * n - 1


def test_two_programs_of_one_kind_get_equally_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "STEP_TOKENS", 1)
    world = World(script(A="123456789" * 9))
    clients = [world.run() for _ in range(3)]
    for client in clients:
        client.start(region(stream("A", Gen())))
    for n in range(60):
        world.step()
        steps = [client.run.usage.steps for client in clients]
        assert max(steps) - min(steps) <= 1
        assert sum(steps) == n + 1


def test_a_run_in_which_somebody_is_asked_goes_on_while_the_background_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scheduler, "STEP_TOKENS", 1)
    world = World(script(A="123456789" * 9))
    background, asked = world.run(), world.run()
    background.start(region(stream("A", Gen())))
    ask = Ask(name="q", stream="A", question="?", answers=("1", "2"), every=5)
    asked.start(region(stream("A", Gen()), asks=(ask,)))
    for _ in range(45):
        world.step()
    assert asked.run.usage.steps == 40
    assert background.run.usage.steps == 5, "but it does not starve"
