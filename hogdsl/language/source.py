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
    return Place(frame.f_code.co_filename, frame.f_lineno, frame.f_code, frame.f_lasti)
