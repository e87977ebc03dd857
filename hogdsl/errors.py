"""Errors, sorted by who caused them.

    HogError
    ├── ProgramError    the author of a program; begins with `file:line`
    ├── PlanError       whoever sent a plan that no compiler of ours would make
    ├── ModelError      a checkpoint that is not one, or that cannot be run faithfully
    ├── EngineError     a caller of the low-level engine who broke its contract
    ├── CapacityError   nobody: no room now or ever; the message says which
    ├── RunCancelled    whoever cancelled, or a deadline
    └── InternalError   us; please report it

Every message says the rule, what was found, where, and what to do.
"""


class HogError(Exception):
    """The root of all errors of this project."""


class ProgramError(HogError):
    """A program breaks a rule of the language.

    Attributes:
        rule: what was broken and how to mend it, without the place.
        file: path of the program's source, or None if it has none.
        line: line number in `file`, counted from 1.
    """

    def __init__(self, rule: str, *, file: str | None = None, line: int | None = None) -> None:
        self.rule, self.file, self.line = rule, file, line
        place = f"{file}:{line}: " if file is not None else ""
        super().__init__(place + rule)


class PlanError(HogError):
    """A plan that cannot be run as it stands; the message names the field."""


class ModelError(HogError):
    """A checkpoint cannot be used; the message names the file or the setting."""


class EngineError(HogError):
    """The engine was called against its contract; lengths and pages are as they were."""


class CapacityError(HogError):
    """There is no room; the message has the numbers and says whether waiting would help."""


class RunCancelled(HogError):
    """A run was cancelled or ran out of time; all that it held is free again."""


class InternalError(HogError):
    """A fault of ours. Please report it with the message and the plan."""
