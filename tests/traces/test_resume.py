"""A run whose process has died goes on from its trace as if nothing had been."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from io import FileIO
from pathlib import Path

import pytest

import hogdsl as hog
from hogdsl.commands import CloseInput, Hear
from hogdsl.events import Event, Heard, Joined
from runtime.embedded import EmbeddedRuntime
from runtime.scheduler.work import Result, RowWork
from runtime.traces.echo import Echo
from runtime.traces.lines import Header, RegionLine, StepLine, ToldLine
from runtime.traces.reading import read_trace
from runtime.traces.recorder import Recorder
from tests.scheduler.world import script
from tests.traces.letters import LetterMachine

LINES = script(A="one two six", B="a b c d e f g", talk="so it is", mic="")


def model(whole: str) -> str | None:
    """Writes the lines, and does not mind what callbacks have put between."""
    return LINES(re.sub(r"<\d>", "", whole))


HEADER = hog.layouts.contiguous(header="{name}:")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.trace"


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[EmbeddedRuntime]:
    made = EmbeddedRuntime(LetterMachine(model, folder=checkpoint(tmp_path, "1")))
    yield made
    made.close()


def checkpoint(folder: Path, weights: str) -> Path:
    made = folder / f"checkpoint{weights}"
    made.mkdir(exist_ok=True)
    (made / "model.safetensors").write_text(weights)
    return made


@hog.program
def two_teams(s: hog.Scope, times: int = 2) -> str:
    said: list[str] = []
    for _ in range(times):
        with s.fork("A", "B", layout=HEADER, keep=()) as team:
            for worker in team:
                worker += hog.gen(max_tokens=40)
        said += [worker.text for worker in team]
    return " / ".join(said)


def without_time(event: Event) -> Event:
    """An event without what differs between two runs of one program."""
    if isinstance(event, Joined):
        return event.model_copy(update={"usage": event.usage.model_copy(update={"seconds": 0.0})})
    return event


def cut(path: Path, n_lines: int) -> None:
    """Leave of a file what a killed process leaves: whole lines, and a part of the next."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:n_lines]) + lines[n_lines][:7])


def n_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def test_wherever_the_process_dies_the_run_ends_with_the_same_events(
    runtime: EmbeddedRuntime, path: Path
) -> None:
    whole = two_teams.on(hog.record(runtime, path)).run()
    assert "A:one two six" in whole.value
    for n in range(1, n_lines(path)):
        cut(path, n)
        again = two_teams.on(hog.record(runtime, path)).run()
        assert again.value == whole.value
        assert [*map(without_time, again.events)] == [*map(without_time, whole.events)]
        assert read_trace(path).is_finished


def test_a_run_that_was_cut_off_many_times_still_ends_the_same(
    runtime: EmbeddedRuntime, path: Path
) -> None:
    value = two_teams.on(hog.record(runtime, path)).run().value
    for n in (2, 5, 9, 14, 20):
        cut(path, n)
        assert two_teams.on(hog.record(runtime, path)).run().value == value


def test_a_resumed_run_has_the_time_that_it_had_left(runtime: EmbeddedRuntime, path: Path) -> None:
    two_teams.on(hog.record(runtime, path)).run()
    cut(path, 8)
    before = read_trace(path).lines[-1]
    assert isinstance(before, StepLine)
    two_teams.on(hog.record(runtime, path)).run()
    after = read_trace(path).lines[8 - 1]
    assert isinstance(after, StepLine)
    assert 0 <= after.at_s - before.at_s < 60


def test_a_finished_trace_is_not_written_over(runtime: EmbeddedRuntime, path: Path) -> None:
    two_teams.on(hog.record(runtime, path)).run()
    content = path.read_bytes()
    with pytest.raises(
        hog.TraceError, match=r"of a run that is over\. Play it with `hogdsl replay`"
    ):
        two_teams.on(hog.record(runtime, path)).run()
    assert path.read_bytes() == content


def test_a_file_with_something_else_is_not_written_over(
    runtime: EmbeddedRuntime, path: Path
) -> None:
    path.write_text("my novel\n")
    with pytest.raises(hog.TraceError, match="a trace begins with a line of the kind"):
        two_teams.on(hog.record(runtime, path)).run()
    assert path.read_text() == "my novel\n"


def test_another_program_is_told_where_it_differs(runtime: EmbeddedRuntime, path: Path) -> None:
    two_teams.on(hog.record(runtime, path)).run()
    cut(path, 6)
    content = path.read_bytes()

    @hog.program
    def other(s: hog.Scope) -> None:
        with s.fork("A", "C", layout=HEADER, keep=()) as team:
            for worker in team:
                worker += hog.gen(max_tokens=40)

    with pytest.raises(hog.TraceError, match=r":2: .* another region .*0.B' and is '.*0.C'"):
        other.on(hog.record(runtime, path)).run()
    assert read_trace(path).lines == read_trace(path).lines[:5]
    assert path.read_bytes().startswith(content[: content.rindex(b"\n") + 1])


def test_a_program_that_goes_another_way_later_is_told_too(
    runtime: EmbeddedRuntime, path: Path
) -> None:
    two_teams.on(hog.record(runtime, path)).run()
    cut(path, n_lines(path) - 3)

    @hog.program
    def other(s: hog.Scope) -> None:
        with s.fork("A", "B", layout=HEADER, keep=()) as team:
            for worker in team:
                worker += hog.gen(max_tokens=40)
        with s.fork("A", layout=HEADER, keep=()) as team:
            team["A"] += hog.gen(max_tokens=3)

    with pytest.raises(hog.TraceError, match="the program runs another region"):
        other.on(hog.record(runtime, path)).run()


def test_another_seed_is_refused(runtime: EmbeddedRuntime, path: Path) -> None:
    two_teams.on(hog.record(runtime, path), seed=1).run()
    cut(path, 6)
    with pytest.raises(hog.TraceError, match=":1: the recorded run has seed 1, and this one 2"):
        two_teams.on(hog.record(runtime, path), seed=2).run()


def test_another_tenant_is_refused(runtime: EmbeddedRuntime, path: Path) -> None:
    two_teams.on(hog.record(runtime, path), tenant="ada").run()
    cut(path, 6)
    with pytest.raises(hog.TraceError, match=":1: the recorded run has tenant 'ada', and this"):
        two_teams.on(hog.record(runtime, path), tenant="bob").run()


def test_another_model_is_refused(runtime: EmbeddedRuntime, path: Path, tmp_path: Path) -> None:
    two_teams.on(hog.record(runtime, path)).run()
    cut(path, 6)
    other = EmbeddedRuntime(LetterMachine(model, folder=checkpoint(tmp_path, "2")))
    files = hashlib.sha256(b"2").hexdigest()
    named = hashlib.sha256(f"model.safetensors {files}\n".encode()).hexdigest()
    with pytest.raises(hog.TraceError, match=f"config or weights have .* have {named[:12]}"):
        two_teams.on(hog.record(other, path)).run()
    other.close()


def test_one_file_is_for_one_run(runtime: EmbeddedRuntime, path: Path) -> None:
    recording = hog.record(runtime, path)
    two_teams.on(recording).run()
    with pytest.raises(hog.TraceError, match="a trace holds one run"):
        two_teams.on(recording).run()


def test_two_runs_are_not_recorded_to_one_file_at_the_same_time(
    runtime: EmbeddedRuntime, path: Path
) -> None:
    first = hog.record(runtime, path).open()
    with pytest.raises(hog.TraceError, match="another run is being recorded to it"):
        hog.record(runtime, path).open()
    first.close()
    assert read_trace(path).is_finished


def test_only_runs_of_this_process_are_recorded(path: Path) -> None:
    from hogdsl.testing import script as scripted

    with pytest.raises(hog.TraceError, match="traces are of runs in this process"):
        hog.record(scripted({}), path)


def test_a_full_disk_is_said_before_the_run_begins(runtime: EmbeddedRuntime) -> None:
    with pytest.raises(hog.CapacityError, match="the trace /dev/full cannot be written: No space"):
        two_teams.on(hog.record(runtime, "/dev/full")).run()


def test_a_disk_that_fills_up_ends_the_run_and_says_so(
    runtime: EmbeddedRuntime, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Recorder.begin

    def fill_up(self: Recorder, header: Header) -> None:
        begin(self, header)
        self._file.close()
        self._file = FileIO("/dev/full", "ab")

    monkeypatch.setattr(Recorder, "begin", fill_up)
    with pytest.raises(hog.CapacityError, match=r"run.trace cannot be written: No space"):
        two_teams.on(hog.record(runtime, path)).run()


# ---------------------------------------------------------------- callbacks, tools, channels


def test_a_callback_is_not_called_for_what_it_has_answered(
    runtime: EmbeddedRuntime, path: Path
) -> None:
    called: list[str] = []

    @hog.program
    def noted(s: hog.Scope) -> str:
        with s.fork("A", "B", layout=HEADER, keep=()) as team:
            for worker in team:
                worker += hog.gen(max_tokens=40)

            @team["A"].on(r"two|six")
            def note(live: hog.Live, match: hog.Match) -> str:
                called.append(match.text)
                return f"<{len(match.text)}>"

        return team["A"].text

    whole = noted.on(hog.record(runtime, path)).run()
    assert called == ["two", "six"]
    told = [i for i, line in enumerate(read_trace(path).lines) if isinstance(line, ToldLine)]
    cut(path, told[1] + 3)  # behind the release of the first notice
    called.clear()
    again = noted.on(hog.record(runtime, path)).run()
    assert called == ["six"]
    assert again.value == whole.value


@hog.program
def listening(s: hog.Scope, mic: hog.Channel) -> str:
    with s.concurrent() as now:
        now.listen("mic", mic)
        with now.say("talk") as talk:
            talk += "talk:" + hog.gen(max_tokens=40)
        talk.sees()
    return now["mic"] + "|" + now["talk"]


def spoken(*texts: str) -> hog.Channel:
    mic = hog.Channel()
    for step, text in enumerate(texts):
        mic.send(text, at_step=2 * step)
    mic.close(at_step=2 * len(texts))
    return mic


def test_the_same_input_is_heard_once(runtime: EmbeddedRuntime, path: Path) -> None:
    whole = listening.on(hog.record(runtime, path)).run(spoken("x", "y", "z"))
    heard = [e.text for e in whole.events if isinstance(e, Heard)]
    assert heard == ["x", "y", "z"]
    for n in (4, 7, 9, 11):
        cut(path, n)
        again = listening.on(hog.record(runtime, path)).run(spoken("x", "y", "z"))
        assert again.value == whole.value
        assert [e.text for e in again.events if isinstance(e, Heard)] == heard


def test_other_input_is_refused(runtime: EmbeddedRuntime, path: Path) -> None:
    listening.on(hog.record(runtime, path)).run(spoken("x", "y", "z"))
    cut(path, 11)
    with pytest.raises(hog.TraceError, match="the trace has 'x', and now comes 'not x'"):
        listening.on(hog.record(runtime, path)).run(spoken("not x"))


def test_input_that_does_not_come_again_is_not_waited_for_for_ever() -> None:
    line = ToldLine(at_s=1.0, command=Hear(stream="mic", text="x"))
    echo = Echo([line], began_s=1.0, patience_s=0.01)
    with pytest.raises(hog.TraceError, match="did not say it again within"):
        echo.passes(Heard(seq=1, step=1, stream="mic", text="x", final=True))


def test_what_comes_behind_the_recorded_input_is_new() -> None:
    line = ToldLine(at_s=1.0, command=Hear(stream="mic", text="x"))
    echo = Echo([line])
    assert not echo.is_new(Hear(stream="mic", text="x"))
    assert echo.is_new(Hear(stream="mic", text="y"))
    assert echo.is_new(CloseInput(stream="mic"))


def test_regions_of_a_trace_are_those_of_the_program(runtime: EmbeddedRuntime, path: Path) -> None:
    two_teams.on(hog.record(runtime, path)).run()
    regions = [line.region for line in read_trace(path).lines if isinstance(line, RegionLine)]
    assert tuple(regions[:1]) == two_teams.compile().regions[:1]
    assert len(regions) == 2


def test_a_run_that_nobody_watches_is_written_while_it_goes_on(
    runtime: EmbeddedRuntime, path: Path
) -> None:
    """The reader has nothing to do with it."""
    stood: list[int] = []
    makes = LetterMachine.run

    def looks(machine: LetterMachine, rows: Sequence[RowWork]) -> list[Result]:
        stood.append(n_lines(path))
        return makes(machine, rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LetterMachine, "run", looks)
        two_teams.on(hog.record(runtime, path))()
    assert stood == sorted(set(stood)), "each step is written before the next one is made"
