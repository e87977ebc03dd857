"""A recorded run is repeated event by event, or it is said where it is another one."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hogdsl.commands import CloseInput, Command, Delivered, Hear, Release, Stop, Write
from hogdsl.errors import RunCancelled, TraceError
from hogdsl.events import Noticed
from hogdsl.plan import Ask, Gen, Region, Select, Watch
from runtime.traces.lines import Line, StepLine
from runtime.traces.reading import read_trace
from runtime.traces.replay import Replay
from tests.scheduler import drawn
from tests.scheduler.test_barge_in import talk
from tests.scheduler.world import FakeCache, World, region, script, stream, tape
from tests.traces.letters import LetterMachine, record_one, recorded, replayed, rewritten

LINES = script(A="1234567890", B="abcdefghij")


def team(name: str = "r") -> Region:
    made = region(stream("A", Gen(), sees=("B",)), stream("B", Gen(max_tokens=5), sees=("A",)))
    return made.model_copy(update={"name": name})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.trace"


def test_a_run_of_several_regions_is_repeated_event_by_event(path: Path) -> None:
    events = record_one(path, LINES, team(), team("s"))
    assert replayed(path, LINES) == events


def test_what_was_heard_and_interrupted_is_repeated(path: Path) -> None:
    told: list[tuple[int, Command]] = [
        (2, Hear(stream="mic", text="wait")),
        (3, Delivered(stream="S", n_chars=3)),
        (5, Hear(stream="mic", text="stop")),
        (6, CloseInput(stream="mic")),
        (40, Stop()),
    ]
    line = "123456789"
    events = record_one(path, tape(S=line), talk("restart", reports=True), told=told)
    assert "interrupted" in {event.kind for event in events}
    assert replayed(path, tape(S=line)) == events


def test_what_callbacks_have_answered_is_repeated_without_them(path: Path) -> None:
    watch = Watch(name="w", streams=("A",), regex=r"[36]", hold="stream")
    client, recorder = recorded(World(tape(A="1234567")), path)
    client.start(region(stream("A", Gen()), watches=(watch,)))
    answered = 0
    for _ in range(60):
        client.world.step()
        for event in client.kinds("noticed")[answered:]:
            assert isinstance(event, Noticed)
            answered += 1
            client.tell(Write(stream="A", text="!"), Release(watch="w", n=event.n))
    recorder.close()
    assert client.texts == {"A": "A:123!456!7"}
    assert replayed(path, tape(A="1234567")) == client.events


def test_a_stream_ends_by_the_recorded_clock(path: Path) -> None:
    limited = stream("A", Gen(), max_seconds=3)
    client, recorder = recorded(World(LINES), path)
    client.start(region(limited))
    for _ in range(20):
        client.world.now_s += 1
        client.world.step()
    recorder.close()
    assert client.reasons == {"A": "deadline"}
    assert replayed(path, LINES) == client.events


def test_a_run_that_had_too_little_time_fails_as_it_did(path: Path) -> None:
    client, _ = recorded(World(LINES), path, max_seconds=3)
    client.start(team())
    for _ in range(20):
        client.world.now_s += 1
        client.world.step()
    assert client.events[-1].kind == "failed"
    assert replayed(path, LINES) == client.events


def test_a_run_that_was_cancelled_fails_as_it_did(path: Path) -> None:
    client, _ = recorded(World(LINES), path)
    client.start(team())
    client.go_on(4)
    client.run.fail(RunCancelled("enough"))
    assert replayed(path, LINES) == client.events


def test_asks_and_selects_have_the_recorded_odds(path: Path) -> None:
    ask = Ask(name="q", stream="A", question="ok?", answers=("1", "a"), every=2)
    select = stream("B", Select(choices=("ab", "xy")))
    events = record_one(path, LINES, region(stream("A", Gen()), select, asks=(ask,)))
    assert {"asked", "value"} <= {event.kind for event in events}
    assert replayed(path, LINES) == events


def test_a_run_that_was_suspended_for_others_is_repeated_alone(path: Path) -> None:
    world = World(LINES, FakeCache(n_tokens_most=40))
    others = [world.run(), world.run()]
    client, recorder = recorded(world, path)
    for each in (*others, client):
        each.start(team())
    client.go_on()
    recorder.close()
    assert client.run.usage.suspensions > 0
    assert replayed(path, LINES) == client.events


@settings(max_examples=40, deadline=None)
@given(
    made=drawn.regions(), commands=drawn.plays, seed=st.integers(0, 3), most=st.integers(50, 200)
)
def test_any_run_among_others_is_repeated_alone(
    tmp_path_factory: pytest.TempPathFactory,
    made: Region,
    commands: list[tuple[int, Command]],
    seed: int,
    most: int,
) -> None:
    path = tmp_path_factory.mktemp("any") / "run.trace"
    world = World(drawn.model, FakeCache(n_tokens_most=most))
    other = world.run(seed=7)
    client, recorder = recorded(world, path, seed=seed)
    other.start(made)
    client.start(made)
    rest = sorted(commands, key=lambda item: item[0])
    for n in range(150):
        while rest and rest[0][0] <= n:
            client.tell(rest.pop(0)[1])
        world.now_s += 0.25
        world.step()
    world.scheduler.remove(client.run)
    recorder.leave()
    assert replayed(path, drawn.model) == client.events


def test_the_same_run_leaves_the_same_file(path: Path, tmp_path: Path) -> None:
    record_one(path, LINES, team())
    record_one(tmp_path / "again", LINES, team())
    assert path.read_bytes() == (tmp_path / "again").read_bytes()


# ---------------------------------------------------------------- divergence


def test_a_token_that_the_model_does_not_choose_is_shown_with_both_and_the_line(
    path: Path,
) -> None:
    record_one(path, LINES, team())

    def change(lines: list[Line]) -> list[Line]:
        line = lines[5]
        assert isinstance(line, StepLine)
        results = [("A", ord("x")) if s == "A" else (s, r) for s, r in line.results]
        lines[5] = line.model_copy(update={"results": tuple(results)})
        return lines

    told = rewritten(path, change)
    machine = LetterMachine(LINES)
    with pytest.raises(TraceError) as raised:
        list(Replay(told, machine))
    message = str(raised.value)
    assert message.startswith(f"{path}:7: step 5 is another one")
    assert "chose 'x' (token 120) in the stream 'A'" in message
    assert re.search(r"this one chose '\d' \(token \d+\)", message)
    assert not machine.cache.living


def test_odds_that_differ_are_shown_with_both(path: Path) -> None:
    ask = Ask(name="q", stream="A", question="ok?", answers=("1", "a"), every=2)
    record_one(path, LINES, region(stream("A", Gen()), asks=(ask,)))

    def change(lines: list[Line]) -> list[Line]:
        return [moved(line) if isinstance(line, StepLine) else line for line in lines]

    def moved(line: StepLine) -> StepLine:
        results = [
            (name, ((result[0][0] + 0.001, result[0][1]),) if isinstance(result, tuple) else result)
            for name, result in line.results
        ]
        return line.model_copy(update={"results": tuple(results)})

    with pytest.raises(TraceError, match=r"\[-4\.99900 -5\.00000\].*this one.*\[-5\.00000 -5\.0"):
        list(Replay(rewritten(path, change), LetterMachine(LINES)))


def test_a_step_that_the_run_does_not_make_is_said(path: Path) -> None:
    record_one(path, LINES, team())

    def change(lines: list[Line]) -> list[Line]:
        return [*lines[:-1], lines[-2], lines[-1]]

    with pytest.raises(TraceError, match="made a step, and this one cannot make one"):
        list(Replay(rewritten(path, change), LetterMachine(LINES)))


def test_a_trace_that_says_it_is_over_too_early_is_said(path: Path) -> None:
    record_one(path, LINES, team())

    def change(lines: list[Line]) -> list[Line]:
        return [*lines[:6], lines[-1]]

    with pytest.raises(TraceError, match="is over here, and this one goes on"):
        list(Replay(rewritten(path, change), LetterMachine(LINES)))


def test_an_unfinished_trace_is_played_as_far_as_it_goes(path: Path) -> None:
    events = record_one(path, LINES, team())
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole[:6]) + whole[6][:9])
    played = replayed(path, LINES)
    assert not read_trace(path).is_finished
    assert played == events[: len(played)]
    assert 0 < len(played) < len(events)
