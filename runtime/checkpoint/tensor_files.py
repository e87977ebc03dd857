"""The tensors of a checkpoint on disk: one safetensors file, or several with an index."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from hogdsl.errors import ModelError
from runtime.json_fields import read_fields

_SINGLE = "model.safetensors"
_INDEX = "model.safetensors.index.json"


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """What a file says of one of its tensors."""

    file: Path
    shape: tuple[int, ...]
    dtype: str
    """As safetensors names it: `F32`, `BF16` …"""


def list_tensors(folder: Path) -> dict[str, StoredTensor]:
    """All tensors of a checkpoint by name; reads the heads of the files only.

    Raises:
        ModelError: no safetensors, a missing or broken file, or an index that does not match.
    """
    if (folder / _SINGLE).is_file():
        return _contents(folder / _SINGLE)
    if not (folder / _INDEX).is_file():
        raise _no_weights(folder)
    index = _read_index(folder / _INDEX)
    shards = {name: _contents(folder / name) for name in sorted(set(index.values()))}
    for tensor, shard in index.items():
        if tensor not in shards[shard]:
            raise ModelError(
                f"{folder / _INDEX}: says that {tensor!r} is in {shard}, but it is not. The files "
                "are not of one checkpoint; copy all of them again."
            )
    return {tensor: shards[shard][tensor] for tensor, shard in index.items()}


def read_tensors(stored: Mapping[str, StoredTensor]) -> Iterator[tuple[str, Tensor]]:
    """Read these tensors one by one, file by file, on the CPU.

    A tensor that is not kept by the caller is gone before the next one is read.
    """
    for path in sorted({tensor.file for tensor in stored.values()}):
        with _opened(path) as file:
            for name, tensor in stored.items():
                if tensor.file == path:
                    yield name, file.get_tensor(name)


def _read_index(path: Path) -> dict[str, str]:
    """Tensor name to file name."""
    index = read_fields(path).data.get("weight_map")
    if not isinstance(index, dict) or not index:
        raise ModelError(f"{path}: 'weight_map' must be an object from tensor names to files.")
    for shard in set(index.values()):
        if not isinstance(shard, str) or Path(shard).name != shard:
            raise ModelError(f"{path}: {shard!r} must be the name of a file in this folder.")
        if not (path.parent / shard).is_file():
            raise ModelError(
                f"{path.parent / shard}: the file is missing, but the index of the checkpoint "
                "names it. Copy the checkpoint again, with all its files."
            )
    return index


def _contents(path: Path) -> dict[str, StoredTensor]:
    with _opened(path) as file:
        parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        return {
            name: StoredTensor(path, tuple(part.get_shape()), part.get_dtype())
            for name, part in parts.items()
        }


@contextmanager
def _opened(path: Path) -> Iterator[safe_open]:
    try:
        file = safe_open(path, framework="pt", device="cpu")
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"{path}: must be a safetensors file: {error}. It may have been cut off; copy it again."
        ) from error
    with file:
        yield file


def _no_weights(folder: Path) -> ModelError:
    old = sorted(path.name for path in folder.glob("*.bin"))
    if old:
        return ModelError(
            f"{folder}: has its weights as {old[0]}, which is not read because it can carry code. "
            "Convert it once: load it with transformers and call save_pretrained on a new folder."
        )
    return ModelError(
        f"{folder}: has neither {_SINGLE} nor {_INDEX}. Copy the checkpoint again, with its "
        "weights."
    )
