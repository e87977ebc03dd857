"""The benchmark of serving measures the same work in both ways."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from random import Random

import pytest

from benchmarks.serving.load import Job, arrivals, mixed
from benchmarks.serving.measure import Measured, as_they_arrive, one_after_another
from hogdsl.commands import Command
from hogdsl.events import Event
from hogdsl.plan import Region
from runtime.embedded import EmbeddedRuntime, EmbeddedSession, start


@pytest.fixture
def runtime() -> Iterator[EmbeddedRuntime]:
    runtime = start()
    yield runtime
    runtime.close()


@pytest.fixture
def jobs() -> list[Job]:
    """One of each kind."""
    return mixed(Random(1), 3)


def n_tokens(measured: Measured) -> list[int]:
    return [each.usage.tokens_generated for each in measured.played]


def test_programs_that_arrive_at_random_write_as_much_as_one_after_another_in_fewer_steps(
    runtime: EmbeddedRuntime, jobs: list[Job]
) -> None:
    alone = one_after_another(runtime, jobs)
    together = as_they_arrive(runtime, jobs, [0.0] * len(jobs))
    assert [each.kind for each in together.played] == ["solo", "pair", "talker"]
    assert n_tokens(together) == n_tokens(alone)
    assert together.n_steps < alone.n_steps


def test_the_first_word_is_that_of_the_reply(runtime: EmbeddedRuntime, jobs: list[Job]) -> None:
    solo, pair, talker = one_after_another(runtime, jobs).played
    assert solo.first_word_steps is None
    assert pair.first_word_steps is None
    assert talker.first_word_steps is not None
    assert 1 < talker.first_word_steps < talker.usage.tokens_generated


def test_only_programs_that_speak_are_watched(
    runtime: EmbeddedRuntime, jobs: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    watched: set[bool] = set()
    run = EmbeddedSession.run

    def noted(
        session: EmbeddedSession,
        region: Region,
        commands: Sequence[Command] = (),
        *,
        live: bool = True,
    ) -> Iterator[Event]:
        watched.add(live)
        return run(session, region, commands, live=live)

    monkeypatch.setattr(EmbeddedSession, "run", noted)
    for job in jobs:
        watched.clear()
        one_after_another(runtime, [job])
        assert watched == {job.speaks is not None}, job.kind


def test_arrivals_are_drawn_from_the_seed_with_the_mean_that_is_asked_for() -> None:
    first, again = (list(arrivals(Random(5), 2000, 0.1)) for _ in range(2))
    assert first == again
    gaps = [later - earlier for earlier, later in pairwise(first)]
    assert first[0] == 0.0
    assert sum(gaps) / len(gaps) == pytest.approx(0.1, rel=0.1)
