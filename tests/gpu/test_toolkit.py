"""What FlashInfer is given to compile with, where parts of CUDA's toolkit are missing."""

import shlex
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from benchmarks.gpu import toolkit as module
from benchmarks.gpu.pack import PACKAGES, is_needed
from benchmarks.gpu.toolkit import cuda_home, toolkit


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A toolkit with a compiler and the headers of the runtime, and pip without any of NVIDIA."""
    home = tmp_path / "cuda"
    for name in ("bin/nvcc", "include/cuda_runtime.h"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).touch()
    monkeypatch.setenv("CUDA_HOME", str(home))
    monkeypatch.setattr(module, "pip_headers", list)
    monkeypatch.setattr(module, "link_libcuda", Path.touch)
    return home


def headers_of(settings: dict[str, str]) -> list[str]:
    """Names of all files in the folders of headers that are named."""
    flags = shlex.split(settings["FLASHINFER_EXTRA_CUDAFLAGS"])
    folders = [Path(flag.removeprefix("-I")) for flag in flags]
    return sorted(path.name for folder in folders for path in folder.glob("*.h"))


def test_empty_files_stand_for_headers_that_are_missing(home: Path, tmp_path: Path) -> None:
    (home / "include" / "curand_kernel.h").touch()
    settings = toolkit(tmp_path / "a folder")
    assert headers_of(settings) == ["cublasLt.h", "cublas_v2.h"]
    assert settings["CUDA_HOME"] == str(home)


def test_headers_of_pips_packages_are_used_as_they_are(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "nvidia" / "cu13" / "include"
    there.mkdir(parents=True)
    for name in module.NAMED_HEADERS:
        (there / name).touch()
    monkeypatch.setattr(module, "pip_headers", lambda: [there])
    settings = toolkit(tmp_path / "build")
    assert headers_of(settings) == sorted(module.NAMED_HEADERS)


def test_what_is_set_already_comes_first(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASHINFER_WORKSPACE_BASE", "/elsewhere")
    assert toolkit(tmp_path / "build")["FLASHINFER_WORKSPACE_BASE"] == "/elsewhere"


def test_without_a_compiler_it_says_where_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module, "FALLBACK_HOME", tmp_path)
    with pytest.raises(FileNotFoundError, match="CUDA_HOME"):
        cuda_home()


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        ("flashinfer/prefill.py", True),
        ("flashinfer/data/csrc/norm.cu", True),
        ("flashinfer/data/include/flashinfer/norm.cuh", True),
        ("flashinfer/data/csrc/nv_internal/cpp/common.h", True),
        ("flashinfer/data/csrc/fused_moe/kernel.cu", False),
        ("flashinfer/data/spdlog/tests/main.cpp", False),
        ("pydantic/main.py", True),
        ("pydantic/__pycache__/main.cpython-312.pyc", False),
    ],
)
def test_sources_of_kernels_that_we_do_not_use_are_not_packed(path: str, needed: bool) -> None:
    assert is_needed(path) is needed


def test_what_hogdsl_needs_is_packed_or_comes_with_torch_transformers_and_pytest() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["runtime"]]
    packed = {Requirement(text).name for text in PACKAGES}
    there = {"jinja2", "numpy", "regex", "rich", "safetensors", "tokenizers", "torch"}
    there |= {"transformers", "typer", "typing-extensions"}
    serving = {"fastapi", "uvicorn"}  # no test for a GPU starts a server
    missing = {Requirement(text).name for text in needed} - packed - there - serving
    assert not missing
