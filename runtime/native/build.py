"""Compiling the C code for this processor, once, and loading it.

The machine's own C compiler makes a library of it when it is first needed (a few seconds). It is
kept in the user's cache folder under a name that holds everything it depends on: sources, compiler,
options, and what the compiler knows of this processor.
"""

import ctypes
import hashlib
import os
import shutil
import subprocess
import sysconfig
import tempfile
from functools import cache
from pathlib import Path

from platformdirs import user_cache_path

from hogdsl.errors import EngineError

SOURCES = tuple(
    Path(__file__).parent / name for name in ("planning.c", "attention.c", "products.c", "helper.c")
)
HEADERS = tuple(Path(__file__).parent / name for name in ("common.h", "plan.h"))
OPTIONS = ("-O3", "-march=native", "-fPIC", "-shared", "-pthread")
TIMEOUT_S = 120
CACHE_VARIABLE = "HOGDSL_CACHE"


@cache
def load_library() -> ctypes.CDLL:
    """The compiled functions.

    Raises:
        EngineError: there is no C compiler, or it fails; the message has what it said.
    """
    compiler = find_compiler()
    if compiler is None:
        raise EngineError(
            "Native code is compiled where it runs, and there is no C compiler here: neither $CC, "
            "cc, gcc nor clang was found. Install one."
        )
    library = cache_folder() / f"native-{_fingerprint(compiler)}.so"
    if not library.is_file():
        _compile(compiler, library)
    return _declared(ctypes.CDLL(str(library)))


def find_compiler() -> str | None:
    """Path of the C compiler: `$CC`, else the first of cc, gcc and clang."""
    names = (os.environ.get("CC"), "cc", "gcc", "clang")
    return next((path for name in names if name and (path := shutil.which(name))), None)


def cache_folder() -> Path:
    """Where compiled code is kept: `$HOGDSL_CACHE`, else the user's cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named) if named else user_cache_path("hogdsl")


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    """With the types of the arguments."""
    array, word = ctypes.c_void_p, ctypes.c_int64
    arguments = {
        "attend": (array, array, array, array, word, array, word, array, word, array),
        "move": (array, array, array, word, array, array, array, word),
        "plan_step": (array, array, word, array, word, word, array, word, word),
        "free_plan": (array,),
        "product": (array, array, word, array, array, word, word, word, array, word),
    }
    for name, types in arguments.items():
        function = getattr(library, name)
        function.restype = array if name == "plan_step" else None
        function.argtypes = types
    return library


def _fingerprint(compiler: str) -> str:
    """Of all that the compiled kernel depends on."""
    # Which instructions `-march=native` means, and the compiler's version, are macros.
    macros = _run([compiler, "-march=native", "-dM", "-E", "-xc", os.devnull])
    sources = [file.read_text() for file in (*HEADERS, *SOURCES)]
    parts = (*sources, *OPTIONS, sysconfig.get_platform(), macros)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _compile(compiler: str, library: Path) -> None:
    """Compile to a file of another name first: another process may be doing the same."""
    try:
        library.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=library.parent) as folder:
            made = Path(folder) / library.name
            _run([compiler, *OPTIONS, "-o", str(made), *map(str, SOURCES), "-lm"])
            made.replace(library)
    except OSError as error:
        raise EngineError(
            f"Native code is compiled into the folder {library.parent}, which cannot be written: "
            f"{error}. Name another in ${CACHE_VARIABLE}."
        ) from error


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(command, str(error)) from error
    if done.returncode:
        raise _failed(command, done.stderr.strip())
    return done.stdout


def _failed(command: list[str], said: str) -> EngineError:
    return EngineError(
        f"Native code could not be compiled. `{' '.join(command)}` said:\n{said}\n"
        "Name another compiler in $CC."
    )
