"""Law 5: what was written step by step can be computed again in one parallel pass."""

import gc
from collections.abc import Sequence

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hogdsl.errors import CapacityError, EngineError
from runtime import Block, Row, restore
from runtime.attention import Span, SpanRow
from runtime.attention.pieces import LONG_SPAN_TOKENS, cut_pieces
from runtime.engine import Engine
from runtime.history import Written
from tests.engine.conftest import MakeEngine
from tests.engine.restoring import Story, cached, n_own_pages, suspend_and_restore
from tests.engine.tiny import CONFIG, draw_tokens, tiny_engine

drawn = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def team(engine: Engine, n_steps: int = 12) -> list[Block]:
    """A prompt, a history, and two streams that see each other and commit now and then."""
    prompt, history = engine.encode(draw_tokens(21)), engine.block()
    a, b = engine.block(), engine.block()
    for step in range(n_steps):
        one, two = draw_tokens(2, seed=step)
        rows = [Row([prompt, history, b, a], [one]), Row([prompt, history, a, b], [two])]
        engine.forward(rows)
        if step % 5 == 4:
            engine.commit(a if step % 2 else b, into=history)
    return [prompt, history, a, b]


# ---------------------------------------------------------------- law 5


@drawn
@given(data=st.data())
def test_restored_blocks_have_the_keys_values_and_logits_of_a_run_step_by_step(
    make_engine: MakeEngine, data: st.DataObject
) -> None:
    story = Story(make_engine(), data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(restore, "PASS_TOKENS", data.draw(st.sampled_from([1, 10, 1000])))
        for _ in range(data.draw(st.integers(1, 10))):
            story.go_on()
        story.suspend_and_restore()
        story.go_on()
        story.suspend_and_restore()


@settings(drawn, max_examples=8)
@given(data=st.data())
@pytest.mark.parametrize("attention", ["reference", "torch"])
def test_restoring_is_exact_in_float64(attention: str, data: st.DataObject) -> None:
    story = Story(tiny_engine(attention=attention, dtype=torch.float64), data)
    for _ in range(data.draw(st.integers(1, 10))):
        story.go_on()
    story.suspend_and_restore()


def test_a_team_that_wrote_hundreds_of_steps_is_restored(make_engine: MakeEngine) -> None:
    engine = make_engine()
    prompt, *others = team(engine, n_steps=160)
    suspend_and_restore(engine, others, [prompt])
    suspend_and_restore(engine, [prompt, *others], [])


def test_a_stream_is_restored_after_all_that_it_saw_was_freed(make_engine: MakeEngine) -> None:
    engine = make_engine()
    prompt, history, a, b = team(engine)
    engine.free(prompt, history, b)
    suspend_and_restore(engine, [a], [])


def test_a_stream_is_restored_while_those_that_it_saw_stay_suspended(
    make_engine: MakeEngine,
) -> None:
    engine = make_engine()
    blocks = team(engine)
    before = cached(engine, blocks)
    engine.suspend(*blocks)
    for n in range(4, 0, -1):
        engine.restore(*blocks[n - 1 :])
        engine.check()
        torch.testing.assert_close(
            cached(engine, blocks[n - 1 :]), before[n - 1 :], rtol=0, atol=1e-4
        )


# ---------------------------------------------------------------- what it costs


def test_only_what_is_missing_is_computed() -> None:
    engine = tiny_engine()
    prompt, a, b = engine.encode(draw_tokens(50)), engine.block(), engine.block()
    engine.forward([Row([prompt, b, a], [1, 2, 3]), Row([prompt, a, b], [4, 5])])
    scratch = engine.block()
    engine.forward([Row([prompt, a, scratch], [9]), Row([prompt, b, a], [6])])
    engine.free(scratch)
    engine.crop(b, 1)
    engine.suspend(a)
    assert restored_tokens(engine, [a]) == [[1, 2, 3, 5, 6]]
    engine.free(b)
    engine.suspend(a)
    assert restored_tokens(engine, [a]) == [[1, 2, 3, 4, 5, 6]]


def test_what_the_radix_cache_has_still_is_not_computed() -> None:
    """Pages have four tokens: what fills none at the end of a block is computed."""
    engine = tiny_engine()
    text = draw_tokens(50)
    prompt, rest, answer = engine.encode(text[:7]), engine.block(), engine.block()
    engine.forward([Row([prompt, rest], text[7:])])
    engine.remember(rest)
    engine.forward([Row([prompt, rest, answer], [1])])
    blocks = [prompt, rest, answer]
    before = cached(engine, blocks)
    engine.suspend(*blocks)
    assert engine.n_pages_to_restore(*blocks) == 3
    assert restored_tokens(engine, blocks) == [[*text[4:7], *text[48:], 1]]
    engine.check()
    torch.testing.assert_close(cached(engine, blocks), before, rtol=0, atol=1e-4)


def test_what_another_block_has_meanwhile_written_is_read_again_where_the_text_is_the_same() -> (
    None
):
    engine = tiny_engine()
    text = draw_tokens(16)
    block = engine.encode(text)
    engine.suspend(block)
    engine.tree.evict(engine.tree.n_used)
    engine.free(engine.encode([*text[:8], *draw_tokens(8, seed=1)]))
    assert restored_tokens(engine, [block]) == [text[8:]]
    engine.check()


def test_nothing_is_read_again_in_another_namespace_or_of_a_text_that_saw_others() -> None:
    engine = tiny_engine()
    text = draw_tokens(16)
    bobs, other, seeing = engine.block(namespace="bob"), engine.block(), engine.block()
    engine.forward([Row([bobs], text)])
    engine.forward([Row([seeing, other], text), Row([other, seeing], text)])
    engine.suspend(bobs, seeing)
    engine.free(engine.encode(text))
    assert restored_tokens(engine, [bobs]) == [text]
    assert restored_tokens(engine, [seeing]) == [text]


def test_room_for_a_suspended_block_is_not_made_of_what_it_reads_again() -> None:
    engine = tiny_engine(n_cache_tokens=40)
    mine, theirs = draw_tokens(16), draw_tokens(16, seed=1)
    block = engine.encode(mine)
    engine.suspend(block)
    engine.free(engine.encode(theirs))
    assert engine.make_room({block: 16}) == 0
    engine.check()
    assert engine.pages.n_free == 4
    assert restored_tokens(engine, [block]) == []
    assert engine.make_room({block: 24}) == 0
    assert engine.make_room({block: 28}) == 1


def test_a_long_history_goes_in_passes_of_bounded_size_that_end_with_a_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(restore, "PASS_TOKENS", 4)
    engine = tiny_engine()
    a, b = engine.block(), engine.block()
    for step in range(6):
        engine.forward([Row([b, a], [step]), Row([a, b], [step, 20])])
    engine.suspend(a, b)
    passes = restored_tokens(engine, [a, b])
    assert [sorted(tokens) for tokens in passes] == [
        [0, 0, 1, 1, 20, 20],
        [2, 2, 3, 3, 20, 20],
        [4, 4, 5, 5, 20, 20],
    ]


def test_scratch_pages_are_free_again_when_nothing_reads_them_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Many thoughts were thought and freed; there was never room for two of them at once."""
    monkeypatch.setattr(restore, "PASS_TOKENS", 1)
    engine = tiny_engine(n_cache_tokens=60)
    reply = engine.block()
    for turn in range(8):
        thoughts = engine.encode(draw_tokens(20, seed=turn), after=[reply])
        engine.forward([Row([thoughts, reply], draw_tokens(2, seed=turn))])
        engine.free(thoughts)
    assert engine.n_pages_to_restore(reply) == 0
    before = cached(engine, [reply])
    engine.suspend(reply)
    assert engine.n_pages_to_restore(reply) == 4 + 5
    engine.restore(reply)
    engine.check()
    torch.testing.assert_close(cached(engine, [reply]), before, rtol=0, atol=1e-4)


def test_many_rows_that_see_beginnings_of_one_span_read_one_piece() -> None:
    rows = [SpanRow([Span(64, n, 0)], n, 1) for n in range(1, 241)]
    assert max(row.n_tokens for row in rows) < LONG_SPAN_TOKENS
    pieces = cut_pieces(rows, CONFIG.n_heads)
    assert [(p.slot, p.in_place, p.n_keys, p.n_queries) for p in pieces] == [(64, True, 240, 240)]


def test_nothing_is_remembered_of_text_that_no_living_token_has_seen() -> None:
    gc.collect()
    n_before = n_runs_alive()
    engine = tiny_engine()
    blocks = team(engine)
    assert n_runs_alive() == n_before + 25
    lonely = engine.encode([1, 2])
    engine.free(*blocks)
    gc.collect()
    assert n_runs_alive() == n_before + 1
    assert lonely.log.n_tokens == 2


# ---------------------------------------------------------------- rules and failures


def test_a_suspended_block_can_neither_be_seen_nor_changed() -> None:
    engine = tiny_engine()
    block, other = engine.block(), engine.block()
    engine.forward([Row([block], [1, 2])])
    engine.suspend(block, block)
    engine.suspend(block)
    unseen = "block 0 is suspended and has no keys. Restore it."
    unchanged = "block 0 is suspended; only an open block can change."
    for message, deed in [
        (f"Row 0: {unseen}", lambda: engine.forward([Row([block, other], [1])])),
        (f"Row 0: {unseen}", lambda: engine.forward([Row([block.first(1), other], [1])])),
        (f"Row 0: {unseen}", lambda: engine.forward([Row([other, block], [1])])),
        (f"seal: {unseen}", lambda: engine.seal(block)),
        (f"crop: {unchanged}", lambda: engine.crop(block, 1)),
        (f"commit: {unchanged}", lambda: engine.commit(block, into=other)),
        (f"commit into: {unchanged}", lambda: engine.commit(other, into=block)),
    ]:
        with pytest.raises(EngineError) as caught:
            deed()
        assert str(caught.value) == message
    assert (repr(block), engine.pages.n_used) == ("<Block 0 suspended, 2 tokens>", 0)
    engine.restore(block)
    assert (repr(block), engine.pages.n_used) == ("<Block 0 open, 2 tokens>", 1)


def test_a_suspended_block_can_be_freed() -> None:
    engine = tiny_engine()
    block, other = engine.encode([1, 2]), engine.encode([3])
    engine.suspend(block, other)
    engine.free(block)
    engine.check()
    with pytest.raises(EngineError, match="restore: block 0 was freed"):
        engine.restore(other, block)
    with pytest.raises(EngineError, match="suspend: block 0 was freed"):
        engine.suspend(block)
    assert other.state == "suspended"
    engine.restore(other)
    assert (other.state, engine.pages.n_used) == ("sealed", 1)


def test_blocks_that_have_their_keys_stay_as_they_are() -> None:
    engine = tiny_engine()
    blocks = team(engine)
    before = cached(engine, blocks)
    assert restored_tokens(engine, blocks) == []
    torch.testing.assert_close(cached(engine, blocks), before, rtol=0, atol=0)


def test_a_restoration_that_finds_no_room_changes_nothing(make_engine: MakeEngine) -> None:
    engine = make_engine(n_cache_tokens=80)
    text, own = engine.encode(draw_tokens(20)), engine.block()
    engine.forward([Row([text, own], draw_tokens(30, seed=1))])
    engine.free(text)
    before = cached(engine, [own])
    engine.suspend(own)
    other = engine.encode(draw_tokens(32, seed=2))
    with pytest.raises(CapacityError) as caught:
        engine.restore(own)
    assert str(caught.value) == (
        "restore: 13 pages are needed, 5 of them only meanwhile, for text that was seen and is "
        "gone; 7 of 20 are free, and 5 could be. Free, crop or suspend other blocks first."
    )
    assert (own.state, engine.pages.n_free) == ("suspended", 7)
    engine.check()
    engine.suspend(other)
    engine.restore(own)
    torch.testing.assert_close(cached(engine, [own]), before, rtol=0, atol=1e-4)


@pytest.mark.parametrize("n_passes", [0, 2])
def test_a_restoration_in_which_the_model_fails_can_be_repeated(
    monkeypatch: pytest.MonkeyPatch, n_passes: int
) -> None:
    monkeypatch.setattr(restore, "PASS_TOKENS", 4)
    engine = tiny_engine()
    blocks = team(engine)
    before = cached(engine, blocks)
    engine.suspend(*blocks)
    whole, n_calls = engine._suspension._compute, 0

    def failing(rows: Sequence[SpanRow], tokens: Sequence[int]) -> object:
        nonlocal n_calls
        n_calls += 1
        found = whole(rows, tokens)
        if n_calls > n_passes:
            raise MemoryError("no memory in the middle of a restoration")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(engine._suspension, "_compute", failing)
        with pytest.raises(MemoryError):
            engine.restore(*blocks)
    engine.check()
    assert n_own_pages(engine) == 0
    assert {block.state for block in blocks} == {"suspended"}
    engine.restore(*blocks)
    assert n_own_pages(engine) == sum(engine.pages.n_held(block.number) for block in blocks)
    torch.testing.assert_close(cached(engine, blocks), before, rtol=0, atol=1e-4)


def restored_tokens(engine: Engine, blocks: Sequence[Block]) -> list[list[int]]:
    """Restore, and tell the tokens that each pass computed, in their order."""
    passes: list[list[int]] = []
    whole = engine._suspension._compute

    def listening(rows: Sequence[SpanRow], tokens: Sequence[int]) -> object:
        passes.append(list(tokens))
        return whole(rows, tokens)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine._suspension, "_compute", listening)
        engine.restore(*blocks)
    return passes


def n_runs_alive() -> int:
    return sum(type(thing) is Written for thing in gc.get_objects())
