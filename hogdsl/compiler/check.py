"""All checks of a region, in the order in which their messages help most."""

from collections.abc import Mapping

from hogdsl.compiler.ir import RegionIR
from hogdsl.compiler.names import check_names
from hogdsl.compiler.nodes import Place
from hogdsl.compiler.termination import check_termination
from hogdsl.compiler.views import check_views
from hogdsl.compiler.waits import check_waits
from hogdsl.compiler.writers import check_writers


def check(region: RegionIR, taken: Mapping[str, Place]) -> None:
    """Check a region before it is lowered.

    Args:
        region: what was declared.
        taken: names of the scope's values so far, with their places.

    Raises:
        ProgramError: it breaks a rule of the language; the message has the place and the mend.
    """
    check_writers(region)
    check_names(region, taken)
    check_views(region)
    check_waits(region)
    check_termination(region)
