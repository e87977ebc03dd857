"""Places in a program: the line, and the carets below what is meant."""

from inspect import currentframe
from pathlib import Path

import pytest

from hogdsl.compiler.nodes import Place
from hogdsl.errors import ProgramError


def wrong(*what: object) -> str:
    """The error at the place where this is called, as text without file and line."""
    frame = currentframe()
    assert frame is not None
    assert frame.f_back is not None
    caller = frame.f_back
    place = Place(caller.f_code.co_filename, caller.f_lineno, caller.f_code, caller.f_lasti)
    return str(place.error("no.", code="no")).partition(": ")[2]


def marks(source: str, tmp_path: Path) -> str:
    """What is said of the call `wrong(...)` in a module, whose other names mean nothing."""
    file = tmp_path / "program.py"
    file.write_text(source, encoding="utf-8")
    scope = {"wrong": wrong, "found": []}
    exec(compile(source, str(file), "exec"), scope)
    (found,) = scope["found"]
    return found


def test_the_expression_is_marked_in_its_line(tmp_path: Path):
    assert marks("found.append(wrong(1, 2))  # so\n", tmp_path) == (
        "no.\n    found.append(wrong(1, 2))  # so\n                 ^^^^^^^^^^^"
    )


def test_indentation_is_left_out(tmp_path: Path):
    source = "if True:\n\tif True:\n\t    found.append(wrong())\n"
    assert marks(source, tmp_path) == "no.\n    found.append(wrong())\n                 ^^^^^^^"


def test_a_call_over_several_lines_is_marked_in_its_first(tmp_path: Path):
    source = "found.append(\n    wrong(\n        1,\n    )\n)\n"
    assert marks(source, tmp_path) == "no.\n    wrong(\n    ^^^^^^"


def test_carets_stand_below_wide_and_combined_characters(tmp_path: Path):
    source = "name, said = '道é', found.append(wrong('e\u0301'))\n"
    assert marks(source, tmp_path) == (
        "no.\n    name, said = '道é', found.append(wrong('e\u0301'))\n"
        "                                     ^^^^^^^^^^"
    )


def test_tabs_within_a_line_move_the_carets_as_they_move_the_text(tmp_path: Path):
    assert marks("x =\t1;\tfound.append(wrong())\n", tmp_path) == (
        "no.\n    x =\t1;\tfound.append(wrong())\n       \t  \t             ^^^^^^^"
    )


def test_code_without_a_source_has_no_marks():
    scope = {"wrong": wrong}
    exec(compile("found = wrong()", "<stdin>", "exec"), scope)
    assert scope["found"] == "no."


def test_a_place_without_code_shows_its_line():
    line = currentframe().f_lineno  # pyright: ignore[reportOptionalMemberAccess]
    shown = str(Place(__file__, line).error("no."))
    assert shown.endswith(
        "no.\n    line = currentframe().f_lineno  # pyright: ignore[reportOptionalMemberAccess]"
    )


def test_a_file_that_was_edited_is_read_again(tmp_path: Path):
    file = tmp_path / "program.py"
    file.write_text("old line\n")
    assert str(Place(str(file), 1).error("no.")).endswith("\n    old line")
    file.write_text("a newer line\n")
    assert str(Place(str(file), 1).error("no.")).endswith("\n    a newer line")


def test_the_path_is_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    place = Place(str(tmp_path / "pair.py"), 3)
    assert place.file == str(tmp_path / "pair.py")
    monkeypatch.chdir(tmp_path)
    assert str(place) == "pair.py:3"


def test_an_error_says_rule_and_place_apart():
    error = Place("pair.py", 3).error("no worker. Fork it.", code="no-worker")
    assert isinstance(error, ProgramError)
    assert (error.rule, error.code) == ("no worker. Fork it.", "no-worker")
    assert (error.file, error.line, error.columns) == ("pair.py", 3, None)
    assert str(error) == "pair.py:3: no worker. Fork it."
