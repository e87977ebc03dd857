"""Programs and asyncio: `arun`, `async for`, `async with`; cancelling a task frees everything."""

import asyncio
from collections.abc import Iterator
from threading import Event as Flag

import pytest

import hogdsl as hog
from hogdsl.commands import Hear
from hogdsl.events import Event
from tests.language.stage import Act, Stage, endless, own_threads, writes


@hog.program
def counts(s: hog.Scope, start: str = "") -> str:
    s += start + hog.gen("x")
    s += s["x"] + hog.gen("y")
    return s["y"]


def forever(begun: Flag) -> Stage:
    return Stage(endless(begun.set))


async def begins(begun: Flag) -> None:
    assert await asyncio.to_thread(begun.wait, 20)


def test_arun_gives_what_run_gives():
    bound = counts.on(Stage(writes("one"), writes("two")))
    run = asyncio.run(bound.arun(start="zero "))
    assert (run.value, run["x"]) == ("two", "one")
    assert run == bound.run(start="zero ")
    assert own_threads() == []


def test_nobody_watches_the_events_of_arun():
    runtime = Stage(writes("one"), writes("two"))
    asyncio.run(counts.on(runtime).arun())
    assert [session.live for session in runtime.sessions] == [[False, False]]


def test_the_event_loop_goes_on_while_a_program_runs():
    def play(act: Act) -> Iterator[Event]:
        yield act.heard(act.wait_for(Hear))
        yield from writes("x")(act)

    @hog.program
    def listens(s: hog.Scope, mic: hog.Channel) -> str:
        with s.concurrent(until=hog.closed("mic")) as now:
            with now.listen("mic", mic):
                pass
            with now.say("reply", max_tokens=8) as reply:
                reply += hog.gen("r")
        return reply["r"]

    async def main() -> str:
        mic = hog.Channel()
        running = asyncio.create_task(listens.on(Stage(play)).arun(mic))
        await mic.asend("hello")
        return (await running).value

    assert asyncio.run(main()) == "x"


def test_many_programs_run_in_one_event_loop():
    async def main() -> list[str]:
        bound = counts.on(Stage(writes("x")))
        return [run.value for run in await asyncio.gather(*(bound.arun() for _ in range(5)))]

    assert asyncio.run(main()) == ["x"] * 5
    assert own_threads() == []


def test_cancelling_the_task_cancels_the_run_and_waits_until_all_is_free():
    begun = Flag()
    runtime = forever(begun)

    async def main() -> None:
        running = asyncio.create_task(counts.on(runtime).arun())
        await begins(begun)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert runtime.sessions[0].closed
        assert own_threads() == []

    asyncio.run(main())
    assert runtime.sessions[0].cancelled


def test_a_task_that_is_cancelled_again_still_waits_until_all_is_free():
    begun, go_on = Flag(), Flag()
    runtime = forever(begun)

    @hog.program
    def lingers(s: hog.Scope) -> None:
        s += hog.gen("x")
        try:
            s["x"]
        finally:
            assert go_on.wait(timeout=20)

    async def main() -> None:
        running = asyncio.create_task(lingers.on(runtime).arun())
        await begins(begun)
        for _ in range(3):
            running.cancel()
            await asyncio.sleep(0)
            assert not running.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert runtime.sessions[0].closed

    asyncio.run(main())
    assert own_threads() == []


def test_a_timeout_ends_the_run():
    begun = Flag()
    runtime = forever(begun)

    async def main() -> None:
        async with asyncio.timeout(0.05):
            await counts.on(runtime).arun()

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert all(session.closed for session in runtime.sessions)
    assert own_threads() == []


def test_an_exception_of_the_program_comes_out_of_arun():
    @hog.program
    def breaks(s: hog.Scope) -> None:
        raise LookupError("why")

    with pytest.raises(LookupError, match="why"):
        asyncio.run(breaks.on(Stage(writes("x"))).arun())


def test_async_for_gives_the_events_in_order_and_then_the_results():
    bound = counts.on(Stage(writes("one"), writes("two")))

    async def main() -> tuple[list[Event], str]:
        stream = bound.stream()
        events = [event async for event in stream]
        return events, stream.run.value

    assert asyncio.run(main()) == (list(bound.run().events), "two")


def test_leaving_an_async_with_block_cancels_the_run():
    runtime = forever(Flag())

    async def main() -> None:
        async with counts.on(runtime).stream() as stream:
            async for event in stream:
                assert event.kind == "region_started"
                break
        assert runtime.sessions[0].closed

    asyncio.run(main())
    assert runtime.sessions[0].cancelled
    assert own_threads() == []


def test_leaving_an_async_for_loop_cancels_the_run_even_without_a_with_block():
    runtime = forever(Flag())

    async def main() -> None:
        async for _ in counts.on(runtime).stream():
            break

    asyncio.run(main())
    assert runtime.sessions[0].closed
    assert own_threads() == []


def test_all_tasks_that_wait_for_events_are_told_when_another_one_closes():
    begun = Flag()
    stream = counts.on(forever(begun)).stream()

    async def read() -> list[str]:
        return [event.kind async for event in stream]

    async def main() -> None:
        reading = [asyncio.create_task(read()) for _ in range(2)]
        await begins(begun)
        await stream.aclose()
        kinds = [kind for each in await asyncio.gather(*reading) for kind in each]
        assert set(kinds) <= {"region_started"}

    asyncio.run(main())
    assert own_threads() == []


def test_an_async_stream_that_was_not_begun_can_be_closed():
    async def main() -> None:
        runtime = Stage(writes("x"))
        async with counts.on(runtime).stream():
            pass
        assert runtime.sessions == []

    asyncio.run(main())
