"""Every command and every block of code in docs/traces.md does what the page says."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hogdsl.terminal import cli
from tests.docs.pages import DOCS, Block, blocks, namespace, run

PAGE = DOCS / "traces.md"


def test_the_page_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "programs").symlink_to(DOCS.parent / "programs")
    monkeypatch.chdir(tmp_path)
    names = namespace({})
    page = blocks(PAGE)
    for block, after in zip(page, [*page[1:], None], strict=True):
        if block.language == "console":
            check_console(block)
        elif block.language == "python":
            expected = after.code if after is not None and after.language == "text" else ""
            assert run(block, PAGE, names) == expected


def check_console(block: Block) -> None:
    """Commands begin with `$`; below stands what they print, with `…` for anything."""
    for told in re.split(r"^\$ ", block.code, flags=re.MULTILINE)[1:]:
        command, _, expected = told.partition("\n")
        result = CliRunner().invoke(cli.app, shlex.split(command)[1:])
        assert result.exit_code == 0, result.output
        pattern = re.escape(expected).replace("…", ".*?")
        assert re.fullmatch(pattern, result.stdout, flags=re.DOTALL), result.stdout


def test_every_block_of_the_page_is_run_or_is_what_is_printed() -> None:
    assert {block.language for block in blocks(PAGE)} == {"console", "python", "text"}
