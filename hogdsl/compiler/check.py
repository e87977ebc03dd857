"""All checks of a region, in the order in which their messages help most."""

from collections.abc import Mapping

from hogdsl.compiler.budgets import check_budgets
from hogdsl.compiler.constraints import check_constraints
from hogdsl.compiler.flatten import flatten
from hogdsl.compiler.ir import RegionIR
from hogdsl.compiler.names import check_names
from hogdsl.compiler.nodes import Place
from hogdsl.compiler.rules import check_rules
from hogdsl.compiler.termination import check_termination
from hogdsl.compiler.views import check_views
from hogdsl.compiler.waits import check_waits
from hogdsl.compiler.writers import check_writers


def check(region: RegionIR, taken: Mapping[str, Place], context_length: int | None = None) -> None:
    """Check a region before it is lowered.

    Args:
        region: what was declared.
        taken: names of the scope's values that have not been read, with their places.
        context_length: how many tokens a view may hold, if that is known.

    Raises:
        ProgramError: it breaks a rule of the language; the message has the place and the mend.
    """
    flat = flatten(region)
    check_writers(flat)
    check_names(region, taken)
    check_views(flat)
    check_rules(flat)
    check_waits(flat)
    check_termination(flat)
    check_constraints(flat)
    if context_length is not None:
        check_budgets(flat, context_length)
