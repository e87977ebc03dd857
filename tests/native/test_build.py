"""Compiling native code: once, for this processor, with a clear error where it cannot be done."""

import ctypes
import stat
from pathlib import Path

import pytest

from hogdsl.errors import EngineError
from runtime.native import build


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv(build.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def load() -> ctypes.CDLL:
    return build.load_library.__wrapped__()


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_it_is_compiled_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load()
    (library,) = folder.iterdir()
    made = library.stat().st_mtime_ns
    load()
    assert [file.stat().st_mtime_ns for file in folder.iterdir()] == [made]


def test_other_sources_make_another_library(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load()
    for file in (*build.HEADERS, *build.SOURCES):
        (tmp_path / file.name).write_text(file.read_text() + "\n/* changed */\n")
    monkeypatch.setattr(build, "SOURCES", tuple(tmp_path / file.name for file in build.SOURCES))
    load()
    assert len(list(folder.iterdir())) == 2


def test_without_a_compiler_the_error_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(
        EngineError, match=r"no C compiler here: .* gcc nor clang was found\. Install"
    ):
        load()


def test_what_a_failing_compiler_says_is_in_the_error(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", script(tmp_path / "broken-cc", "echo 'no space left' >&2; exit 1"))
    with pytest.raises(EngineError, match=r"(?s)could not be compiled.*broken-cc.*no space left"):
        load()


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(build.CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    with pytest.raises(EngineError, match=r"file/cache, which cannot be written.*HOGDSL_CACHE"):
        load()


def test_nothing_half_done_is_left_behind(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = build.find_compiler()
    broken = f'case "$*" in *-shared*) exit 1;; *) exec {compiler} "$@";; esac'
    monkeypatch.setenv("CC", script(tmp_path / "half-cc", broken))
    with pytest.raises(EngineError):
        load()
    assert list(folder.iterdir()) == []
