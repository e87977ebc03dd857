"""The commands, from the command line to what is printed and the exit code."""

import json
from pathlib import Path
from textwrap import dedent

import pytest
from typer.testing import CliRunner, Result

from hogdsl.errors import CapacityError, ModelError
from hogdsl.terminal import cli, running
from hogdsl.terminal.doctor import Finding
from tests.terminal.scripted import RecordedScript

PROGRAM = """
    import hogdsl as hog

    @hog.program
    def answer(s: hog.Scope, question: str, times: int = 1) -> str:
        s += question * times + " "
        s += hog.gen("reply", max_tokens=8)
        return s["reply"]
"""


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> RecordedScript:
    """What `hogdsl run` gets instead of the embedded runtime."""
    scripted = RecordedScript()
    monkeypatch.setattr(running, "local", lambda *args, **settings: scripted)
    return scripted


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return saved(tmp_path, PROGRAM)


def saved(folder: Path, source: str) -> Path:
    path = folder / "answer.py"
    path.write_text(dedent(source), encoding="utf-8")
    return path


def hogdsl(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def test_run_prints_the_lines_of_the_streams_and_the_result(file, runtime):
    result = hogdsl("run", file, "--set", "question=6*7?")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "main | 6*7? forty - two"
    assert lines[-2] == "result: forty - two"
    assert lines[-1].startswith("4 steps · 4 tokens written")


def test_run_hands_on_the_arguments_seed_and_budget(file, runtime):
    result = hogdsl(
        "run", file, "--set", "question=q", "--set", "times=2", "--seed", 7, "--max-tokens", 5
    )
    assert result.exit_code == 0
    assert "main | qq forty - two" in result.stdout
    assert runtime.opened == [(7, 5)]


def test_run_frees_the_session_and_the_runtime(file, runtime):
    hogdsl("run", file, "--set", "question=q")
    assert len(runtime.opened) == 1
    assert runtime.freed


def test_run_with_events_prints_json_lines_only(file, runtime):
    result = hogdsl("run", file, "--set", "question=q", "--events")
    kinds = [json.loads(line)["kind"] for line in result.stdout.splitlines()]
    assert kinds[0] == "region_started"
    assert kinds[-1] == "joined"
    assert kinds.count("token") == 4  # the last one is the end token


def test_the_model_and_its_place_are_handed_to_the_runtime(file, runtime, monkeypatch):
    asked: list[object] = []

    def local(*args: object, **settings: object) -> RecordedScript:
        asked.extend([args, settings])
        return runtime

    monkeypatch.setattr(running, "local", local)
    where = ("--model", "m", "--device", "cpu", "--dtype", "f", "--weights", "w")
    hogdsl("run", file, "--set", "question=q", *where)
    assert asked == [("m",), {"device": "cpu", "dtype": "f", "weights": "w"}]


def test_a_run_that_takes_longer_than_it_may_is_cancelled(file, runtime):
    result = hogdsl("run", file, "--set", "question=q", "--max-seconds", 1e9)
    assert result.exit_code == 0
    assert runtime.max_seconds == [1e9]


def test_run_hands_on_whose_run_it_is(file, runtime):
    assert hogdsl("run", file, "--set", "question=q", "--tenant", "ada").exit_code == 0
    assert runtime.tenants == ["ada"]


def test_explain_checks_budgets_against_a_context(tmp_path):
    file = saved(
        tmp_path,
        """
        import hogdsl as hog

        @hog.program
        def long(s: hog.Scope) -> None:
            s += "So: " + hog.gen(max_tokens=4096)
        """,
    )
    assert hogdsl("explain", file).exit_code == 0
    result = hogdsl("explain", file, "--context", 2048)
    assert result.exit_code == 2
    assert "4096" in result.stderr
    assert "2048" in result.stderr


def test_a_missing_file_is_said_in_one_line(tmp_path, runtime):
    result = hogdsl("run", tmp_path / "none.py")
    assert result.exit_code == 2
    assert result.stderr == f"error: there is no file {tmp_path / 'none.py'}\n"
    assert result.stdout == ""


def test_a_missing_argument_is_said_before_a_model_is_loaded(file, monkeypatch):
    def local(*args: object, **settings: object) -> RecordedScript:
        pytest.fail("a model was loaded")

    monkeypatch.setattr(running, "local", local)
    result = hogdsl("run", file)
    assert result.exit_code == 2
    assert "--set question=... is missing: answer(question: str, times: int = 1)" in result.stderr


def test_a_broken_rule_is_said_with_file_line_and_source_and_no_traceback(tmp_path, runtime):
    file = saved(
        tmp_path,
        """
        import hogdsl as hog

        @hog.program
        def early(s: hog.Scope) -> str:
            return s["reply"]
        """,
    )
    result = hogdsl("run", file)
    assert result.exit_code == 2
    first, second, third = result.stderr.splitlines()
    assert first.startswith(f"error: {file}:6: ")
    assert second == '    return s["reply"]'
    assert third == "           ^^^^^^^^^^"


def test_an_exception_of_the_program_has_a_traceback_from_the_program_on(tmp_path, runtime):
    file = saved(
        tmp_path,
        """
        import hogdsl as hog

        @hog.program
        def divided(s: hog.Scope) -> float:
            return 1 / 0
        """,
    )
    result = hogdsl("run", file)
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == f'  File "{file}", line 6, in divided'
    assert lines[-1] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize("error", [CapacityError("no room: 3 pages"), ModelError("no [folder] x")])
def test_a_refusal_is_one_line_with_its_kind(file, monkeypatch, error):
    def local(*args: object, **settings: object) -> RecordedScript:
        raise error

    monkeypatch.setattr(running, "local", local)
    result = hogdsl("run", file, "--set", "question=q")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == f"error: {type(error).__name__}: {error}"
    assert "Traceback" not in result.stderr


def test_a_missing_package_is_said_with_how_to_get_it(file, monkeypatch):
    def local(*args: object, **settings: object) -> RecordedScript:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(running, "local", local)
    result = hogdsl("run", file, "--set", "question=q")
    assert result.exit_code == 1
    assert "error: running programs needs the package 'torch'" in result.stderr
    assert "pip install 'hogdsl[runtime]'" in result.stderr


def test_a_module_of_ours_that_is_not_found_is_no_missing_package(file, monkeypatch):
    def local(*args: object, **settings: object) -> RecordedScript:
        raise ModuleNotFoundError("No module named 'runtime.x'", name="runtime.x")

    monkeypatch.setattr(running, "local", local)
    result = hogdsl("run", file, "--set", "question=q")
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert "pip install" not in result.stderr


def test_ctrl_c_stops_the_run_frees_everything_and_exits_as_shells_expect(
    file, runtime, monkeypatch
):
    def interrupted(self: object, event: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hogdsl.terminal.views.PlainView.show", interrupted)
    result = hogdsl("run", file, "--set", "question=q")
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == "stopped"
    assert len(runtime.opened) == 1
    assert runtime.freed


def test_explain_prints_the_plan_without_a_model_and_needs_no_texts(file, monkeypatch):
    def local(*args: object, **settings: object) -> RecordedScript:
        pytest.fail("a model was loaded")

    monkeypatch.setattr(running, "local", local)
    result = hogdsl("explain", file)
    assert result.exit_code == 0
    assert "{question}" in result.stdout


def test_explain_asks_for_an_argument_that_the_program_looks_into(tmp_path):
    file = saved(
        tmp_path,
        """
        import hogdsl as hog

        @hog.program
        def counted(s: hog.Scope, number: str) -> None:
            s += "x" * int(number)
        """,
    )
    result = hogdsl("explain", file)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: the program needs a real value to be explained: --set")
    assert "number=..." in result.stderr
    assert hogdsl("explain", file, "--set", "number=3").exit_code == 0


def test_doctor_fails_when_something_that_running_needs_is_missing(monkeypatch):
    findings = [
        Finding(what="python", state="ok", detail="3.11"),
        Finding(what="torch", state="missing", detail="pip install 'hogdsl[runtime]'"),
    ]
    monkeypatch.setattr("hogdsl.terminal.doctor.examine", lambda: findings)
    result = hogdsl("doctor")
    assert result.exit_code == 1
    assert "missing" in result.stdout
    assert "pip install 'hogdsl[runtime]'" in result.stdout


def test_doctor_is_content_without_what_is_only_good_to_have(monkeypatch):
    findings = [Finding(what="a tool", state="absent", detail="good to have")]
    monkeypatch.setattr("hogdsl.terminal.doctor.examine", lambda: findings)
    assert hogdsl("doctor").exit_code == 0


def test_without_a_command_the_commands_are_listed():
    result = hogdsl()
    assert all(command in result.output for command in ("run", "explain", "doctor"))
