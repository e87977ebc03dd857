"""Which model a folder holds, by what is in its files."""

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from hogdsl.errors import TraceError
from runtime.scheduler.work import Machine
from runtime.traces.lines import ModelIdentity

_WEIGHTS = ("config.json", "*.safetensors")
_TEXT = ("tokenizer*", "chat_template*", "generation_config.json", "special_tokens_map.json")


def identity_of(machine: Machine) -> ModelIdentity:
    """The identity of a machine's model.

    Raises:
        TraceError: it was not read from a folder.
    """
    folder = getattr(machine, "folder", None)
    if not isinstance(folder, Path):
        raise TraceError(
            f"a trace names the model that it is of, and {machine!r} was not read from a folder. "
            "Record runs of a model that hog.local(...) has loaded."
        )
    return identify(folder, machine.name)


def identify(folder: Path, name: str) -> ModelIdentity:
    """The identity of a checkpoint. Its files are read once, unless they change."""
    return ModelIdentity(
        name=name, weights=_hash(_stamps(folder, _WEIGHTS)), text=_hash(_stamps(folder, _TEXT))
    )


_Stamp = tuple[Path, int, int]
"""A file, its bytes, and when it was changed."""


def _stamps(folder: Path, patterns: Iterable[str]) -> tuple[_Stamp, ...]:
    found = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    stats = ((path.absolute(), path.stat()) for path in sorted(found))
    return tuple((path, stat.st_size, stat.st_mtime_ns) for path, stat in stats)


@lru_cache(maxsize=16)
def _hash(files: tuple[_Stamp, ...]) -> str:
    whole = hashlib.sha256()
    for path, _, _ in files:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{path.name} {content}\n".encode())
    return whole.hexdigest()
