"""What a checkpoint says about generating with it, and folders that are none."""

import json
from pathlib import Path

import pytest

from hogdsl.errors import ModelError
from hogdsl.plan import Sampling
from runtime.text import Text, read_generation
from tests.text.tiny_tokenizers import byte_level, save


def write(folder: Path, **settings: object) -> Path:
    (folder / "generation_config.json").write_text(json.dumps(settings))
    return folder


@pytest.mark.parametrize(("eos", "expected"), [(3, {3}), ([3, 5], {3, 5}), (None, set())])
def test_end_tokens_may_be_one_or_several_or_none(
    eos: object, expected: set[int], tmp_path: Path
) -> None:
    assert read_generation(write(tmp_path, eos_token_id=eos)).end_tokens == expected


@pytest.mark.parametrize("eos", ["x", [True], [-1], {"a": 1}])
def test_end_tokens_that_are_none_are_refused(eos: object, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="'eos_token_id' must be a token or a list of tokens"):
        read_generation(write(tmp_path, eos_token_id=eos))


def test_older_checkpoints_keep_the_end_token_in_the_models_config(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"eos_token_id": 9}')
    assert read_generation(tmp_path).end_tokens == {9}
    write(tmp_path, eos_token_id=3)
    assert read_generation(tmp_path).end_tokens == {3}


def test_recommended_sampling_is_read(tmp_path: Path) -> None:
    write(tmp_path, do_sample=True, temperature=0.6, top_p=0.95, top_k=20)
    expected = Sampling(temperature=0.6, top_p=0.95, top_k=20)
    assert read_generation(tmp_path).sampling == expected


def test_sampling_is_greedy_unless_the_checkpoint_says_to_sample(tmp_path: Path) -> None:
    assert read_generation(tmp_path).sampling == Sampling()
    assert read_generation(write(tmp_path, temperature=0.6)).sampling == Sampling()


def test_zeros_switch_settings_off(tmp_path: Path) -> None:
    write(tmp_path, do_sample=True, temperature=0, top_k=0)
    assert read_generation(tmp_path).sampling == Sampling()


@pytest.mark.parametrize("settings", [{"top_p": 1.5}, {"temperature": -1}, {"top_k": 2.5}])
def test_senseless_sampling_is_refused(settings: dict[str, object], tmp_path: Path) -> None:
    (name,) = settings
    with pytest.raises(ModelError, match=f"generation_config.json: '{name}' must be"):
        read_generation(write(tmp_path, do_sample=True, **settings))


def test_the_tokenizers_own_end_token_is_an_end_token(tmp_path: Path) -> None:
    save(byte_level(eos_token="<|im_end|>"), write(tmp_path, eos_token_id=[295]))
    assert Text.load(tmp_path).end_tokens == {295, 297}


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such folder"):
        Text.load(tmp_path / "nowhere")


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no tokenizer that can be read.*Copy tokenizer\.json"):
        Text.load(tmp_path)


def test_a_broken_tokenizer_file_is_refused(tmp_path: Path) -> None:
    save(byte_level(), tmp_path)
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match="no tokenizer that can be read"):
        Text.load(tmp_path)
