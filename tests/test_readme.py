"""What the README shows can be typed and works."""

import re
import sys
from pathlib import Path

import pytest

from hogdsl.terminal.loading import AnyProgram, load

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture
def share_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AnyProgram:
    """The program on the first screen."""
    monkeypatch.setattr(sys, "path", list(sys.path))  # loading adds the file's folder
    file = tmp_path / "share_out.py"
    file.write_text(blocks("python")[0], encoding="utf-8")
    return load(file)


def test_the_program_on_the_first_screen_is_short_and_compiles(share_out):
    assert len(blocks("python")[0].splitlines()) <= 20
    plan = share_out.compile("a:17+25 b:38+41")
    assert [stream.name for stream in plan.regions[1].streams] == ["Alice", "Bob"]


def test_the_test_of_a_program_passes(share_out):
    scripted = blocks("python")[-1]
    assert "assert share_out.on(runtime)" in scripted
    exec(scripted, {"share_out": share_out})


def test_the_two_commands_are_targets_of_the_makefile():
    makefile = (Path(__file__).parent.parent / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", blocks("sh")[0], flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)
