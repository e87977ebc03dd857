"""What the compiler says about a faulty program."""

import inspect
from pathlib import Path
from typing import Any

import pytest

import hogdsl as hog


def fault_of(program: hog.Program[Any, Any]) -> str:
    """The message, which must point at the line that is marked `# here`; its place is left out."""
    with pytest.raises(hog.ProgramError) as caught:
        program.compile()
    error = caught.value
    lines, first = inspect.getsourcelines(inspect.unwrap(program))
    marked = [first + i for i, line in enumerate(lines) if "# here" in line]
    assert marked == [error.line]
    assert error.file is not None
    assert error.file.startswith("tests/")
    assert Path(error.file).exists()
    assert str(error) == f"{error.file}:{error.line}: {error.rule}"
    return error.rule
