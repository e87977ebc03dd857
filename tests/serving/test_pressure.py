"""The radix cache, pressure and the order of runs, seen from the embedded runtime."""

from collections.abc import Iterator

import pytest

from hogdsl.events import Event, StreamEnded, Usage
from hogdsl.plan import Ask, Commit, Gen, HistoryBlock, Region, Stream, StreamBlock, TextBlock, Turn
from runtime.scheduler import scheduler
from runtime.scheduler.order import PATIENCE_STEPS, STARVED_EVERY
from tests.serving.stage import ENDLESS, Stage, events_of, solo, usage_of

N_TEAMS = 8


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Piglet with a clock that stands still; nothing may be left in it."""
    stage = Stage()
    yield stage
    stage.close()


def team(n: int) -> Region:
    """Two workers who see one another and move their steps to a history."""
    text = f"a:{n + 17}+25 b:38+{n} c:9+66 d:52+13 " * 2
    prompt = TextBlock(
        name="prompt", pieces=(Turn(role="user", prefix=text), Turn(role="assistant"))
    )
    workers = tuple(
        Stream(
            name=name,
            role="worker",
            view=("prompt", "history", other, name),
            pieces=(Gen(sampling=ENDLESS, max_tokens=40),),
            commit=Commit(into="history", step="\n", header="{name}: "),
        )
        for name, other in [("Alice", "Bob"), ("Bob", "Alice")]
    )
    blocks = (
        prompt,
        HistoryBlock(name="history"),
        StreamBlock(name="Alice"),
        StreamBlock(name="Bob"),
    )
    return Region(name="team", blocks=blocks, streams=workers)


def teams_on(stage: Stage) -> list[list[Event]]:
    """What all teams tell, at the same time."""
    sessions = [stage.runtime.open(seed=n) for n in range(N_TEAMS)]
    for n, session in enumerate(sessions):
        stage.start(session, team(n))
    return [events_of(session) for session in sessions]


def texts(events: list[Event]) -> dict[str, str]:
    return {event.stream: event.text for event in events if isinstance(event, StreamEnded)}


def test_teams_in_a_cache_four_times_too_small_write_what_they_write_in_a_large_one(
    stage: Stage,
) -> None:
    expected = teams_on(stage)
    n_tokens = stage.n_pages_most * stage.engine.page_size_tokens
    narrow = Stage(n_cache_tokens=n_tokens // 4)
    found = teams_on(narrow)
    narrow.close()
    assert [texts(events) for events in found] == [texts(events) for events in expected]
    usages = [usage_of(events) for events in found]
    assert usages[0].suspensions == 0, "the oldest keeps its pages"
    assert sum(usage.suspensions for usage in usages) > 0
    assert sum(usage_of(events).suspensions for events in expected) == 0


def test_a_prompt_of_a_thousand_tokens_is_encoded_once_for_two_programs(stage: Stage) -> None:
    usages: list[Usage] = []
    text = "a:17+25 b:38+41 c:9+66 d:52+13 " * 32
    for n_tokens in (3, 5):
        session = stage.runtime.open()
        stage.start(session, solo(text, n_tokens))
        usages.append(usage_of(events_of(session)))
    assert usages[0].tokens_encoded >= 1000
    assert usages[1].tokens_encoded <= stage.engine.page_size_tokens


def test_nobody_is_passed_over_for_longer_than_the_bound(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One run per step; those in which somebody is asked come first."""
    monkeypatch.setattr(scheduler, "STEP_TOKENS", 1)
    ask = Ask(name="ahead", stream="main", question="ahead? ", every=1000)
    regions = [solo(f"a:{n}+1", 40) for n in range(4)]
    regions[2:] = [region.model_copy(update={"asks": (ask,)}) for region in regions[2:]]
    sessions = [stage.runtime.open(seed=n) for n in range(4)]
    waited = stage.runtime._loop._scheduler._order.waited
    longest = dict.fromkeys(range(4), 0)

    def look() -> None:
        for run, n_steps in waited.items():
            longest[run.number] = max(longest[run.number], n_steps)

    stage.looks.append(look)
    for session, region in zip(sessions, regions, strict=True):
        stage.start(session, region)
    for session in sessions:
        assert usage_of(events_of(session)).tokens_generated == 40
    assert max(longest.values()) <= PATIENCE_STEPS + STARVED_EVERY * len(sessions) - 1
    assert min(longest[0], longest[1]) >= PATIENCE_STEPS, "the background waited, and had its turn"
