"""Errors, sorted by who caused them.

    HogError
    ├── ProgramError    the author of a program; begins with `file:line`
    ├── PlanError       whoever sent a plan that no compiler of ours would make
    ├── ModelError      a checkpoint that is not one, or that cannot be run faithfully
    ├── EngineError     a caller of the low-level engine who broke its contract
    ├── CapacityError   nobody: no room now or ever; the message says which
    ├── RunCancelled    whoever cancelled, or a deadline
    ├── ServerError     a server that is not there, is none of ours, or went away
    ├── TraceError      a trace that is damaged, of another model or program, or repeats otherwise
    └── InternalError   us; please report it

Every message says the rule, what was found, where, and what to do.
"""

import unicodedata


class HogError(Exception):
    """The root of all errors of this project."""


class ProgramError(HogError):
    """A program breaks a rule of the language.

    As text it is the place and the rule, then the program's own line with the place marked:

        programs/pair.py:14: the team has no worker 'bob'. There is 'alice'. Fork it first.
            team["bob"] += hog.gen()
            ^^^^^^^^^^^

    Attributes:
        rule: what was broken and how to mend it, without the place.
        code: short name of the rule; `docs/errors.md` has a section for each.
        file: path of the program's source, or None if it has none.
        line: line number in `file`, counted from 1.
        columns: the first column of what is meant in that line, counted from 0, and the one
            after the last.
    """

    def __init__(
        self,
        rule: str,
        *,
        code: str = "",
        file: str | None = None,
        line: int | None = None,
        columns: tuple[int, int] | None = None,
        source: str | None = None,
    ) -> None:
        self.rule, self.code = rule, code
        self.file, self.line, self.columns = file, line, columns
        place = f"{file}:{line}: " if file is not None else ""
        super().__init__(place + rule + _marked(source, columns))


def _marked(source: str | None, columns: tuple[int, int] | None) -> str:
    """The program's line with a row of carets below, indented by four spaces.

    Tabs inside of the line and characters that are wider or narrower than one column keep the
    carets below what they mark.
    """
    if source is None or not source.strip():
        return ""
    indent = len(source) - len(source.lstrip())
    shown = f"\n    {source.strip()}"
    if columns is None:
        return shown
    start, end = max(columns[0], indent), min(columns[1], len(source.rstrip()))
    before = "".join("\t" if char == "\t" else " " * _width(char) for char in source[indent:start])
    return f"{shown}\n    {before}{'^' * max(1, sum(map(_width, source[start:end])))}"


def _width(char: str) -> int:
    """Columns that a terminal gives to a character."""
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


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


class ServerError(HogError):
    """There is no server of ours that speaks our version, or it went away; names its address."""


class TraceError(HogError):
    """A trace cannot be used, or what happens now is not what it says; with file and line."""


class InternalError(HogError):
    """A fault of ours. Please report it with the message and the plan."""
