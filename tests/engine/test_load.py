"""Engines for checkpoints, and how large their caches are."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from hogdsl.errors import ModelError
from runtime import Row
from runtime.attention.cache import bytes_per_token
from runtime.engine import Engine
from runtime.model import products
from runtime.model.matrices import HalfMatrix
from runtime.sizing import CPU_TOKENS_MOST, default_cache_tokens
from tests.engine.tiny import CONFIG, tiny_model
from tests.model.tiny_checkpoints import SHAPE, TINY, make

ROOT = Path(__file__).parents[2]


def test_a_folder_is_loaded_with_device_and_dtype_as_asked(tmp_path: Path) -> None:
    make(TINY["qwen2"], tmp_path)
    engine = Engine.load(
        tmp_path, device="cpu", dtype="float64", attention="reference", n_cache_tokens=100
    )
    assert (engine.device.type, engine.dtype) == ("cpu", torch.float64)
    assert (engine.pages.n_total, engine.page_size_tokens) == (6, 16)
    logits = engine.forward([Row([engine.block()], [1, 2])])
    assert logits.shape == (1, SHAPE["vocab_size"])


@pytest.mark.skipif(HalfMatrix.needs() is not None, reason=f"needs {HalfMatrix.needs()}")
def test_with_weights_in_float16_piglet_says_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its checkpoint is in bfloat16, so that only the order of sums is another."""
    monkeypatch.setattr(products, "PACKED_ENTRIES_LEAST", 0)
    tokens = list(range(40, 80))
    plain, half = (
        engine.forward([Row([engine.block()], tokens, n_logits=len(tokens))])
        for engine in (Engine.load("piglet", device="cpu", weights=w) for w in (None, "float16"))
    )
    torch.testing.assert_close(half, plain, rtol=0, atol=1e-4)
    assert not torch.equal(half, plain)


def test_weights_that_there_are_not_are_refused() -> None:
    with pytest.raises(ModelError, match="found 'int3'"):
        Engine.load("piglet", device="cpu", weights="int3")


def test_an_engine_tells_what_it_is() -> None:
    engine = Engine(tiny_model(), n_cache_tokens=160)
    engine.encode([1, 2, 3])
    assert repr(engine) == (
        "<Engine <Transformer Qwen3ForCausalLM, 2 layers, torch.float32 on cpu>, "
        "native attention, 1 blocks, "
        "<PagePool 1 used by 1 owners, 9 free>>"
    )


def test_the_default_cache_is_bounded_by_memory_and_by_a_number_of_tokens() -> None:
    cpu = torch.device("cpu")
    assert bytes_per_token(CONFIG, torch.float32) == 2 * 2 * 2 * 8 * 4
    assert default_cache_tokens(CONFIG, torch.float32, cpu) == CPU_TOKENS_MOST
    huge = CONFIG.__class__(**{**_fields(), "n_layers": 10**6, "head_dim": 1024})
    tokens = default_cache_tokens(huge, torch.float32, cpu)
    assert tokens < CPU_TOKENS_MOST
    assert Engine(tiny_model()).pages.n_total == CPU_TOKENS_MOST // 16


def test_importing_the_package_imports_no_torch() -> None:
    code = "import sys, runtime; runtime.Row, runtime.Block; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def _fields() -> dict[str, object]:
    return {name: getattr(CONFIG, name) for name in CONFIG.__slots__}
