"""`hogdsl run --record` and `hogdsl replay`, and a process that is killed between them."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hogdsl.terminal import cli
from runtime.traces.reading import read_trace

ROOT = Path(__file__).parent.parent.parent
PROGRAM = ROOT / "programs" / "solve_together.py"
PROBLEM = "problem=a:17+25 b:38+41 c:9+66"
SOLVED = "a:17+25=42\nb:38+41=79\nc:9+66=75"

DYING = """
import os, signal, sys
from hogdsl.terminal.cli import main
from runtime.traces.recorder import Recorder

write, n_written, n_most = Recorder._put, 0, int(sys.argv.pop(1))

def write_and_die(self, line):
    global n_written
    write(self, line)
    n_written += 1
    if n_written == n_most:
        os.kill(os.getpid(), signal.SIGKILL)

Recorder._put = write_and_die
main()
"""


def hogdsl(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def run_recorded(path: Path) -> Result:
    result = hogdsl("run", PROGRAM, "--set", PROBLEM, "--device", "cpu", "--record", path)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trace of a finished run."""
    path = tmp_path_factory.mktemp("recorded") / "sums.trace"
    assert f"result:\n{SOLVED}" in run_recorded(path).stdout
    return path


def same(path: Path) -> str:
    """What a replay says at its end."""
    steps = [line for line in read_trace(path).lines if line.kind == "step"]
    n_tokens = sum(isinstance(result, int) for step in steps for _, result in step.results)
    return f"the same: {len(steps)} steps, {n_tokens} tokens"


def test_a_trace_names_the_program_and_its_arguments(path: Path) -> None:
    call = read_trace(path).header.program
    assert call is not None
    assert (call.name, call.file) == ("solve_together", str(PROGRAM.resolve()))
    assert call.settings == {"problem": PROBLEM.removeprefix("problem=")}


def test_a_replay_shows_the_run_and_how_much_was_the_same(path: Path) -> None:
    result = hogdsl("replay", path, "--device", "cpu")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert "Alice | Alice: a:17+25=42" in lines
    assert lines[-1] == same(path)


def test_a_replay_with_events_prints_json_lines_only(path: Path) -> None:
    result = hogdsl("replay", path, "--device", "cpu", "--events")
    kinds = [json.loads(line)["kind"] for line in result.stdout.splitlines()]
    assert kinds[0] == "region_started"
    assert kinds[-1] == "joined"
    assert result.stderr.splitlines()[-1] == same(path)


def test_a_fork_runs_the_program_to_its_end(path: Path) -> None:
    result = hogdsl("replay", path, "--device", "cpu", "--fork-at", "Alice:0", "--edit", "c:9+66")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert "Alice | Alice: c:9+66=75" in lines
    assert "c:9+66=75" in lines[lines.index("result:") :]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--fork-at", "Alice:3"), "--fork-at and --edit go together"),
        (("--fork-at", "Alice", "--edit", "x"), "--fork-at wants STREAM:N"),
    ],
)
def test_a_fork_that_is_not_fully_said_is_misuse(
    path: Path, options: tuple[str, ...], said: str
) -> None:
    result = hogdsl("replay", path, *options)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_damaged_trace_is_refused_before_a_model_is_loaded(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hogdsl.terminal.running.local", lambda *a, **k: pytest.fail("loaded"))
    lines = path.read_bytes().splitlines(keepends=True)
    damaged = tmp_path / "damaged"
    damaged.write_bytes(b"".join([*lines[:4], *lines[5:]]))
    result = hogdsl("replay", damaged)
    assert result.exit_code == 1
    assert f"error: TraceError: {damaged}:5: damaged" in result.stderr.replace("\n", "")


def test_a_finished_trace_is_not_recorded_over(path: Path) -> None:
    content = path.read_bytes()
    result = hogdsl("run", PROGRAM, "--set", PROBLEM, "--device", "cpu", "--record", path)
    assert result.exit_code == 1
    assert "of a run that is over. Play it with `hogdsl replay`" in result.stderr
    assert path.read_bytes() == content


@pytest.mark.slow
def test_a_run_whose_process_was_killed_goes_on_to_the_same_result(
    path: Path, tmp_path: Path
) -> None:
    record = tmp_path / "killed.trace"
    arguments = ["run", PROGRAM, "--set", PROBLEM, "--device", "cpu", "--record", record]
    killed = subprocess.run(
        [sys.executable, "-c", DYING, "12", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=600,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert record.read_bytes().count(b"\n") == 12
    cut_off = hogdsl("replay", record, "--device", "cpu")
    assert "there the trace ends: its run was cut off" in cut_off.stdout
    assert f"result:\n{SOLVED}" in run_recorded(record).stdout
    resumed, whole = read_trace(record), read_trace(path)
    assert [line.model_dump(exclude={"at_s"}) for line in resumed.lines] == [
        line.model_dump(exclude={"at_s"}) for line in whole.lines
    ]
