"""Channels: bounded, closable, for threads and asyncio; nothing is lost or heard twice."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event as Flag
from typing import Any

import pytest

import hogdsl as hog
from hogdsl.commands import CloseInput, Command, Hear
from hogdsl.events import Event
from hogdsl.language.channel import Channel
from hogdsl.language.runner import Runner, Settings
from hogdsl.language.source import here
from hogdsl.plan import Region
from tests.language.stage import Act, Stage, StageSession, bindings, hears, run_on, run_regions


def listen(channel: Channel, told: list[Command], *, n: int = 0) -> None:
    """Hear `n` texts in a region that then ends."""
    with channel.listening("mic", told.append, raising, here()):
        for command in [c for c in told if isinstance(c, Hear)][:n]:
            channel.heard(command.text)


def raising(error: BaseException) -> None:
    raise error


def texts(told: list[Command]) -> list[str]:
    return [command.text for command in told if isinstance(command, Hear)]


def test_what_was_sent_before_is_told_when_somebody_listens():
    channel = Channel()
    channel.send("a", final=False)
    channel.send("b", at_step=3)
    channel.close(at_step=5)
    told: list[Command] = []
    listen(channel, told)
    assert told == [
        Hear(stream="mic", text="a", final=False),
        Hear(stream="mic", text="b", at_step=3),
        CloseInput(stream="mic", at_step=5),
    ]


def test_what_is_sent_while_somebody_listens_is_told_at_once():
    channel = Channel()
    told: list[Command] = []
    with channel.listening("mic", told.append, raising, here()):
        channel.send("a")
        channel.close()
        assert told == [Hear(stream="mic", text="a"), CloseInput(stream="mic")]


def test_what_was_not_heard_is_told_to_the_next_who_listens_in_order():
    channel = Channel()
    for text in "abcd":
        channel.send(text)
    first: list[Command] = []
    second: list[Command] = []
    listen(channel, first, n=2)
    channel.send("e")
    listen(channel, second, n=3)
    assert (texts(first), texts(second), len(channel)) == (list("abcd"), list("cde"), 0)


def test_nothing_is_told_after_the_listener_has_gone():
    channel = Channel()
    told: list[Command] = []
    listen(channel, told)
    channel.send("late")
    assert told == []


def test_a_text_makes_room_when_it_is_heard_not_when_it_is_told():
    channel = Channel(capacity=1)
    told: list[Command] = []
    with channel.listening("mic", told.append, raising, here()):
        channel.send("a")
        with pytest.raises(hog.CapacityError, match=r"full for 0 s: 1 text waits to be heard"):
            channel.send("b", timeout=0)
        channel.heard("a")
        channel.send("b", timeout=0)
    assert texts(told) == ["a", "b"]


def test_a_sender_waits_until_there_is_room():
    channel = Channel(capacity=1)
    channel.send("a")
    told: list[Command] = []
    with ThreadPoolExecutor(1) as threads:
        sending = threads.submit(channel.send, "b")
        with channel.listening("mic", told.append, raising, here()):
            channel.heard("a")
            sending.result(timeout=20)
    assert texts(told) == ["a", "b"]


def test_senders_that_wait_are_told_that_the_channel_was_closed():
    channel = Channel(capacity=1)
    channel.send("a")
    with ThreadPoolExecutor(2) as threads:
        sending = [threads.submit(channel.send, text) for text in "bc"]
        channel.close()
        for waiting in sending:
            with pytest.raises(hog.ProgramError, match="nothing is sent to a channel that is clos"):
                waiting.result(timeout=20)
    assert len(channel) == 1


def test_many_senders_lose_nothing_and_each_keeps_its_order():
    channel = Channel(capacity=3)
    heard: list[str] = []
    with ThreadPoolExecutor(4) as threads:
        for who in "abcd":
            threads.submit(lambda who=who: [channel.send(f"{who}{i}") for i in range(50)])
        while len(heard) < 200:  # in short regions
            told: SimpleQueue[Any] = SimpleQueue()
            with channel.listening("mic", told.put, raising, here()):
                for _ in range(5):
                    heard.append(told.get(timeout=20).text)
                    channel.heard(heard[-1])
    for who in "abcd":
        assert [text for text in heard if text[0] == who] == [f"{who}{i}" for i in range(50)]


def test_tasks_send_without_holding_up_their_event_loop():
    channel = Channel(capacity=1)

    async def main() -> list[str]:
        await channel.asend("a")
        waiting = asyncio.create_task(channel.asend("b"))
        await asyncio.sleep(0)
        told: list[Command] = []
        with channel.listening("mic", told.append, raising, here()):
            channel.heard("a")
            await waiting
        return texts(told)

    assert asyncio.run(main()) == ["a", "b"]


def test_a_task_that_is_cancelled_while_it_waits_has_sent_nothing():
    channel = Channel(capacity=1)
    channel.send("a")

    async def main() -> None:
        waiting = asyncio.create_task(channel.asend("b"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(main())
    told: list[Command] = []
    listen(channel, told, n=1)
    channel.send("c", timeout=0)
    assert texts(told) == ["a"]


def test_a_task_that_waits_is_told_that_the_channel_was_closed():
    channel = Channel(capacity=1)
    channel.send("a")

    async def main() -> None:
        waiting = asyncio.create_task(channel.asend("b"))
        await asyncio.sleep(0)
        await asyncio.to_thread(channel.close)
        with pytest.raises(hog.ProgramError, match="nothing is sent to a channel that is closed"):
            await waiting

    asyncio.run(main())


def test_an_event_loop_that_has_ended_does_not_hinder_the_channel():
    channel = Channel(capacity=1)
    channel.send("a")
    loop = asyncio.new_event_loop()
    waiting = loop.create_task(channel.asend("b"))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    told: list[Command] = []
    listen(channel, told, n=1)
    assert len(channel) == 0
    waiting.get_coro().close()  # type: ignore[union-attr] -- a task has one
    waiting._log_destroy_pending = False  # type: ignore[attr-defined] -- its loop is gone


def test_a_channel_is_heard_by_one_stream_at_a_time():
    channel = Channel()
    with channel.listening("mic", [].append, raising, here()):
        with pytest.raises(hog.ProgramError) as caught:
            listen(channel, [])
        assert caught.value.rule == (
            "a channel is heard by one stream at a time, and that of 'mic' is heard by 'mic', "
            "which still listens. Give each its own hog.Channel()."
        )
    listen(channel, [])


def test_nothing_is_sent_to_a_channel_that_is_closed():
    with Channel() as channel:
        channel.send("a")
    assert channel.closed
    with pytest.raises(hog.ProgramError) as caught:
        channel.send("b")
    assert (caught.value.code, len(channel)) == ("channel-closed", 1)


def test_a_channel_may_be_closed_twice():
    channel = Channel()
    channel.close(at_step=3)
    channel.close()
    told: list[Command] = []
    listen(channel, told)
    assert told == [CloseInput(stream="mic", at_step=3)]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (lambda: Channel(capacity=0), "channel-capacity"),
        (lambda: Channel().send(7), "channel-text"),  # type: ignore[arg-type] -- wrong on purpose
        (lambda: Channel().send("x", at_step=-1), "channel-step"),
        (lambda: Channel().close(at_step=-1), "channel-step"),
    ],
)
def test_wrong_use_is_an_error_of_the_program(wrong: Callable[[], object], code: str):
    with pytest.raises(hog.ProgramError) as caught:
        wrong()
    assert caught.value.code == code
    assert caught.value.file == "tests/language/test_channel.py"


def test_a_channel_says_how_it_is():
    channel = Channel(capacity=2)
    assert repr(channel) == "<Channel open, 0 of 2 texts wait>"
    assert channel
    channel.send("a")
    channel.close()
    assert repr(channel) == "<Channel closed, 1 of 2 texts wait>"


def test_a_runtime_that_hears_what_was_not_sent_is_found_out():
    channel = Channel()
    channel.send("a")
    with pytest.raises(hog.InternalError, match="the runtime heard 'b' while 'a' was sent next"):
        channel.heard("b")


# ---------------------------------------------------------------- in a run


def test_a_region_is_told_what_waits_before_its_first_step():
    channel = Channel()
    channel.send("a")
    channel.close()
    session = run_on(Stage(hears(1)), bindings(channels={"mic": channel}), "mic")
    assert session.first == [(Hear(stream="mic", text="a"), CloseInput(stream="mic"))]
    assert session.sent == []


def test_a_region_is_told_in_order_what_is_sent_while_it_starts():
    channel = Channel()
    channel.send("a")

    class Slow(Stage):
        def open(self, **settings: Any) -> StageSession:
            session = super().open(**settings)
            begin = session.run

            def run(
                region: Region, commands: Sequence[Command] = (), *, live: bool = True
            ) -> Iterator[Event]:
                channel.send("b")  # after what it starts with was taken, before it has started
                return begin(region, commands, live=live)

            session.run = run
            return session

    session = run_on(Slow(hears(2)), bindings(channels={"mic": channel}), "mic")
    assert texts([*session.first[0], *session.sent]) == ["a", "b"]
    assert len(channel) == 0


def test_what_one_region_did_not_hear_is_heard_by_the_next_of_the_run():
    runtime = Stage(hears(2), hears(1))
    channel = Channel()
    for text in "abc":
        channel.send(text)
    runner = Runner(Settings(runtime=runtime))
    run_regions(runner, bindings(channels={"mic": channel}), "mic", n=2)
    (session,) = runtime.sessions
    assert [texts(list(first)) for first in session.first] == [list("abc"), ["c"]]
    assert len(channel) == 0


def test_what_a_cancelled_run_did_not_hear_stays():
    channel = Channel()
    for text in "abc":
        channel.send(text)

    def play(act: Act) -> Iterator[Event]:
        yield from hears(1)(act)
        runner.cancel()
        act.wait_cancelled()

    runner = Runner(Settings(runtime=Stage(play)))
    with pytest.raises(hog.RunCancelled):
        run_regions(runner, bindings(channels={"mic": channel}), "mic")
    told: list[Command] = []
    listen(channel, told)
    assert texts(told) == ["b", "c"]


def test_a_program_does_not_wait_for_room_that_only_it_could_make():
    @hog.program
    def talks_to_itself(s: hog.Scope, mic: hog.Channel) -> None:
        mic.send("a")
        mic.send("b")

    channel = Channel(capacity=1)
    with pytest.raises(hog.ProgramError) as caught:
        talks_to_itself.on(Stage(hears(0)))(channel)
    assert caught.value.rule == (
        "the channel is full, 1 text waits to be heard, and the program itself would have to wait "
        "for the region in which they are. Send from another thread, or give the channel a greater "
        "capacity."
    )


def test_a_program_cannot_hear_one_channel_in_two_streams():
    channel = Channel()
    runner = Runner(Settings(runtime=Stage(hears(0))))
    with pytest.raises(hog.ProgramError, match="is heard by one stream at a time"):
        run_regions(runner, bindings(channels={"a": channel, "b": channel}), "a", "b")
    run_regions(runner, bindings(channels={"a": channel}), "a")  # nothing had begun


def test_the_closing_of_a_channel_ends_a_wait_for_it():
    def play(act: Act) -> Iterator[Event]:
        threads.submit(channel.close)
        act.wait_for(CloseInput)
        yield from ()

    channel = Channel()
    with ThreadPoolExecutor(1) as threads:
        run_on(Stage(play), bindings(channels={"mic": channel}), "mic")
    assert channel.closed


def test_a_run_that_waits_for_a_channel_can_be_cancelled():
    channel = Channel()
    waits = Flag()

    def play(act: Act) -> Iterator[Event]:
        waits.set()
        act.wait_for(Hear)
        yield from ()

    runner = Runner(Settings(runtime=Stage(play)))
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(run_regions, runner, bindings(channels={"mic": channel}), "mic")
        assert waits.wait(timeout=20)
        runner.cancel()
        with pytest.raises(hog.RunCancelled):
            running.result(timeout=20)
    listen(channel, [])
