"""From a Hugging Face folder to a model that runs.

Everything that can be wrong is looked for before memory for the weights is taken, and the tensors
are read one by one into their places.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import torch

from hogdsl.errors import ModelError
from runtime.checkpoint.tensor_files import StoredTensor, list_tensors, read_tensors
from runtime.json_fields import read_fields
from runtime.model.config import ModelConfig, model_config
from runtime.model.products import check_kept
from runtime.model.transformer import Transformer
from runtime.model.weights import Place, empty_weights, places

DTYPES = {
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
}
_STORED_DTYPES = {"F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}
# Written by older exporters though they follow from the config.
_DERIVED = re.compile(r"model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq")


def load_transformer(
    folder: Path | str,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | str | None = None,
    weights: str | None = None,
) -> Transformer:
    """Load the weights of a checkpoint.

    Args:
        folder: has `config.json` and safetensors files.
        device: where the weights go.
        dtype: what they become; by default float32 on a CPU, elsewhere what the checkpoint has.
        weights: how large matrices are kept; see `Engine.load`.

    Raises:
        ModelError: the folder is no checkpoint, or of a model that cannot be run faithfully, or
            there is no such dtype, or no such way to keep matrices.
    """
    folder, device = Path(folder), torch.device(device)
    config = read_config(folder)
    stored = list_tensors(folder)
    # Tensors on "meta" have shapes and no memory: all names and shapes are checked first.
    plan = empty_weights(config, device=torch.device("meta"), dtype=torch.float32)
    _check_tensors(folder, [*places(config, plan)], stored)
    found = _dtype(dtype, device, config, stored)
    kept = check_kept(weights, device, found)
    filled = empty_weights(config, device=device, dtype=found)
    targets = {place.name: place.target for place in places(config, filled)}
    for name, tensor in read_tensors({name: stored[name] for name in targets}):
        targets[name].copy_(tensor)
    targets.clear()  # so that each plain matrix is let go of as soon as it is packed
    return Transformer(config, filled, kept=kept)


def read_config(folder: Path | str) -> ModelConfig:
    """What a checkpoint's `config.json` says of its model.

    Raises:
        ModelError: the folder is no checkpoint, or of a model that cannot be run faithfully.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ModelError(
            f"{folder}: there is no such folder. A model is given as the folder of a Hugging Face "
            "checkpoint (config.json, safetensors files, tokenizer.json)."
        )
    fields = read_fields(folder / "config.json")
    return model_config(fields.data, source=fields.source)


def _check_tensors(folder: Path, needed: list[Place], stored: Mapping[str, StoredTensor]) -> None:
    """Exactly the tensors that the config speaks of, in its shapes."""
    if missing := [place.name for place in needed if place.name not in stored]:
        raise ModelError(
            f"{folder}: the weights lack {_some(missing)}, which config.json asks for. The files "
            "are not of one checkpoint; copy all of them again."
        )
    for place in needed:
        _check_tensor(place, stored[place.name])
    names = {place.name for place in needed} | {"lm_head.weight"}
    unused = [name for name in stored if name not in names and not _DERIVED.fullmatch(name)]
    if unused:
        raise ModelError(
            f"{folder}: the weights have {_some(unused)}, which a model with this config.json does "
            "not use; it would be run wrongly without. Check that config.json is the model's own."
        )


def _check_tensor(place: Place, found: StoredTensor) -> None:
    if found.shape != place.shape:
        raise ModelError(
            f"{found.file}: the tensor {place.name!r} must have shape {list(place.shape)} by "
            f"config.json, found {list(found.shape)}. The files are not of one checkpoint; copy "
            "all of them again."
        )
    if found.dtype not in _STORED_DTYPES:
        raise ModelError(
            f"{found.file}: the tensor {place.name!r} is stored as {found.dtype}; only "
            f"{', '.join(_STORED_DTYPES)} are read. Use an unquantised checkpoint of this model."
        )


def _some(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more tensors"


def _dtype(
    asked: torch.dtype | str | None,
    device: torch.device,
    config: ModelConfig,
    stored: Mapping[str, StoredTensor],
) -> torch.dtype:
    if isinstance(asked, torch.dtype):
        return asked
    if asked is None and device.type == "cpu":
        return torch.float32  # half precision is slower there, and less exact
    embedding = _STORED_DTYPES[stored["model.embed_tokens.weight"].dtype]
    name = asked or config.stored_dtype or embedding
    if name not in DTYPES:
        raise ModelError(f"The dtype must be one of {', '.join(DTYPES)}, found {name!r}.")
    return DTYPES[name]
