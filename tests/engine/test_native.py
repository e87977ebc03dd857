"""The compiled attention: what only it promises, and how the work is cut."""

import ctypes
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from hogdsl.errors import EngineError
from runtime import Block, Row
from runtime.attention import NativeAttention, Span, SpanRow, fastest_kind
from runtime.attention.native import planning
from runtime.engine import Engine
from runtime.model.config import ModelConfig
from runtime.model.rope import Rope, inverse_frequencies
from runtime.native import build
from tests.engine.tiny import CONFIG, draw_tokens, tiny_engine

CPU = torch.device("cpu")


def row(*spans: Span, n_new: int = 1) -> SpanRow:
    return SpanRow(spans, sum(span.n_tokens for span in spans), n_new)


class Told:
    """What a plan says, as lists."""

    def __init__(self, *rows: SpanRow) -> None:
        config = CONFIG
        rope = Rope(config.rope, config.head_dim)
        self._made = NativeAttention(config, rope, 4096, device=CPU, dtype=torch.float32)
        self._step = self._made.prepare(rows)
        plan = self._step.plan
        self.chunk_tokens, self.n_parts = plan.chunk_tokens, plan.n_parts
        self.readings = self._ints(plan.readings, plan.n_readings, 7)
        self.groups = self._ints(plan.groups, plan.n_groups, 4)
        self.tasks = self._ints(plan.tasks, plan.n_tasks, 2)
        self.part_starts = self._ints(plan.part_starts, plan.n_new + 1, 1)
        self.new_slots = self._ints(plan.new_slots, plan.n_new, 1)
        self._plan, self._half = plan, config.head_dim // 2

    def turn(self, line: int) -> float:
        """The position that a query is rotated for."""
        return self._position(self._plan.turns, line)

    def new_turn(self, token: int) -> float:
        """The position that a new key is rotated for."""
        return self._position(self._plan.new_turns, token)

    def new_turns(self, token: int) -> Any:
        """What turns a new key: half cosines, half sines."""
        return self._turns(self._plan.new_turns, token)

    def _turns(self, address: int, line: int) -> Any:
        numbers = (ctypes.c_float * ((line + 1) * 2 * self._half)).from_address(address)
        return np.ctypeslib.as_array(numbers)[line * 2 * self._half :]

    def _position(self, address: int, line: int) -> float:
        """From the pair of components that turns least, and not once within these tests."""
        cos, sin = self._turns(address, line).reshape(2, self._half)[:, -1]
        frequency = float(inverse_frequencies(CONFIG.rope, CONFIG.head_dim)[-1])
        return round(math.atan2(sin, cos) / frequency, 2)

    @staticmethod
    def _ints(address: int, n: int, n_fields: int) -> list[Any]:
        array = np.ctypeslib.as_array((ctypes.c_int64 * (n * n_fields)).from_address(address))
        return array.reshape((n, n_fields) if n_fields > 1 else -1).tolist()


@pytest.fixture
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "CHUNK_TOKENS", 4)


# ---------------------------------------------------------------- the plan of a step


def test_a_span_that_several_rows_see_is_read_once_for_all_of_them() -> None:
    shared = Span(0, 100, 0)
    told = Told(*(row(shared, Span(1000 * i, 3, 100)) for i in range(1, 4)))
    assert told.groups == [[0, 100, 0, 3], [1000, 3, 3, 1], [2000, 3, 4, 1], [3000, 3, 5, 1]]
    assert told.tasks == [[0, 0], [1, 0], [2, 0], [3, 0]]


@pytest.mark.usefixtures("_small_chunks")
def test_a_group_is_read_in_chunks_up_to_its_longest_reader() -> None:
    assert Told(row(Span(0, 5, 0)), row(Span(0, 9, 0))).tasks == [[0, 0], [0, 1], [0, 2]]


@pytest.mark.usefixtures("_small_chunks")
def test_parts_of_a_token_are_neighbours_in_the_order_of_its_view() -> None:
    told = Told(row(Span(50, 9, 0), Span(0, 2, 9)), row(Span(50, 9, 0), n_new=2))
    assert told.part_starts == [0, 4, 7, 10]
    assert told.n_parts == 10


def test_what_each_reader_sees_of_a_span_is_told() -> None:
    told = Told(row(Span(0, 10, 0), Span(64, 5, 10), n_new=2))
    # first token, new tokens, keys up to the place of the first, keys, rotation, part, parts
    assert told.readings == [[0, 2, 14, 10, 0, 0, 2], [0, 2, 4, 5, 2, 1, 2]]


def test_new_tokens_are_written_behind_each_other_across_spans() -> None:
    told = Told(row(Span(0, 4, 0), Span(64, 3, 4), Span(128, 2, 90), n_new=4))
    assert told.new_slots == [65, 66, 128, 129]
    assert [told.new_turn(i) for i in range(4)] == [5, 6, 90, 91]


def test_a_query_is_rotated_by_its_distance_to_where_the_keys_think_they_are() -> None:
    # three tokens rotated for 70, 71, 72 stand at places 10 to 12; the new one is at place 14
    told = Told(row(Span(0, 10, 0), Span(64, 3, 70), Span(128, 2, 13)))
    assert [told.turn(i) for i in range(3)] == [14, 14 - (10 - 70), 14]


@pytest.mark.parametrize("position", [0, 1, 77, 4095, 131_071, 10_000_019])
def test_rotations_are_exact_wherever_a_token_stands(position: int) -> None:
    told = Told(row(Span(0, 1, position), Span(64, 1, position)))
    angles = position * inverse_frequencies(CONFIG.rope, CONFIG.head_dim).numpy()
    expected = np.concatenate([np.cos(angles), np.sin(angles)])
    np.testing.assert_allclose(told.new_turns(0), expected, rtol=0, atol=1e-7)


def test_chunks_grow_where_the_parts_of_a_step_would_take_too_much_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers_per_part = CONFIG.n_heads * 16  # heads of 8 lie in 16
    monkeypatch.setattr(planning, "FOUND_MOST", 100 * numbers_per_part * 3)
    assert Told(row(Span(0, 5000, 0), n_new=100)).chunk_tokens == 2048


# ---------------------------------------------------------------- what it computes


def shaped(**changes: object) -> ModelConfig:
    return replace(CONFIG, **changes)


SHAPES = {
    "heads of 80": shaped(n_heads=2, n_kv_heads=1, head_dim=80),
    "heads of 256": shaped(n_heads=2, n_kv_heads=1, head_dim=256),
    "heads of 20": shaped(n_heads=2, n_kv_heads=2, head_dim=20),
    "seven heads per KV head": shaped(n_heads=14, n_kv_heads=2, head_dim=16),
    "a KV head for each": shaped(n_heads=3, n_kv_heads=3, head_dim=64),
}


@pytest.mark.parametrize("name", SHAPES)
def test_heads_of_all_shapes_are_those_of_the_reference(name: str) -> None:
    logits = []
    for kind in ("reference", "native"):
        engine = tiny_engine(attention=kind, config=SHAPES[name])
        prompt = engine.encode(draw_tokens(70, seed=1))
        a, b = engine.block(), engine.block()
        engine.forward([Row([prompt, b, a], draw_tokens(9, seed=2)), Row([prompt, a, b], [3])])
        logits.append(engine.forward([Row([prompt, b, a], [5]), Row([prompt, a, b], [7], 1)]))
    torch.testing.assert_close(logits[1], logits[0], rtol=0, atol=1e-5)


def test_spans_of_several_blocks_of_the_kernel_are_those_of_the_reference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A chunk is longer than what the kernel scores at once."""
    monkeypatch.setattr(planning, "CHUNK_TOKENS", 4096)
    config, logits = replace(CONFIG, context_length=4096), []
    for kind in ("reference", "native"):
        engine = tiny_engine(attention=kind, config=config, n_cache_tokens=4096)
        prompt = engine.encode(draw_tokens(1500, seed=1))
        blocks = [engine.block() for _ in range(6)]
        rows = [Row([prompt, block], [5 + i]) for i, block in enumerate(blocks)]
        logits.append(engine.forward(rows))
    torch.testing.assert_close(logits[1], logits[0], rtol=0, atol=1e-5)


def test_slots_that_nobody_wrote_are_never_used() -> None:
    engine = tiny_engine(attention="native")
    made = engine._attention
    assert isinstance(made, NativeAttention)
    for layer in (*made._keys, *made._values):
        layer.fill_(torch.nan)
    prompt, own = engine.encode(draw_tokens(21)), engine.block(base=3)
    assert engine.forward([Row([prompt, own], draw_tokens(6))]).isfinite().all()


def test_a_token_is_computed_to_the_last_bit_alike_whatever_else_is_in_the_step() -> None:
    """Law 6, and more than it asks for."""
    engine = tiny_engine(attention="native", n_cache_tokens=4096)
    prompt = engine.encode(draw_tokens(200))
    step = _attention_step(engine, prompt)
    alone, among = step(1), step(7)
    assert alone.isfinite().all()
    assert torch.equal(alone[0], among[0])


def _attention_step(engine: Engine, prompt: Block):
    """What the first of n rows finds in the first layer; all see the prompt and write one token."""
    made, (n_heads, n_kv, dim) = engine._attention, (CONFIG.n_heads, CONFIG.n_kv_heads, 8)
    generator = torch.Generator().manual_seed(2)
    q = torch.randn(9, n_heads, dim, generator=generator)
    k = torch.randn(9, n_kv, dim, generator=generator)
    seen = engine._holdings.spans(prompt, 0, 0, prompt.n_tokens)

    def run(n: int) -> torch.Tensor:
        own = [Span(1024 + 16 * i, 1, prompt.n_tokens) for i in range(n)]
        rows = [row(*seen, span) for span in own]
        return made.attend(made.prepare(rows), 0, q[:n], k[:n], k[:n])

    return run


@pytest.mark.usefixtures("two_threads")
def test_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    logits = []
    for scores_alone in (1 << 40, 0):
        monkeypatch.setattr(planning, "SCORES_ALONE", scores_alone)
        engine = tiny_engine(attention="native", n_cache_tokens=4096)
        prompt = engine.encode(draw_tokens(460, seed=1))
        rows = [Row([prompt, engine.block()], draw_tokens(40, seed=i)) for i in range(4)]
        logits.append(engine.forward(rows))
    torch.testing.assert_close(logits[0], logits[1], rtol=0, atol=1e-6)


# ---------------------------------------------------------------- where it is used


def test_it_is_what_an_engine_takes_on_a_cpu_in_float32() -> None:
    assert fastest_kind(CONFIG, torch.float32, CPU) == "native"
    assert "native attention" in repr(tiny_engine(attention=None))


@pytest.mark.parametrize(
    ("dtype", "device", "config"),
    [
        (torch.float64, CPU, CONFIG),
        (torch.bfloat16, CPU, CONFIG),
        (torch.float32, torch.device("meta"), CONFIG),
        (torch.float32, CPU, shaped(head_dim=576)),
    ],
)
def test_elsewhere_an_engine_takes_torch(
    dtype: torch.dtype, device: torch.device, config: ModelConfig
) -> None:
    assert fastest_kind(config, dtype, device) == "torch"


def test_without_a_compiler_an_engine_takes_torch_and_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    build.load_library.cache_clear()
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    assert fastest_kind(CONFIG, torch.float32, CPU) == "torch"
    assert (
        "slower: Native code is compiled where it runs, and there is no C compiler" in caplog.text
    )


def test_asked_for_where_it_cannot_work_it_says_why() -> None:
    with pytest.raises(
        EngineError, match=r"it computes in float32, and the model has torch\.float64"
    ):
        tiny_engine(attention="native", dtype=torch.float64)
