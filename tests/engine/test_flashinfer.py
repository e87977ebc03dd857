"""What is FlashInfer's own among the implementations of attention; on stand-ins."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from hogdsl.errors import EngineError, InternalError
from runtime.attention import Span, SpanRow, fastest_kind
from runtime.attention.flashinfer import Bucket, FlashInferAttention, available, why_not
from runtime.attention.flashinfer.kernels import Launcher
from runtime.attention.flashinfer.layout import Group, lay_out
from runtime.attention.flashinfer.upload import Upload
from runtime.attention.reference import ReferenceAttention
from runtime.engine import Engine
from runtime.model.rope import Rope
from tests.engine.stand_ins import FlashInferInBuckets, FlashInferOnCpu
from tests.engine.tiny import CONFIG, tiny_engine
from tests.model.tiny_checkpoints import TINY, make

CPU = torch.device("cpu")
CUDA = torch.device("cuda")
FITTING = replace(CONFIG, head_dim=128)


def attention(kind: type[FlashInferOnCpu] = FlashInferOnCpu) -> FlashInferOnCpu:
    return kind(CONFIG, Rope(CONFIG.rope, 8), 160, device=CPU, dtype=torch.float32)


def row(slot: int, n_tokens: int, n_new: int = 1) -> SpanRow:
    return SpanRow([Span(slot, n_tokens, 0)], n_tokens, n_new)


def draw(n: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """q, k and v of `n` new tokens."""
    generator = torch.Generator().manual_seed(seed)
    shape = n, CONFIG.n_heads + 2 * CONFIG.n_kv_heads, CONFIG.head_dim
    product = torch.randn(shape, generator=generator)
    q, k, v = product.split([CONFIG.n_heads, CONFIG.n_kv_heads, CONFIG.n_kv_heads], dim=1)
    return q, k, v


def reference() -> ReferenceAttention:
    rope = Rope(CONFIG.rope, 8)
    return ReferenceAttention(CONFIG, rope, 160, device=CPU, dtype=torch.float32)


def compare(both: tuple[FlashInferAttention, ReferenceAttention], rows: list[SpanRow]) -> None:
    """Give both the same step."""
    q, k, v = draw(sum(row.n_new for row in rows), seed=rows[0].n_tokens)
    ours, truth = both
    found = ours.attend(ours.prepare(rows), 0, q, k, v)
    expected = truth.attend(truth.prepare(rows), 0, q, k, v)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


# ---------------------------------------------------------------- where it can work


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A machine with a GPU and FlashInfer, as far as anybody asks; its parts can be changed."""
    machine = SimpleNamespace(capability=(9, 0), packages={"flashinfer", "triton"}, version="0.7.2")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: machine.capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "GPU T4")
    monkeypatch.setattr(
        available, "find_spec", lambda name: object() if name in machine.packages else None
    )
    monkeypatch.setattr(
        available, "import_module", lambda _: SimpleNamespace(__version__=machine.version)
    )
    return machine


def test_with_a_gpu_and_flashinfer_it_is_chosen_by_itself(gpu: SimpleNamespace) -> None:
    assert fastest_kind(FITTING, torch.bfloat16, CUDA) == "flashinfer"
    assert fastest_kind(FITTING, torch.float16, CUDA) == "flashinfer"


def test_torch_is_chosen_where_flashinfer_cannot_work(gpu: SimpleNamespace) -> None:
    assert fastest_kind(FITTING, torch.bfloat16, CPU) == "torch"
    assert fastest_kind(FITTING, torch.float32, CUDA) == "torch"
    assert fastest_kind(CONFIG, torch.bfloat16, CUDA) == "torch"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"capability": (7, 5)}, "it needs compute capability 8.0 or newer, not GPU T4"),
        ({"packages": {"triton"}}, "the package flashinfer is not installed"),
        ({"packages": {"flashinfer"}}, "the package triton is not installed"),
        ({"version": "0.6.14"}, "FlashInfer 0.7 or newer is needed, and 0.6.14 is installed"),
    ],
)
def test_it_says_what_is_missing(
    gpu: SimpleNamespace, changes: dict[str, object], reason: str
) -> None:
    vars(gpu).update(changes)
    assert reason in (why_not(FITTING, torch.bfloat16, CUDA) or "")


def test_it_says_what_does_not_fit(gpu: SimpleNamespace) -> None:
    assert "model has torch.float32" in (why_not(FITTING, torch.float32, CUDA) or "")
    assert "64, 128, 256 dimensions" in (why_not(CONFIG, torch.bfloat16, CUDA) or "")


def test_a_package_that_cannot_be_imported_is_a_reason(
    gpu: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> None:
        raise OSError("libcuda.so.1 is missing")

    monkeypatch.setattr(available, "import_module", fail)
    reason = why_not(FITTING, torch.bfloat16, CUDA)
    assert reason == "it is installed and cannot be imported: libcuda.so.1 is missing"


def test_who_asks_for_it_where_it_cannot_work_is_told_why() -> None:
    with pytest.raises(EngineError, match=r"cannot work: it needs a CUDA device.* Use 'torch'"):
        tiny_engine(attention="flashinfer")


def test_an_engine_on_a_cpu_is_loaded_with_another(tmp_path: Path) -> None:
    make(TINY["qwen3"], tmp_path)
    engine = Engine.load(tmp_path, device="cpu", n_cache_tokens=64)
    assert not isinstance(engine._attention, FlashInferAttention)


# ---------------------------------------------------------------- steps


def test_a_step_is_refused_after_the_next_was_prepared() -> None:
    runs = attention()
    old = runs.prepare([row(0, 1)])
    runs.prepare([row(0, 2)])
    with pytest.raises(InternalError, match="after another was prepared"):
        runs.attend(old, 0, *draw(1))


def test_a_step_is_refused_with_another_number_of_tokens() -> None:
    runs = attention()
    step = runs.prepare([row(0, 2, n_new=2)])
    with pytest.raises(InternalError, match="for 2 tokens was given 1"):
        runs.attend(step, 0, *draw(1))


def test_keys_of_masked_slots_never_make_a_result_no_number() -> None:
    """The first slot of the page is never written."""
    runs = attention()
    step = runs.prepare([row(1, 3, n_new=3)])
    assert runs.attend(step, 0, *draw(3)).isfinite().all()


def test_the_pool_has_whole_pages_for_all_slots() -> None:
    runs = FlashInferOnCpu(CONFIG, Rope(CONFIG.rope, 8), 33, device=CPU, dtype=torch.float32)
    step = runs.prepare([row(30, 3, n_new=3)])
    assert runs.attend(step, 1, *draw(3)).isfinite().all()


# ---------------------------------------------------------------- buckets


def test_a_step_is_padded_to_the_smallest_bucket_that_it_fits() -> None:
    runs = attention()
    small, large = (Bucket(n_tokens=n, n_requests=4, n_lines_each=n) for n in (2, 8))
    runs.use_buckets([large, small])
    assert runs.prepare([row(0, 9)]).bucket == small
    step = runs.prepare([row(0, 9, n_new=5)])
    assert (step.bucket, step.n_tokens, step.n_lines) == (large, 8, 32)
    assert runs.prepare([row(0, 9, n_new=9)]).bucket is None


def test_in_a_bucket_all_numbers_stay_where_they_are() -> None:
    runs = attention(FlashInferInBuckets)
    addresses = []
    for rows in ([row(0, 3)], [row(16, 100), row(144, 2)], [row(5, 1)]):
        numbers = runs.prepare(rows).numbers
        names = [name for name in numbers._fields if name != "pages"]
        addresses.append([getattr(numbers, name).data_ptr() for name in names])
    assert addresses[0] == addresses[1] == addresses[2]


def test_what_was_captured_computes_the_step_that_was_prepared_last() -> None:
    """As a CUDA graph does that is replayed: the old step, its launches, new numbers."""
    bucket = Bucket(n_tokens=3, n_requests=4, n_lines_each=3)
    replayed, plain = attention(), attention()
    replayed.use_buckets([bucket])
    captured = replayed.prepare([row(0, 1)])
    for seed, rows in enumerate(
        [[row(0, 1)], [row(0, 2), row(40, 3, n_new=2)], [row(0, 3), row(40, 4)], [row(39, 6)]]
    ):
        n = sum(r.n_new for r in rows)
        q, k, v = (torch.cat((x, x.new_full((3 - n, *x.shape[1:]), 7.0))) for x in draw(n, seed))
        assert replayed.prepare(rows).bucket == bucket
        found = replayed.attend(captured, 0, q, k, v)
        expected = plain.attend(plain.prepare(rows), 0, q[:n], k[:n], v[:n])
        torch.testing.assert_close(found[:n], expected, rtol=0, atol=1e-6)


def test_a_step_with_more_pages_than_the_pool_has_is_not_padded() -> None:
    """Many rows that begin within one run, each at a slot of its own, read it again and again."""
    runs = attention()
    runs.use_buckets([Bucket(n_tokens=8, n_requests=8, n_lines_each=1)])
    assert runs.prepare([row(i, 150 - i) for i in range(8)]).bucket is None


# ---------------------------------------------------------------- plans


@pytest.mark.parametrize("kind", [FlashInferOnCpu, FlashInferInBuckets])
def test_a_plan_is_good_until_a_block_grows_into_a_new_page(
    kind: type[FlashInferOnCpu], monkeypatch: pytest.MonkeyPatch
) -> None:
    planned: list[int] = []
    plan = Launcher.plan

    def count(launcher: Launcher, group: Group, pages: Tensor) -> None:
        planned.append(len(pages))
        plan(launcher, group, pages)

    monkeypatch.setattr(Launcher, "plan", count)
    both = attention(kind), reference()
    compare(both, [row(0, 13, n_new=13), row(64, 2, n_new=2)])
    planned.clear()
    for length in range(14, 35):
        compare(both, [row(0, length), row(64, 2)])
    assert planned == [2, 3, 4]


def test_other_pages_of_the_same_shape_are_planned_anew() -> None:
    both = attention(), reference()
    for slot in (0, 64, 96):
        compare(both, [row(slot, 3, n_new=3)])
    for slot in (0, 64, 96, 0):
        compare(both, [row(slot, 3)])


# ---------------------------------------------------------------- upload


def test_every_array_begins_where_pairs_and_fours_can_be_read_as_one() -> None:
    layout = lay_out([row(3, 17, n_new=3), row(64, 5)], 1, 99)
    numbers = Upload(CPU).send(layout)
    for name in numbers._fields:
        sent = getattr(numbers, name)
        assert sent.data_ptr() % 16 == 0
        assert sent.dtype == torch.int32
        assert sent.tolist() == getattr(layout, name).tolist()


def test_room_that_was_reserved_is_enough() -> None:
    upload, layout = Upload(CPU), lay_out([row(3, 100)], 1, 99)
    upload.reserve(replace(layout, pages=layout.pages[:0]), len(layout.pages))
    room = upload._there.data_ptr()
    upload.send(layout)
    assert upload._there.data_ptr() == room


@pytest.mark.gpu
def test_a_graph_on_a_gpu_computes_the_step_that_was_prepared_last() -> None:
    config = replace(CONFIG, n_heads=8, n_kv_heads=2, head_dim=64)
    rope = Rope(config.rope, 64, device=CUDA)
    shape = 4, config.n_heads + 2 * config.n_kv_heads, 64
    one, other = (
        FlashInferAttention(config, rope, 4096, device=CUDA, dtype=torch.bfloat16) for _ in "ab"
    )
    one.use_buckets([Bucket(n_tokens=4, n_requests=8, n_lines_each=4)])
    product = torch.zeros(shape, dtype=torch.bfloat16, device=CUDA)
    q, k, v = product.split([config.n_heads, config.n_kv_heads, config.n_kv_heads], dim=1)
    captured = one.prepare([row(0, 1)])
    one.attend(captured, 0, q, k, v)  # compiles what is not compiled yet
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = one.attend(captured, 0, q, k, v)
    for length in range(2, 40):
        rows = [row(1024 * i, length) for i in range(3)]
        rows.append(SpanRow([Span(0, length, 0), Span(3072, length, 0)], 2 * length, 1))
        product.copy_(torch.randn(shape))
        one.prepare(rows)
        graph.replay()
        expected = other.attend(other.prepare(rows), 0, q, k, v)
        torch.testing.assert_close(found, expected, rtol=0, atol=2e-2)
