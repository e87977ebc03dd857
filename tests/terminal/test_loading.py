"""A program file is found, imported, and one program chosen from it."""

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from hogdsl.errors import ProgramError
from hogdsl.terminal.failures import UsageError
from hogdsl.terminal.loading import load

TWO = """
    import hogdsl as hog

    @hog.program
    def first(s: hog.Scope) -> None: ...

    @hog.program
    def second(s: hog.Scope) -> None: ...
"""


def saved(folder: Path, source: str, name: str = "file.py") -> Path:
    path = folder / name
    path.write_text(dedent(source), encoding="utf-8")
    return path


def test_the_only_program_of_a_file_is_taken(tmp_path):
    source = "import hogdsl as hog\n\n@hog.program\ndef only(s: hog.Scope) -> None: ...\n"
    assert load(saved(tmp_path, source)).name == "only"


def test_of_several_programs_one_is_taken_by_name(tmp_path):
    assert load(saved(tmp_path, TWO), "first").name == "first"


def test_of_several_programs_the_one_called_as_the_file_is_taken(tmp_path):
    assert load(saved(tmp_path, TWO, "second.py")).name == "second"


def test_several_programs_and_no_name_are_listed(tmp_path):
    with pytest.raises(UsageError, match="several programs; choose one with --program: first, sec"):
        load(saved(tmp_path, TWO))


def test_an_unknown_program_is_refused_with_those_that_there_are(tmp_path):
    with pytest.raises(UsageError, match="no program 'third'; it has: first, second"):
        load(saved(tmp_path, TWO), "third")


def test_a_file_without_a_program_is_refused(tmp_path):
    with pytest.raises(UsageError, match="has no program; put @hog"):
        load(saved(tmp_path, "x = 1\n"))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="there is no file"):
        load(tmp_path / "none.py")


def test_a_file_that_is_not_python_by_name_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"should end in \.py"):
        load(saved(tmp_path, TWO, "file.txt"))


def test_a_syntax_error_is_the_authors_with_file_and_line(tmp_path):
    path = saved(tmp_path, "x = 1\ndef broken(:\n")
    with pytest.raises(ProgramError, match="not Python: ") as caught:
        load(path)
    assert (caught.value.file, caught.value.line) == (str(path), 2)


def test_programs_that_a_file_imports_are_not_its_own(tmp_path):
    saved(tmp_path, TWO, "parts.py")
    path = saved(
        tmp_path,
        """
        import hogdsl as hog
        from parts import first

        @hog.program
        def whole(s: hog.Scope) -> None: ...
        """,
    )
    assert load(path).name == "whole"


def test_a_file_may_be_called_as_a_module_of_python(tmp_path):
    import json

    source = "import hogdsl as hog\n\n@hog.program\ndef only(s: hog.Scope) -> None: ...\n"
    assert load(saved(tmp_path, source, "json.py")).name == "only"
    assert sys.modules["json"] is json
