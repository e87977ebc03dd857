"""What every runtime does, on piglet in this process and on a server."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

import hogdsl as hog
from hogdsl.commands import CloseInput, Hear, Stop
from hogdsl.events import Event, Failed, Heard, StreamEnded, Token
from tests.server.regions import endless, listening, writing


@pytest.fixture(params=["embedded", "remote"])
def runtime(request: pytest.FixtureRequest) -> hog.Runtime:
    return request.getfixturevalue(request.param)


@pytest.fixture(params=[True, False], ids=["live", "late"])
def live(request: pytest.FixtureRequest) -> bool:
    """Whether events are wanted as they come."""
    return request.param


def failed(events: list[Event]) -> Failed:
    last = events[-1]
    assert isinstance(last, Failed), last
    return last


def texts(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Token))


def until_token(events: Iterator[Event]) -> None:
    assert any(event.kind == "token" for event in events)


def test_a_region_runs_to_its_end(runtime: hog.Runtime, live: bool) -> None:
    session = runtime.open()
    events = list(session.run(writing(), live=live))
    session.close()
    assert [event.seq for event in events] == list(range(len(events)))
    assert events[0].kind == "region_started"
    assert events[-1].kind == "joined"
    assert texts(events) == "a:17+25=42\nb:38+41=79\n"


def test_a_session_runs_one_region_after_another(runtime: hog.Runtime, live: bool) -> None:
    session = runtime.open()
    for name in ("one", "two", "three"):
        assert list(session.run(writing(4, name=name), live=live))[-1].kind == "joined"
    session.close()


def test_a_run_uses_pages_and_gives_all_of_them_back(runtime: hog.Runtime, live: bool) -> None:
    session = runtime.open()
    events = session.run(endless(), live=live)
    until_token(events)
    assert runtime.stats().pages_used > 0
    session.close()
    assert runtime.stats().pages_used == 0
    assert runtime.stats().runs == 0


def test_leaving_the_iterator_cancels_the_run_and_frees_it(
    runtime: hog.Runtime, live: bool
) -> None:
    session = runtime.open()
    for event in session.run(endless(), live=live):
        if event.kind == "token":
            break
    assert runtime.stats().pages_used == 0


def test_a_session_can_be_cancelled_from_another_thread(runtime: hog.Runtime, live: bool) -> None:
    session = runtime.open()
    events = session.run(endless(), live=live)
    until_token(events)
    canceller = threading.Thread(target=session.cancel)
    canceller.start()
    canceller.join()
    assert failed(list(events)).error == "RunCancelled"
    session.cancel()
    session.close()


def test_a_run_that_was_cancelled_between_regions_begins_no_further_one(
    runtime: hog.Runtime, live: bool
) -> None:
    session = runtime.open()
    session.cancel()
    assert failed(list(session.run(writing(), live=live))).error == "RunCancelled"
    session.close()


def test_a_closed_session_runs_nothing_more(runtime: hog.Runtime, live: bool) -> None:
    session = runtime.open()
    session.close()
    session.close()
    session.cancel()
    with pytest.raises(hog.RunCancelled, match="session is closed"):
        list(session.run(writing(), live=live))


def test_closing_a_session_tells_whoever_reads_its_events(runtime: hog.Runtime) -> None:
    session = runtime.open()
    events = session.run(listening())
    next(events)
    with ThreadPoolExecutor(1) as pool:
        closing = pool.submit(session.close)
        last = failed(list(events))
        closing.result(30)
    assert last.error == "RunCancelled"
    assert last.message == "the session was closed while the run went on."


def test_many_threads_may_close_a_session_at_once(runtime: hog.Runtime, live: bool) -> None:
    session = runtime.open()
    until_token(session.run(endless(), live=live))
    with ThreadPoolExecutor(4) as pool:
        for closing in [pool.submit(session.close) for _ in range(4)]:
            closing.result(30)
    assert runtime.stats().pages_used == 0


def test_the_seconds_of_a_run_end_a_region_that_only_waits(
    runtime: hog.Runtime, live: bool
) -> None:
    session = runtime.open(max_seconds=0.1)
    last = failed(list(session.run(listening(), live=live)))
    session.close()
    assert last.error == "RunCancelled"
    assert "the run had 0.1 seconds" in last.message


def test_the_seconds_of_a_region_end_its_streams(runtime: hog.Runtime, live: bool) -> None:
    session = runtime.open()
    events = list(session.run(listening(max_seconds=0.1), live=live))
    session.close()
    assert [event.reason for event in events if isinstance(event, StreamEnded)] == ["deadline"]


def test_the_tokens_of_a_run_bound_every_stream(runtime: hog.Runtime) -> None:
    session = runtime.open(max_tokens=3)
    events = list(session.run(writing()))
    session.close()
    assert len([event for event in events if isinstance(event, Token)]) == 3


def test_a_seed_repeats_a_run_and_another_seed_does_not(runtime: hog.Runtime) -> None:
    def told(seed: int) -> str:
        session = runtime.open(seed=seed)
        events = list(session.run(writing(10, temperature=4.0)))
        session.close()
        return texts(events)

    first, again, other = told(1), told(1), told(2)
    assert first == again
    assert first != other


def test_a_command_wakes_a_region_that_only_waits(runtime: hog.Runtime) -> None:
    session = runtime.open()
    events: list[Event] = []
    for event in session.run(listening()):
        events.append(event)
        if event.kind == "region_started":
            session.send(Hear(stream="mic", text="b:2+2"))
            session.send(CloseInput(stream="mic"))
    session.close()
    assert [event.text for event in events if isinstance(event, Heard)] == ["b:2+2"]
    assert events[-1].kind == "joined"


def test_commands_of_the_start_are_obeyed_before_the_first_step(
    runtime: hog.Runtime, live: bool
) -> None:
    session = runtime.open()
    commands = (Hear(stream="mic", text="b:2+2"), CloseInput(stream="mic"))
    events = list(session.run(listening(), commands, live=live))
    session.close()
    assert [(e.step, e.text) for e in events if isinstance(e, Heard)] == [(0, "b:2+2")]


def test_what_is_sent_too_late_does_nothing(runtime: hog.Runtime) -> None:
    session = runtime.open()
    session.send(Hear(stream="mic", text="too early"))
    assert len(list(session.run(listening(), [CloseInput(stream="mic")]))) == 3
    session.send(Stop())
    session.close()
    session.send(Stop())


def test_a_plan_that_does_not_fit_together_fails_the_run(runtime: hog.Runtime, live: bool) -> None:
    session = runtime.open()
    region = writing().model_copy(update={"blocks": ()})
    last = failed(list(session.run(region, live=live)))
    session.close()
    assert last.error == "PlanError"
    assert "main" in last.message


def test_a_prompt_beyond_the_context_is_refused_with_the_limit(runtime: hog.Runtime) -> None:
    @hog.program
    def long(s: hog.Scope) -> None:
        s += hog.user("a:1+1 " * 1000) + hog.assistant(hog.gen(max_tokens=4))

    with pytest.raises(hog.CapacityError, match="context holds 2048"):
        long.on(runtime)()


def test_closing_the_runtime_ends_its_runs_and_begins_no_further_one(
    runtime: hog.Runtime, live: bool, request: pytest.FixtureRequest
) -> None:
    if request.node.callspec.params["runtime"] == "embedded":
        runtime = hog.local()
    session = runtime.open()
    events = session.run(endless(), live=live)
    until_token(events)
    runtime.close()
    runtime.close()
    assert failed(list(events)).error == "RunCancelled"
    with pytest.raises(hog.RunCancelled, match="runtime is closed"):
        runtime.open()


def test_events_that_come_late_are_the_same(runtime: hog.Runtime) -> None:
    def told(live: bool) -> list[dict[str, object]]:
        session = runtime.open(seed=3)
        events = list(session.run(writing(temperature=1.0), live=live))
        session.close()
        return [event.model_dump(exclude={"usage"}) for event in events]

    assert told(False) == told(True)


def test_closing_a_session_tells_whoever_reads_its_events_late(runtime: hog.Runtime) -> None:
    session = runtime.open()
    events = session.run(endless(), live=False)
    until_token(events)
    with ThreadPoolExecutor(1) as pool:
        closing = pool.submit(session.close)
        last = failed(list(events))
        closing.result(30)
    assert last.message == "the session was closed while the run went on."


def test_runs_give_the_same_tokens_alone_and_among_others(runtime: hog.Runtime) -> None:
    def told(seed: int) -> str:
        session = runtime.open(seed=seed)
        events = list(session.run(writing(10, temperature=4.0 * (seed % 2))))
        session.close()
        return texts(events)

    alone = [told(seed) for seed in range(6)]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(told, range(6)))
    assert together == alone
    assert len(set(alone)) == 4, "three greedy ones are the same, the others differ"
