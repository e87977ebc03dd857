"""What doctor finds, also where things are missing or broken."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from hogdsl.terminal.doctor import (
    CHECKPOINT_FILES,
    Finding,
    device,
    embedded_model,
    examine,
    fit_to_run,
    kept_weights,
    table,
    threads,
)


def cuda(*names: str) -> SimpleNamespace:
    """A torch module as far as its devices go."""
    return SimpleNamespace(
        cuda=SimpleNamespace(
            is_available=lambda: bool(names),
            device_count=lambda: len(names),
            get_device_name=lambda index: names[index],
        )
    )


def raising(error: Exception):
    def load(name: str) -> object:
        raise error

    return load


def test_the_device_is_the_cpu_where_there_is_no_cuda():
    assert device(lambda name: cuda()).detail == "cpu (no CUDA device)"


def test_cuda_devices_are_named():
    assert device(lambda name: cuda("H100", "L40S")).detail == "cuda: H100, L40S"


def test_without_torch_the_device_is_not_known_and_nothing_crashes():
    found = device(raising(ModuleNotFoundError("No module named 'torch'", name="torch")))
    assert (found.state, found.detail) == ("absent", "not known without torch")


@pytest.mark.parametrize("error", [ImportError("libcudart.so.12"), OSError("libcudart.so.12")])
def test_a_torch_that_does_not_load_is_missing_with_the_reason(error):
    found = device(raising(error))
    assert found.state == "missing"
    assert "libcudart.so.12" in found.detail


@pytest.mark.parametrize(
    ("engine", "vnni", "detail"),
    [
        ("x86", True, "float16 or int8, on a cpu"),
        ("fbgemm", False, "float16 (int8 needs AVX-512 VNNI), on a cpu"),
        ("qnnpack", False, "needs an x86 cpu with AVX2"),
    ],
)
def test_the_ways_to_keep_weights_are_those_of_torch_and_the_processor(engine, vnni, detail):
    torch = SimpleNamespace(
        backends=SimpleNamespace(
            quantized=SimpleNamespace(engine=engine),
            mkldnn=SimpleNamespace(is_available=lambda: True),
        ),
        cpu=SimpleNamespace(_is_vnni_supported=lambda: vnni),
    )
    assert kept_weights(lambda name: torch).detail == detail


def test_without_torch_the_ways_to_keep_weights_are_not_known():
    found = kept_weights(raising(ModuleNotFoundError("No module named 'torch'", name="torch")))
    assert (found.state, found.detail) == ("absent", "not known without torch")


def test_the_embedded_model_is_found_with_its_size(tmp_path):
    folder = tmp_path / "piglet" / "checkpoint"
    folder.mkdir(parents=True)
    for name in CHECKPOINT_FILES:
        (folder / name).write_bytes(b"x" * 500_000)
    found = embedded_model(tmp_path)
    assert found.state == "ok"
    assert found.detail.startswith("1.5 MB in ")


def test_an_embedded_model_that_lacks_files_is_missing_by_their_names(tmp_path):
    folder = tmp_path / "piglet" / "checkpoint"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    found = embedded_model(tmp_path)
    assert found.state == "missing"
    assert "lacks model.safetensors, tokenizer.json" in found.detail


def test_without_the_runtime_the_embedded_model_is_missing():
    assert embedded_model(None).state == "missing"


def test_threads_tell_the_limit_of_the_environment(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads().detail.endswith("OMP_NUM_THREADS=3")
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert "OMP" not in threads().detail


def test_only_what_is_missing_keeps_programs_from_running():
    good = [Finding(what="a", state="ok"), Finding(what="b", state="absent")]
    assert fit_to_run(good)
    assert not fit_to_run([*good, Finding(what="c", state="missing")])


def test_the_examination_names_all_that_running_needs():
    looked_for = {finding.what for finding in examine()}
    assert {"python", "torch", "transformers", "tokenizers", "safetensors", "piglet"} <= looked_for
    assert {"device", "threads"} <= looked_for


def test_the_table_has_a_line_per_finding():
    console = Console(file=io.StringIO(), width=80)
    findings = [
        Finding(what="python", state="ok", detail="3.11"),
        Finding(what="torch", state="missing", detail="pip install 'hogdsl[runtime]'"),
    ]
    with console.capture() as capture:
        console.print(table(findings))
    assert [line.split() for line in capture.get().splitlines()] == [
        ["python", "ok", "3.11"],
        ["torch", "missing", "pip", "install", "'hogdsl[runtime]'"],
    ]
