"""What is installed here, what is missing, and how to get it.

Looks without running anything of the runtime, so that it works where the runtime does not.
"""

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from rich.table import Table
from rich.text import Text

from hogdsl.terminal.drawing import count

State = Literal["ok", "missing", "absent"]
"""`missing` keeps programs from running; `absent` is only good to know."""

MARKS: dict[State, tuple[str, str]] = {
    "ok": ("ok", "green"),
    "missing": ("missing", "bold red"),
    "absent": ("-", "dim"),
}

RUNTIME_PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "jinja2", "numpy")
CHECKPOINT_FILES = ("config.json", "model.safetensors", "tokenizer.json")
HALF_ENGINES = ("x86", "fbgemm")
GET_RUNTIME = "pip install 'hogdsl[runtime]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked for."""

    what: str
    state: State
    detail: str = ""
    """What was found, or how to get it."""


def examine() -> list[Finding]:
    """All findings, in the order to read them."""
    return [
        Finding(what="python", state="ok", detail=platform.python_version()),
        _ourselves(),
        *(_installed(name, get=GET_RUNTIME) for name in RUNTIME_PACKAGES),
        device(),
        threads(),
        kept_weights(),
        embedded_model(_runtime_folder()),
    ]


def fit_to_run(findings: list[Finding]) -> bool:
    """Whether `hogdsl run` has all it needs."""
    return all(finding.state != "missing" for finding in findings)


def table(findings: list[Finding]) -> Table:
    """The findings for a terminal."""
    grid = Table.grid(padding=(0, 2))
    for finding in findings:
        mark, style = MARKS[finding.state]
        grid.add_row(Text(finding.what), Text(mark, style=style), Text(finding.detail))
    return grid


def device(load: Callable[[str], Any] = import_module) -> Finding:
    """Where models would run by default."""
    try:
        torch = load("torch")
    except ModuleNotFoundError:
        return Finding(what="device", state="absent", detail="not known without torch")
    except (ImportError, OSError) as error:  # a library of another CUDA, a broken install
        return Finding(what="device", state="missing", detail=f"torch does not load: {error}")
    cuda = torch.cuda
    if not cuda.is_available():
        return Finding(what="device", state="ok", detail="cpu (no CUDA device)")
    names = ", ".join(cuda.get_device_name(index) for index in range(cuda.device_count()))
    return Finding(what="device", state="ok", detail=f"cuda: {names}")


def threads() -> Finding:
    """How many cores there are, and whether the environment allows fewer."""
    detail = count(os.cpu_count() or 1, "core")
    allowed = os.environ.get("OMP_NUM_THREADS")
    if allowed is not None:
        detail += f", OMP_NUM_THREADS={allowed}"
    return Finding(what="threads", state="ok", detail=detail)


def kept_weights(load: Callable[[str], Any] = import_module) -> Finding:
    """Which values `--weights` may have here; see `runtime/model/matrices.py`."""
    try:
        torch = load("torch")
    except (ImportError, OSError):  # said of the device
        return Finding(what="--weights", state="absent", detail="not known without torch")
    backends = torch.backends
    if backends.quantized.engine not in HALF_ENGINES:
        return Finding(what="--weights", state="absent", detail="needs an x86 cpu with AVX2")
    has_int8 = backends.mkldnn.is_available() and torch.cpu._is_vnni_supported()
    kinds = "float16 or int8" if has_int8 else "float16 (int8 needs AVX-512 VNNI)"
    return Finding(what="--weights", state="ok", detail=f"{kinds}, on a cpu")


def embedded_model(runtime_folder: Path | None) -> Finding:
    """Whether the small model that comes with the package is there."""
    if runtime_folder is None:
        return Finding(what="piglet", state="missing", detail=f"no runtime; {GET_RUNTIME}")
    folder = runtime_folder / "piglet" / "checkpoint"
    gone = [name for name in CHECKPOINT_FILES if not (folder / name).is_file()]
    if gone:
        return Finding(what="piglet", state="missing", detail=f"{folder} lacks {', '.join(gone)}")
    megabytes = sum(file.stat().st_size for file in folder.iterdir() if file.is_file()) / 1e6
    return Finding(what="piglet", state="ok", detail=f"{megabytes:.1f} MB in {folder}")


def _runtime_folder() -> Path | None:
    # Of a top-level package the spec is found without running any of its code.
    spec = find_spec("runtime")
    places = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(places))) if places else None


def _ourselves() -> Finding:
    try:
        return Finding(what="hogdsl", state="ok", detail=version("hogdsl"))
    except PackageNotFoundError:  # imported from its source folder, which is as good
        folder = Path(__file__).parent.parent
        return Finding(what="hogdsl", state="ok", detail=f"not installed, used from {folder}")


def _installed(distribution: str, *, get: str) -> Finding:
    try:
        return Finding(what=distribution, state="ok", detail=version(distribution))
    except PackageNotFoundError:
        return Finding(what=distribution, state="missing", detail=get)
