"""What a check says about a faulty region."""

from collections.abc import Callable

import pytest

from hogdsl.compiler.flatten import flatten
from hogdsl.compiler.ir import RegionIR
from hogdsl.errors import ProgramError


def stops(checked: Callable[[RegionIR], None], faulty: RegionIR) -> tuple[int | None, str]:
    """The line and the rule; the region is flat when it is checked."""
    with pytest.raises(ProgramError) as caught:
        checked(flatten(faulty))
    assert caught.value.code
    return caught.value.line, caught.value.rule
