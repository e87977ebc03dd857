"""Whatever a run is doing, it can be cancelled, its deadline holds, and its pages come back."""

from collections.abc import Iterator

import pytest

from benchmarks.soak.phases import PhaseName
from hogdsl.events import Event
from hogdsl.plan import Ask, Region
from runtime.embedded import EmbeddedSession
from tests.serving.stage import Stage, events_of, listening, next_event, solo

FIRST, SECOND = "a:17+25 b:38+41 " * 6, "c:9+66 d:52+13 " * 6


def asked(text: str) -> Region:
    ask = Ask(name="ahead", stream="main", question="ahead? ", every=5)
    return solo(text).model_copy(update={"asks": (ask,)})


CASES: dict[PhaseName, Region] = {
    "queued": solo(FIRST),
    "prefill": solo(FIRST * 7),
    "decode": solo(FIRST),
    "asking": asked(FIRST),
    "waiting": listening(FIRST),
}


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Piglet with a clock that stands still; nothing may be left in it."""
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture
def narrow() -> Iterator[Stage]:
    """As `stage`, with room for one of the two runs of `suspended`."""
    stage = Stage(n_cache_tokens=448)
    yield stage
    stage.close()


def is_cancelled(events: list[Event], why: str) -> bool:
    """The run ended with one failure, and that is the last that is told."""
    failures = [event for event in events if event.kind == "failed"]
    assert failures == [events[-1]], events[-3:]
    return failures[0].error == "RunCancelled" and why in failures[0].message


@pytest.mark.parametrize("phase", CASES)
def test_a_cancelled_run_makes_at_most_the_step_that_was_under_way(
    stage: Stage, phase: PhaseName
) -> None:
    session = stage.runtime.open()
    moment = stage.at(session, phase, session.cancel)
    stage.start(session, CASES[phase])
    assert is_cancelled(events_of(session), "was cancelled")
    assert moment.n_steps is not None
    assert session._run.usage.steps <= moment.n_steps + 1


@pytest.mark.parametrize("phase", CASES)
def test_a_run_makes_no_step_behind_its_deadline(stage: Stage, phase: PhaseName) -> None:
    session = stage.runtime.open(max_seconds=50)

    def pass_time() -> None:
        stage.now_s = 51.0

    moment = stage.at(session, phase, pass_time)
    stage.start(session, CASES[phase])
    assert is_cancelled(events_of(session), "50 seconds")
    assert session._run.usage.steps == moment.n_steps


def suspended(
    stage: Stage, max_seconds: float | None = None
) -> tuple[EmbeddedSession, EmbeddedSession]:
    """An older run that takes the room of a younger one, and that one."""
    older, younger = stage.runtime.open(), stage.runtime.open(max_seconds=max_seconds)
    stage.start(older, solo(FIRST, 200))
    stage.start(younger, solo(SECOND, 200))
    return older, younger


def test_a_suspended_run_that_is_cancelled_is_not_restored(narrow: Stage) -> None:
    older, younger = suspended(narrow)
    moment = narrow.at(younger, "suspended", younger.cancel)
    assert is_cancelled(events_of(younger), "was cancelled")
    assert younger._run.usage.steps == moment.n_steps
    assert events_of(older)[-1].kind == "joined"


def test_the_deadline_of_a_suspended_run_holds(narrow: Stage) -> None:
    older, younger = suspended(narrow, max_seconds=50)

    def pass_time() -> None:
        narrow.now_s = 51.0

    moment = narrow.at(younger, "suspended", pass_time)
    assert is_cancelled(events_of(younger), "50 seconds")
    assert younger._run.usage.steps == moment.n_steps
    assert events_of(older)[-1].kind == "joined"


@pytest.mark.parametrize("how", ["cancel", "close"])
def test_a_region_that_waits_for_its_run_to_be_restored_ends_too(stage: Stage, how: str) -> None:
    """Between two regions the run was suspended, and the second one has not begun yet."""
    session = stage.runtime.open()
    run = session._run

    def suspend_and_end() -> None:
        run.suspend()
        session._start(solo(SECOND), ())
        if how == "cancel":
            session._cancel()
        else:
            stage.runtime.forget(run)

    def pass_time() -> None:
        stage.now_s = 2.0

    stage.at(session, "waiting", pass_time)
    stage.start(session, listening(FIRST).model_copy(update={"max_seconds": 1}))
    while next_event(session).kind != "joined":
        pass
    stage.runtime.submit(suspend_and_end)
    assert is_cancelled(events_of(session), "was c")
    assert run.usage.steps == 1
