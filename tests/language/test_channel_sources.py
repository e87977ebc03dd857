"""Where a channel's texts come from: async iterators, lines, files; and how they end and fail."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from threading import Event as Flag

import pytest

import hogdsl as hog
from hogdsl.commands import CloseInput, Hear
from hogdsl.events import Event
from hogdsl.language.runner import Runner, Settings
from tests.language.stage import Act, Play, Stage, bindings, hears, own_threads, run_on, run_regions


class FakeClock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now_s(self) -> float:
        return self.seconds

    def sleep(self, seconds: float, woken: Flag) -> None:
        self.seconds += seconds


def everything(act: Act) -> Iterator[Event]:
    """Hear texts until the channel is closed."""
    while isinstance(command := act.wait_for(Hear, CloseInput), Hear):
        yield act.heard(command)


def heard(channel: hog.Channel, play: Play = everything) -> list[Hear]:
    """What a region hears."""
    session = run_on(Stage(play), bindings(channels={"mic": channel}), "mic")
    return [c for c in [*session.first[0], *session.sent] if isinstance(c, Hear)]


def hear(text: str, *, final: bool = True) -> Hear:
    return Hear(stream="mic", text=text, final=final)


# ---------------------------------------------------------------- lines


def test_lines_are_heard_without_their_breaks_and_then_the_channel_is_closed():
    channel = hog.Channel.from_lines([" a:12\n", " b:7\r\n", "?"])
    assert heard(channel) == [hear(" a:12"), hear(" b:7"), hear("?")]
    assert channel.closed


def test_lines_may_have_an_end_of_the_programs_own():
    assert heard(hog.Channel.from_lines(["one", "two"], end="\n")) == [hear("one\n"), hear("two\n")]


def test_lines_are_read_when_somebody_listens_and_no_further_than_there_is_room():
    read: list[int] = []
    enough = Flag()

    def lines() -> Iterator[str]:
        for i in range(100):
            read.append(i)
            if i == 4:
                enough.set()
            yield str(i)

    channel = hog.Channel.from_lines(lines(), capacity=2)
    assert read == []

    def play(act: Act) -> Iterator[Event]:
        for _ in range(2):
            yield act.heard(act.wait_for(Hear))
        assert enough.wait(timeout=20)

    heard(channel, play)
    assert (len(channel), read) == (2, [0, 1, 2, 3, 4])
    channel.close()


def test_lines_that_were_not_heard_are_heard_in_the_next_region():
    runtime = Stage(hears(2), everything)
    channel = hog.Channel.from_lines(["a", "b", "c", "d"])
    run_regions(Runner(Settings(runtime=runtime)), bindings(channels={"mic": channel}), "mic", n=2)
    assert len(channel) == 0


def test_an_error_of_the_lines_ends_the_run_as_itself():
    def lines() -> Iterator[str]:
        yield "a"
        raise OSError("the cable is out")

    def play(act: Act) -> Iterator[Event]:
        yield act.heard(act.wait_for(Hear))
        act.wait_cancelled()

    with pytest.raises(OSError, match="the cable is out"):
        heard(hog.Channel.from_lines(lines()), play)


def test_an_error_of_the_lines_is_told_to_whoever_listens_next():
    broken = Flag()

    def lines() -> Iterator[str]:
        yield "a"
        broken.wait(timeout=20)
        raise OSError("the cable is out")

    channel = hog.Channel.from_lines(lines())
    heard(channel, hears(1))
    broken.set()
    with pytest.raises(OSError, match="the cable is out"):
        heard(channel, lambda act: act.wait_cancelled() or iter(()))


# ---------------------------------------------------------------- files


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "talk.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_line_with_a_time_is_heard_as_a_whole_at_that_time(tmp_path: Path):
    clock = FakeClock()
    path = file(tmp_path, "0.5\thello there\n2\tbye\n")
    assert heard(hog.Channel.from_file(path, clock=clock)) == [
        hear("hello there"),
        hear("bye"),
    ]
    assert clock.seconds == 102.0


def test_the_words_of_a_plain_line_are_heard_one_by_one(tmp_path: Path):
    clock = FakeClock()
    path = file(tmp_path, "one  two three \nfour\n")
    assert heard(hog.Channel.from_file(path, words_per_second=2, clock=clock)) == [
        hear("one", final=False),
        hear("  two", final=False),
        hear(" three "),
        hear("four"),
    ]
    assert clock.seconds == 101.5


def test_speed_makes_everything_quicker(tmp_path: Path):
    clock = FakeClock()
    path = file(tmp_path, "4\thello\none two\n")
    heard(hog.Channel.from_file(path, 2.0, words_per_second=1, clock=clock))
    assert clock.seconds == 102.5


def test_a_file_that_is_being_played_stops_when_its_channel_is_closed(tmp_path: Path):
    path = file(tmp_path, "0\ta\n3600\tb\n")
    with hog.Channel.from_file(path) as channel:
        assert heard(channel, hears(1)) == [hear("a")]
        assert own_threads() == ["hogdsl-source"]
    assert own_threads() == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "0\ta\nsoon\tb\n",
            "line 2 of '{path}' begins with 'soon'. Write a number before the tab.",
        ),
        ("-1\ta\n", "line 1 of '{path}' begins with '-1'. Write a number before the tab."),
    ],
)
def test_a_line_with_a_wrong_time_is_named(tmp_path: Path, text: str, said: str):
    path = file(tmp_path, text)
    with pytest.raises(hog.ProgramError) as caught:
        hog.Channel.from_file(path)
    assert caught.value.rule == (
        "a line with a tab begins with the second at which it is heard, and "
        + said.format(path=path)
    )


def test_rates_are_above_0(tmp_path: Path):
    path = file(tmp_path, "a")
    with pytest.raises(hog.ProgramError, match="speed is a number above 0, not 0"):
        hog.Channel.from_file(path, 0)
    with pytest.raises(hog.ProgramError, match="words_per_second is a number above 0, not -1"):
        hog.Channel.from_file(path, words_per_second=-1)


# ---------------------------------------------------------------- async iterators


async def letters(n: int) -> AsyncIterator[str]:
    for letter in "abcdefghij"[:n]:
        await asyncio.sleep(0)
        yield letter


def test_an_async_iterator_is_read_in_the_loop_in_which_it_was_given():
    loops: list[object] = []

    async def noting() -> AsyncIterator[str]:
        loops.append(asyncio.get_running_loop())
        async for letter in letters(3):
            yield letter

    async def main() -> list[Hear]:
        channel = hog.Channel.from_async(noting(), capacity=1)
        told = await asyncio.to_thread(heard, channel)
        assert loops == [asyncio.get_running_loop()]
        return told

    assert asyncio.run(main()) == [hear("a"), hear("b"), hear("c")]


def test_an_async_iterator_is_read_without_a_loop_of_the_programs_own():
    assert heard(hog.Channel.from_async(letters(3))) == [hear("a"), hear("b"), hear("c")]


def test_an_error_of_an_async_iterator_ends_the_run_as_itself():
    async def breaks() -> AsyncIterator[str]:
        yield "a"
        raise OSError("the line is dead")

    def play(act: Act) -> Iterator[Event]:
        yield act.heard(act.wait_for(Hear))
        act.wait_cancelled()

    with pytest.raises(OSError, match="the line is dead"):
        heard(hog.Channel.from_async(breaks()), play)


def test_a_source_that_gives_no_text_ends_the_run():
    async def numbers() -> AsyncIterator[int]:
        yield 7

    channel = hog.Channel.from_async(numbers())  # type: ignore[arg-type] -- wrong on purpose
    with pytest.raises(TypeError, match="a channel takes text, and its source gave 7"):
        heard(channel)


def test_an_async_iterator_that_is_waited_for_is_closed_with_its_channel():
    left = Flag()

    async def waits() -> AsyncIterator[str]:
        try:
            yield "a"
            await asyncio.sleep(3600)
        finally:
            left.set()

    channel = hog.Channel.from_async(waits())
    heard(channel, hears(1))
    channel.close()
    assert left.wait(timeout=20)


def test_a_program_that_would_hold_up_the_iterators_loop_is_told():
    async def main() -> None:
        channel = hog.Channel.from_async(letters(1))
        with pytest.raises(hog.ProgramError) as caught:
            heard(channel)
        assert caught.value.code == "channel-loop"

    asyncio.run(main())


def test_the_end_of_the_iterators_loop_closes_the_channel():
    async def forever() -> AsyncIterator[str]:
        yield "a"
        await asyncio.Event().wait()

    channels: list[hog.Channel] = []

    async def main() -> None:
        channels.append(hog.Channel.from_async(forever()))
        await asyncio.to_thread(heard, channels[0], hears(1))

    asyncio.run(main())
    assert channels[0].closed
