"""Checkpoint folders, whole and broken."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from hogdsl.errors import ModelError
from runtime.checkpoint import load_transformer, read_config
from tests.model.tiny_checkpoints import TINY, edit_config, make

Q_PROJ = "model.layers.1.self_attn.q_proj.weight"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A checkpoint by its name in `TINY`, made once."""
    folders: dict[str, Path] = {}

    def get(name: str) -> Path:
        if name not in folders:
            folders[name] = tmp_path_factory.mktemp(name)
            make(TINY[name], folders[name])
        return folders[name]

    return get


@pytest.fixture
def single(made: Callable[[str], Path], tmp_path: Path) -> Path:
    """A fresh copy of a checkpoint with one file of weights."""
    return Path(shutil.copytree(made("llama"), tmp_path / "single"))


@pytest.fixture
def sharded(made: Callable[[str], Path], tmp_path: Path) -> Path:
    """A fresh copy of a checkpoint with several files of weights."""
    return Path(shutil.copytree(made("mistral-wide-sharded"), tmp_path / "sharded"))


def edit_tensors(folder: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


def test_the_sharded_checkpoint_really_has_several_files(sharded: Path) -> None:
    assert len(list(sharded.glob("*.safetensors"))) > 2
    assert load_transformer(sharded).config.n_layers == 3


def test_a_folder_may_be_given_as_text(single: Path) -> None:
    assert read_config(str(single)) == load_transformer(str(single)).config


def test_on_a_cpu_weights_become_float32_unless_asked_otherwise(single: Path) -> None:
    edit_tensors(single, lambda tensors: tensors.update({k: v.half() for k, v in tensors.items()}))
    assert load_transformer(single).dtype == torch.float32
    assert load_transformer(single, dtype=torch.bfloat16).dtype == torch.bfloat16
    assert load_transformer(single, dtype="float64").dtype == torch.float64


def test_a_dtype_that_is_none_is_refused(single: Path) -> None:
    with pytest.raises(ModelError, match=r"must be one of float16, .* found 'int8'"):
        load_transformer(single, dtype="int8")


@pytest.mark.gpu
def test_on_cuda_weights_keep_the_checkpoints_dtype(single: Path) -> None:
    edit_config(single, dtype="bfloat16")
    model = load_transformer(single, device="cuda")
    assert model.dtype == torch.bfloat16
    assert model.device.type == "cuda"


def test_a_head_that_is_stored_though_tied_is_passed_over(single: Path) -> None:
    edit_config(single, tie_word_embeddings=True)
    weights = load_transformer(single).weights
    assert weights.head is weights.embedding


def test_frequencies_stored_by_older_exporters_are_passed_over(single: Path) -> None:
    name = "model.layers.0.self_attn.rotary_emb.inv_freq"
    edit_tensors(single, lambda tensors: tensors.update({name: torch.ones(4)}))
    assert load_transformer(single).config.n_layers == 3


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere: there is no such folder"):
        load_transformer(tmp_path / "nowhere")


def test_a_folder_without_a_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"config\.json: the file is missing"):
        load_transformer(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", '"text"', "\xff"])
def test_a_config_that_is_no_json_object_is_refused(content: str, single: Path) -> None:
    (single / "config.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(ModelError, match=r"config\.json: .*(readable JSON|JSON object)"):
        load_transformer(single)


def test_missing_tensors_are_named(single: Path) -> None:
    edit_tensors(single, lambda tensors: tensors.pop(Q_PROJ))
    with pytest.raises(ModelError, match=f"the weights lack '{Q_PROJ}', which config.json asks"):
        load_transformer(single)


def test_many_missing_tensors_are_counted(single: Path) -> None:
    edit_config(single, num_hidden_layers=4)
    with pytest.raises(ModelError, match=r"lack 'model\.layers\.3.* and 6 more tensors"):
        load_transformer(single)


def test_a_misshapen_tensor_is_named_with_both_shapes(single: Path) -> None:
    edit_tensors(single, lambda tensors: tensors.update({Q_PROJ: torch.zeros(32, 31)}))
    message = rf"'{Q_PROJ}' must have shape \[32, 32\] by config.json, found \[32, 31\]"
    with pytest.raises(ModelError, match=message):
        load_transformer(single)


def test_a_norm_of_one_number_is_misshapen_and_not_spread(made: Callable[[str], Path]) -> None:
    folder = Path(shutil.copytree(made("qwen3"), made("qwen3").parent / "qwen3-scalar-norm"))
    name = "model.layers.0.self_attn.q_norm.weight"
    edit_tensors(folder, lambda tensors: tensors.update({name: torch.ones(1)}))
    with pytest.raises(ModelError, match=r"must have shape \[16\] by config.json, found \[1\]"):
        load_transformer(folder)


def test_tensors_that_the_model_would_not_use_are_refused(single: Path) -> None:
    name = "model.layers.0.self_attn.q_proj.bias"
    edit_tensors(single, lambda tensors: tensors.update({name: torch.ones(32)}))
    with pytest.raises(ModelError, match=f"'{name}', which a model with this config.json does not"):
        load_transformer(single)


def test_weights_stored_as_whole_numbers_are_refused(single: Path) -> None:
    change = {Q_PROJ: torch.zeros(32, 32, dtype=torch.int8)}
    edit_tensors(single, lambda tensors: tensors.update(change))
    with pytest.raises(ModelError, match=f"'{Q_PROJ}' is stored as I8"):
        load_transformer(single)


def test_a_file_that_was_cut_off_is_refused(single: Path) -> None:
    path = single / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"model\.safetensors: must be a safetensors file"):
        load_transformer(single)


def test_a_missing_shard_is_named(sharded: Path) -> None:
    shard = sorted(sharded.glob("*.safetensors"))[1]
    shard.unlink()
    with pytest.raises(ModelError, match=f"{shard.name}: the file is missing, but the index"):
        load_transformer(sharded)


def test_an_index_that_names_the_wrong_shard_is_refused(sharded: Path) -> None:
    path = sharded / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    wrong = next(x for x in index["weight_map"].values() if x != index["weight_map"][Q_PROJ])
    index["weight_map"][Q_PROJ] = wrong
    path.write_text(json.dumps(index))
    with pytest.raises(ModelError, match=f"says that '{Q_PROJ}' is in {wrong}, but it is not"):
        load_transformer(sharded)


@pytest.mark.parametrize("shard", ["../model.safetensors", "/etc/passwd", 3])
def test_an_index_that_leaves_the_folder_is_refused(shard: object, sharded: Path) -> None:
    path = sharded / "model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": {Q_PROJ: shard}}))
    with pytest.raises(ModelError, match="must be the name of a file in this folder"):
        load_transformer(sharded)


@pytest.mark.parametrize("content", ["{}", '{"weight_map": {}}', '{"weight_map": 3}'])
def test_an_index_without_a_map_is_refused(content: str, sharded: Path) -> None:
    (sharded / "model.safetensors.index.json").write_text(content)
    with pytest.raises(ModelError, match="'weight_map' must be an object"):
        load_transformer(sharded)


def test_a_folder_with_pickled_weights_only_is_refused(single: Path) -> None:
    (single / "model.safetensors").rename(single / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin, which is not read"):
        load_transformer(single)


def test_a_folder_without_weights_is_refused(single: Path) -> None:
    (single / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"has neither model\.safetensors nor"):
        load_transformer(single)
