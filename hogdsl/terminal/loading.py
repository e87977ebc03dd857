"""A program file: found, imported, and one program chosen from it."""

import sys
from collections.abc import Iterable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from hogdsl.errors import ProgramError
from hogdsl.language.program import Program
from hogdsl.terminal.failures import UsageError

AnyProgram = Program[..., Any]
"""A program of arguments and a result that only its file knows."""


def load(file: Path, name: str | None = None) -> AnyProgram:
    """The program in a file.

    Args:
        file: a Python file with one or more `@hog.program` functions.
        name: which one; by default the only one, or the one that is called as the file is.

    Raises:
        UsageError: there is no such file or program, or several and none was named.
        ProgramError: the file is not Python, or a program in it breaks a rule.
    """
    return choose(_programs(_import(file)), file, name)


def choose(programs: Iterable[AnyProgram], file: Path, name: str | None) -> AnyProgram:
    """One of the programs of a file; see `load`."""
    by_name = {program.name: program for program in programs}
    if not by_name:
        raise UsageError(f"{file} has no program; put @hog.program on a function in it")
    listed = ", ".join(by_name)
    if name is not None:
        if name not in by_name:
            raise UsageError(f"{file} has no program {name!r}; it has: {listed}")
        return by_name[name]
    if len(by_name) == 1:
        return next(iter(by_name.values()))
    if file.stem in by_name:
        return by_name[file.stem]
    raise UsageError(f"{file} has several programs; choose one with --program: {listed}")


def _import(file: Path) -> ModuleType:
    """Run the file as a module, its folder first on the path as `python FILE` has it."""
    if not file.is_file():
        raise UsageError(f"there is no file {file}")
    # A name of its own, so that a program called json.py does not stand in for the real one.
    name = f"hogdsl_program_{file.stem}"
    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise UsageError(f"{file} is no Python file; its name should end in .py")
    module = module_from_spec(spec)
    sys.path.insert(0, str(file.resolve().parent))
    sys.modules[name] = module  # annotations are looked up there
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        if error.filename is None or Path(error.filename) != file:
            raise  # in a module that the file imports: Python's own message says where
        raise ProgramError(f"not Python: {error.msg}", file=str(file), line=error.lineno) from None
    return module


def _programs(module: ModuleType) -> list[AnyProgram]:
    """Those defined in the module, in order; not those that it imports."""
    values: Iterable[Any] = vars(module).values()
    return [
        value
        for value in values
        if isinstance(value, Program) and value.__module__ == module.__name__
    ]
