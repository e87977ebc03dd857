"""Errors as lines and exit codes.

0    the run is done
1    it could not be done: no model, no room, a fault of ours, or the program's own exception
2    the author or the caller can mend it: a rule of the language, a wrong argument
130  stopped by Ctrl-C, as shells say it
"""

import traceback
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from hogdsl.errors import HogError, ProgramError
from hogdsl.terminal.drawing import printable

FAILED = 1
MISUSED = 2
INTERRUPTED = 130


class UsageError(Exception):
    """The command line asks for something that is not there; the message says what is."""


class MissingPackageError(Exception):
    """A package that is needed is not installed; the message says which and how to get it."""


@contextmanager
def reported(console: Console) -> Generator[None]:
    """Print an error of the body to `console` and exit with its code.

    A rule that was broken or a refusal has no traceback: the message was written for the person who
    reads it, and shows the program's line. An exception of the program itself keeps its traceback,
    from the program's frames on.
    """
    try:
        yield
    except KeyboardInterrupt:
        console.print("stopped")
        raise typer.Exit(INTERRUPTED) from None
    except ProgramError as error:
        _print_error(console, str(error))
        raise typer.Exit(MISUSED) from None
    except UsageError as error:
        _print_error(console, str(error))
        raise typer.Exit(MISUSED) from None
    except MissingPackageError as error:
        _print_error(console, str(error))
        raise typer.Exit(FAILED) from None
    except HogError as error:
        _print_error(console, f"{type(error).__name__}: {error}")
        raise typer.Exit(FAILED) from None
    except (typer.Exit, typer.Abort, BrokenPipeError):
        raise
    except Exception as error:
        _print_traceback(console, error)
        raise typer.Exit(FAILED) from None


def _print_error(console: Console, message: str) -> None:
    console.print(Text.assemble(("error: ", "bold red"), printable(message)), soft_wrap=True)


def _print_traceback(console: Console, error: Exception) -> None:
    """The traceback, from the first frame that is neither ours nor the import machinery's."""
    trace = error.__traceback__
    while trace is not None and _is_scaffolding(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    # No such frame: it is a fault of ours, and every frame helps to find it.
    lines = traceback.format_exception(type(error), error, trace or error.__traceback__)
    console.print(Text(printable("".join(lines)).rstrip()), soft_wrap=True)


def _is_scaffolding(file: str) -> bool:
    return file.startswith("<frozen ") or Path(file).is_relative_to(_PACKAGE)


_PACKAGE = Path(__file__).parent.parent
