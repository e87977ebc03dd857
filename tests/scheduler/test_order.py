"""Who comes into a step when there is no room for all."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hogdsl.plan import Ask, Gen
from runtime.scheduler import scheduler
from runtime.scheduler.order import PATIENCE_STEPS, in_order
from runtime.scheduler.run import Run
from tests.scheduler.world import World, region, script, stream


@dataclass(frozen=True, kw_only=True)
class Rival:
    """What the order wants to know of a run."""

    number: int
    is_interactive: bool = False
    is_prefilling: bool = False


def names(rivals: Sequence[Rival], waited: dict[Rival, int]) -> list[int]:
    ordered = in_order(cast("list[Run]", rivals), cast("dict[Run, int]", waited))
    return [run.number for run in ordered]


def test_decoding_comes_before_prefilling_and_interactive_runs_before_background_ones() -> None:
    rivals = [
        Rival(number=0, is_prefilling=True),
        Rival(number=1, is_prefilling=True, is_interactive=True),
        Rival(number=2),
        Rival(number=3, is_interactive=True),
    ]
    assert names(rivals, {}) == [3, 2, 1, 0]


def test_among_equals_the_longest_wait_comes_first() -> None:
    rivals = [Rival(number=n) for n in range(3)]
    assert names(rivals, {rivals[1]: 2, rivals[2]: 1}) == [1, 2, 0]


def test_who_has_waited_too_long_comes_before_everybody() -> None:
    rivals = [Rival(number=0, is_interactive=True), Rival(number=1, is_prefilling=True)]
    assert names(rivals, {rivals[1]: PATIENCE_STEPS - 1}) == [0, 1]
    assert names(rivals, {rivals[1]: PATIENCE_STEPS}) == [1, 0]


rivals = st.builds(
    Rival, number=st.just(0), is_interactive=st.booleans(), is_prefilling=st.booleans()
)


@settings(max_examples=50, deadline=None)
@given(kinds=st.lists(rivals, min_size=1, max_size=12), served=st.randoms(use_true_random=False))
def test_nobody_is_passed_over_longer_than_the_bound(kinds: list[Rival], served: Random) -> None:
    """However many a step takes, and whatever kinds the runs are of from step to step."""
    choose = served.choice
    n = len(kinds)
    waited = dict.fromkeys(range(n), 0)
    for _ in range(60):
        runs = [
            Rival(number=i, is_interactive=choose([True, k.is_interactive]), is_prefilling=False)
            if i % 2
            else Rival(number=i, is_interactive=k.is_interactive, is_prefilling=k.is_prefilling)
            for i, k in enumerate(kinds)
        ]
        order = names(runs, {run: waited[run.number] for run in runs})
        n_places = choose([1, 1, 1, n])
        for place, number in enumerate(order):
            waited[number] = 0 if place < n_places else waited[number] + 1
        assert max(waited.values()) <= PATIENCE_STEPS + n - 1


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
