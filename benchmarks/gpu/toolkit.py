"""What FlashInfer needs to compile its kernels where only parts of CUDA's toolkit are installed.

    eval "$(python -m benchmarks.gpu.toolkit build/gpu)"

sets it for a shell; compiled kernels are kept in that folder. Beside `nvcc` and a C++ compiler it
takes

- headers of cuBLAS and cuRAND, which the source of the norms names and does not use. pip's packages
  of NVIDIA have them, which come with torch for CUDA; else empty files stand for them;
- `libcuda.so` to link against. An empty library does: it is called `libcuda.so.1` inside, as the
  driver's is, and that one is found when a kernel is loaded.
"""

import os
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import torch

HOPPER = "9.0a"
"""What is compiled for where there is no GPU to ask."""
FALLBACK_HOME = Path("/usr/local/cuda")
NAMED_HEADERS = ("cublasLt.h", "cublas_v2.h", "curand_kernel.h")


def toolkit(folder: Path) -> dict[str, str]:
    """Environment variables for FlashInfer and Triton; those that are set already come first.

    Args:
        folder: for compiled kernels, and for what is missing.

    Raises:
        FileNotFoundError: there is no `nvcc`.
    """
    folder = folder.resolve()
    home = cuda_home()
    stand_ins, headers = folder / "stand-ins", pip_headers()
    stand_ins.mkdir(parents=True, exist_ok=True)
    for name in NAMED_HEADERS:
        if not any((place / name).exists() for place in (home / "include", *headers)):
            (stand_ins / name).touch()
    link_libcuda(stand_ins / "libcuda.so")
    settings = {
        "CUDA_HOME": str(home),
        "FLASHINFER_WORKSPACE_BASE": str(folder),
        "TRITON_CACHE_DIR": str(folder / "triton"),
        "FLASHINFER_EXTRA_CUDAFLAGS": shlex.join(f"-I{place}" for place in (stand_ins, *headers)),
        "FLASHINFER_EXTRA_LDFLAGS": shlex.join([f"-L{stand_ins}"]),
    }
    if not torch.cuda.is_available():
        settings["FLASHINFER_CUDA_ARCH_LIST"] = HOPPER
    return {name: os.environ.get(name, value) for name, value in settings.items()}


def cuda_home() -> Path:
    """The folder of the toolkit, whose `bin` may be reached by a link or a script.

    Raises:
        FileNotFoundError: there is none with `nvcc` and the headers of the runtime.
    """
    nvcc = shutil.which("nvcc")
    places = [os.environ.get("CUDA_HOME"), nvcc and Path(nvcc).resolve().parents[1]]
    for home in (*map(Path, filter(None, places)), FALLBACK_HOME):
        if (home / "bin" / "nvcc").exists() and (home / "include" / "cuda_runtime.h").exists():
            return home
    raise FileNotFoundError(
        "There is no CUDA toolkit: nvcc and cuda_runtime.h are neither in CUDA_HOME nor beside the "
        f"nvcc on the PATH nor in {FALLBACK_HOME}. Install one, or set CUDA_HOME."
    )


def pip_headers() -> list[Path]:
    """Folders of headers in pip's packages of NVIDIA that have any of the named ones."""
    spec = find_spec("nvidia")
    roots = [] if spec is None else map(Path, spec.submodule_search_locations or ())
    return sorted(
        {
            place
            for root in roots
            for place in root.glob("*/include")
            if any((place / name).exists() for name in NAMED_HEADERS)
        }
    )


def link_libcuda(path: Path) -> None:
    """An empty library that is called `libcuda.so.1` inside."""
    if not path.exists():
        compiler = os.environ.get("CXX", "c++")
        command = [compiler, "-shared", "-Wl,-soname,libcuda.so.1", "-x", "c", os.devnull, "-o"]
        subprocess.run([*command, path], check=True)


if __name__ == "__main__":
    for name, value in toolkit(Path(sys.argv[1])).items():
        print(f"export {name}={shlex.quote(value)}")
