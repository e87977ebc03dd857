"""What the compiler says about a faulty program."""

import inspect
from pathlib import Path
from typing import Any

import pytest

import hogdsl as hog


def fault_of(program: hog.Program[Any, Any], *args: Any) -> str:
    """The message of a faulty program, without its place and the program's line.

    The message must point at the line that is marked `# here`. Where the mark goes on, as in
    `# here: team["bob"]`, the carets below that line must underline just this.
    """
    with pytest.raises(hog.ProgramError) as caught:
        program.compile(*args)
    error = caught.value
    lines, first = inspect.getsourcelines(inspect.unwrap(program))
    ((line, source),) = [(first + i, line) for i, line in enumerate(lines) if "# here" in line]
    assert error.line == line, str(error)
    assert error.code, "every rule has a name"
    assert error.file is not None
    assert error.file.startswith("tests/")
    assert Path(error.file).exists()
    head, shown, *carets = str(error).rsplit("\n", 2)
    assert head == f"{error.file}:{error.line}: {error.rule}"
    assert shown == f"    {source.strip()}"
    if carets:
        print("CARET", repr(underlined(shown, carets[0])), error.code)
    expected = source.partition("# here")[2].removeprefix(": ").strip()
    if expected:
        assert underlined(shown, *carets) == expected
    return error.rule


def underlined(shown: str, carets: str) -> str:
    """What a row of carets underlines of the line above it."""
    start = len(carets) - len(carets.lstrip())
    return shown[start : len(carets)]
