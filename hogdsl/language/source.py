"""Where in the user's program we are."""

import os
from inspect import currentframe
from pathlib import Path

from hogdsl.compiler.nodes import Place

_PACKAGE = str(Path(__file__).parent.parent) + os.sep


def here() -> Place:
    """The line of the user's program that is being run: the innermost outside of this package."""
    frame = currentframe()
    assert frame is not None, "CPython has frames"
    while frame.f_code.co_filename.startswith(_PACKAGE) and frame.f_back is not None:
        frame = frame.f_back
    return place_of(frame.f_code.co_filename, frame.f_lineno)


def place_of(filename: str, line: int) -> Place:
    """A place to show: the path is relative if it lies in the working directory."""
    path = Path(filename)
    cwd = Path.cwd()
    if path.is_relative_to(cwd):
        return Place(path.relative_to(cwd).as_posix(), line)
    return Place(filename, line)
