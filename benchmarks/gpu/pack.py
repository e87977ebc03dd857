"""Pack what a GPU machine without package registries lacks: `python -m benchmarks.gpu.pack OUT`.

Such a machine has torch with CUDA, Triton, transformers, pytest and what these need. The archive
has FlashInfer, and the small packages that hogdsl and FlashInfer need beside them. Sources of
kernels that we do not use are most of FlashInfer and stay behind: the archive is about 20 MB.
"""

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Annotated

import typer

PACKAGES = (
    "flashinfer-python>=0.7.2,<0.8",
    "apache-tvm-ffi>=0.1.11,<0.2",
    "annotated-types",
    "charset-normalizer",
    "llguidance",
    "platformdirs",
    "pydantic",
    "pydantic-core",
    "requests",
    "tabulate",
    "typing-inspection",
    "urllib3",
    "websockets",
)
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64")
UNUSED = ("moe_ep/kernel_src/", "data/spdlog/example/", "data/spdlog/tests/", "data/spdlog/bench/")
KEPT_SOURCES = "nv_internal"
"""Folder of sources whose headers the others include."""


def is_needed(path: str) -> bool:
    """Whether a file, named from the folder of packages, is of use to us."""
    inside = path.removeprefix("flashinfer/")
    if inside == path:
        return "__pycache__" not in path
    folder = inside.removeprefix("data/csrc/")
    is_nested_source = folder != inside and "/" in folder
    if is_nested_source and not folder.startswith(f"{KEPT_SOURCES}/"):
        return False
    return not inside.startswith(UNUSED) and "__pycache__" not in path


def main(
    out: Annotated[Path, typer.Argument(help="The archive, a .tar.xz.")],
    python: Annotated[str, typer.Option(help="Python of the GPU machine.")] = "3.12",
) -> None:
    """Download and pack."""
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder)
        platforms = [part for name in PLATFORMS for part in ("--platform", name)]
        fixed = ["--no-deps", "--no-compile", "--only-binary=:all:", "--implementation", "cp"]
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", folder]
        subprocess.run(
            [*command, *fixed, "--python-version", python, *platforms, *PACKAGES], check=True
        )
        out.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(out, "w:xz") as archive:
            for path in sorted(site.rglob("*")):
                name = path.relative_to(site).as_posix()
                if path.is_file() and is_needed(name):
                    archive.add(path, name)
    typer.echo(f"{out}: {out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    typer.run(main)
