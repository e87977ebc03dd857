"""`hogdsl serve` and `hogdsl run --on`, as processes."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import hogdsl as hog
from hogdsl.events import Stats
from hogdsl.terminal import cli
from hogdsl.terminal.lately import Lately
from hogdsl.testing import script
from runtime.server.serving import listen
from tests.server.places import Chatter, served

ROOT = Path(__file__).parent.parent.parent
PROGRAM = ROOT / "programs" / "solo.py"


def hogdsl(*arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", "from hogdsl.terminal.cli import main; main()"]
    return subprocess.Popen(
        [*command, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_server_says_where_it_is_runs_programs_and_ends_with_its_runs_at_ctrl_c() -> None:
    with hogdsl("serve", "--port", 0) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        line = server.stdout.readline()
        assert line.startswith("serving piglet on http://127.0.0.1:")
        runtime = hog.connect(line.split()[-1])
        stream = long.on(runtime).stream()
        assert next(stream).kind == "region_started"
        server.send_signal(signal.SIGINT)
        with pytest.raises(hog.RunCancelled, match="the server was stopped"):
            list(stream)
        rest, errors = server.communicate(timeout=120)
        assert (server.returncode, rest) == (0, "")
        assert "Traceback" not in errors


@hog.program
def long(s: hog.Scope) -> None:
    endless = hog.gen(max_tokens=100_000, temperature=5.0, ignore_eos=True)
    s += hog.user("a:1+2") + hog.assistant(endless)


def test_run_on_a_server_prints_what_its_runtime_gives() -> None:
    with served(script({"main": "a:1+2=3\n"})) as server:
        result = invoke("run", PROGRAM, "--on", server.url, "--set", "problem=a:1+2")
    assert result.exit_code == 0, result.output
    assert "result: a:1+2=3" in result.stdout


def test_run_on_a_server_that_is_not_there_is_one_line() -> None:
    result = invoke("run", PROGRAM, "--on", "http://127.0.0.1:9", "--set", "problem=a:1+2")
    assert result.exit_code == 1
    assert "ServerError: no server answers at http://127.0.0.1:9" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_server_has_its_own_model() -> None:
    result = invoke(
        "run", PROGRAM, "--on", "http://127.0.0.1:9", "--model", "m", "--set", "problem=a"
    )
    assert result.exit_code == 2
    assert (
        "--on names a server, which has its --model, --device, --dtype and --weights"
        in result.stderr
    )


def test_an_address_that_is_taken_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = script({})
    monkeypatch.setattr("hogdsl.terminal.running.local", lambda *args, **settings: runtime)
    with listen("127.0.0.1", 0) as taken:
        result = invoke("serve", "--port", taken.getsockname()[1])
    assert result.exit_code == 1
    assert "ServerError: cannot listen on 127.0.0.1:" in result.stderr
    assert "Give another --host or --port" in result.stderr


def test_a_server_is_asked_twice_a_second_at_most_what_it_is_doing() -> None:
    now_s, asked = 0.0, 0

    def ask() -> Stats:
        nonlocal asked
        asked += 1
        return Chatter().stats()

    stats = Lately(ask, clock=lambda: now_s)
    for now_s in (0.0, 0.1, 0.5, 0.6, 0.7, 1.1, 1.2):  # noqa: B007 -- the clock reads it
        stats()
    assert asked == 3


def invoke(*arguments: object):
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
