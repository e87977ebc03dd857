"""Life of blocks: encode, seal, crop, commit, free; and the pages that they hold (law 7)."""

import pytest
import torch
from torch import Tensor

from hogdsl.errors import CapacityError, InternalError
from runtime import Block, Row
from runtime.engine import Engine
from tests.engine.conftest import MakeEngine
from tests.engine.tiny import draw_tokens, tiny_engine
from tests.engine.twin import Twin


def test_a_new_block_is_open_and_holds_no_page(make_engine: MakeEngine) -> None:
    engine = make_engine()
    block = engine.block()
    assert (block.n_tokens, block.sealed, engine.pages.n_used) == (0, False, 0)
    assert repr(block) == "<Block 0 open, 0 tokens>"


def test_an_encoded_block_is_sealed_and_lies_in_one_run_of_pages() -> None:
    engine = tiny_engine()
    for _ in range(3):
        engine.forward([Row([engine.block()], [1])])
    block = engine.encode(draw_tokens(90))
    assert block.sealed
    assert block.tokens == draw_tokens(90)
    assert [run.n_pages for run in engine._holdings.runs(block)] == [23]


def test_a_long_text_is_encoded_in_chunks_with_the_same_result(
    make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, tokens = make_engine(), draw_tokens(50)
    whole = engine.forward([Row([engine.encode(tokens), engine.block()], [1])])
    monkeypatch.setattr("runtime.engine.ENCODE_CHUNK_TOKENS", 7)
    chunked = engine.forward([Row([engine.encode(tokens), engine.block()], [1])])
    torch.testing.assert_close(chunked, whole, rtol=0, atol=1e-5)


def test_an_encoding_that_fails_leaves_no_block_behind(
    make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_engine()
    monkeypatch.setattr("runtime.engine.ENCODE_CHUNK_TOKENS", 7)
    monkeypatch.setattr(engine, "forward", _failing_at(engine, call=3))
    before = repr(engine)
    with pytest.raises(MemoryError):
        engine.encode(draw_tokens(30))
    assert repr(engine) == before
    engine.check()


def test_a_cropped_block_frees_its_pages_and_can_be_written_again(make_engine: MakeEngine) -> None:
    twin = Twin(make_engine())
    twin.block("own")
    twin.forward((["own"], draw_tokens(18)))
    for n_tokens, n_pages in ((17, 5), (16, 4), (5, 2), (0, 0)):
        twin.crop("own", n_tokens)
        assert twin.engine.pages.n_used == n_pages
    twin.forward((["own"], draw_tokens(7, seed=1)))


def test_commit_moves_all_tokens_and_leaves_an_empty_open_block(make_engine: MakeEngine) -> None:
    twin = Twin(make_engine())
    for name in ("history", "a"):
        twin.block(name)
    history, a = twin.blocks["history"], twin.blocks["a"]
    for step in range(3):
        twin.forward((["history", "a"], draw_tokens(5, seed=step)))
        twin.commit("a", into="history")
        assert (a.tokens, a.sealed, twin.engine.pages.n_held(a.number)) == ([], False, 0)
    assert history.tokens == [*draw_tokens(5, 0), *draw_tokens(5, 1), *draw_tokens(5, 2)]
    assert twin.engine.pages.n_used == 4
    twin.forward((["history", "a"], [1]))


def test_keys_that_were_committed_many_times_are_still_right(make_engine: MakeEngine) -> None:
    """Each commit turns the keys once more; the rounding must not pile up."""
    twin = Twin(make_engine())
    for name in ("a", "b", "other"):
        twin.block(name)
    twin.forward((["a"], draw_tokens(9)), (["a", "other"], draw_tokens(3)))
    for _ in range(25):
        for source, target in (("a", "b"), ("b", "a")):
            twin.forward((["other", target], [1]))
            twin.commit(source, into=target)
    twin.forward((["other", "b", "a"], [2]))


def test_commit_of_an_empty_block_changes_nothing(make_engine: MakeEngine) -> None:
    engine = make_engine()
    history, a = engine.block(), engine.block()
    engine.forward([Row([history], [1, 2])])
    engine.commit(a, into=history)
    assert (history.tokens, a.tokens) == ([1, 2], [])


def test_a_commit_that_finds_no_room_changes_nothing(make_engine: MakeEngine) -> None:
    engine = make_engine(n_cache_tokens=24)
    history, a = engine.block(), engine.block()
    engine.forward([Row([history], draw_tokens(4)), Row([a], draw_tokens(17))])
    with pytest.raises(CapacityError, match="5 more pages are needed, 0 of 6 are free"):
        engine.commit(a, into=history)
    assert (history.n_tokens, a.n_tokens) == (4, 17)
    engine.check()


def test_free_gives_all_pages_back(make_engine: MakeEngine) -> None:
    engine = make_engine()
    blocks = [engine.encode(draw_tokens(n)) for n in (1, 4, 5, 60)]
    blocks += [engine.block() for _ in range(3)]
    engine.forward([Row([blocks[3], own], draw_tokens(5)) for own in blocks[4:]])
    engine.commit(blocks[4], into=blocks[5])
    engine.free(*blocks, blocks[0])
    assert engine.pages.n_used == engine.tree.n_evictable
    engine.tree.evict(engine.pages.n_total)
    assert (engine.pages.n_used, engine.pages.n_free) == (0, engine.pages.n_total)
    assert {block.state for block in blocks} == {"freed"}
    engine.check()


def test_pages_of_a_freed_block_serve_another_one(make_engine: MakeEngine) -> None:
    """What the old block left in its slots must not be seen."""
    twin = Twin(make_engine(n_cache_tokens=64))
    for turn in range(6):
        twin.encode("text", draw_tokens(40, seed=turn))
        twin.block("own")
        twin.forward((["text", "own"], draw_tokens(3, seed=turn)))
        twin.free("text")
        twin.free("own")


def test_the_check_finds_a_block_with_a_page_too_many() -> None:
    engine = tiny_engine()
    block = engine.encode([1, 2])
    engine.pages.take(block.number, 1)
    with pytest.raises(InternalError) as caught:
        engine.check()
    assert str(caught.value) == "<Block 0 sealed, 2 tokens> holds 2 pages and needs 1."


def test_the_check_finds_a_block_that_is_said_to_lie_elsewhere() -> None:
    engine = tiny_engine()
    one, two = engine.encode([1, 2]), engine.encode([3, 4])
    engine._holdings._layouts[one.number] = engine._holdings.layout(two, 0)
    with pytest.raises(InternalError, match="Block 0 sealed, 2 tokens> is said to lie where"):
        engine.check()


@pytest.mark.parametrize("n_new", [1, 4, 5, 11])
def test_where_there_is_plenty_no_block_needs_more_wherever_it_stands(n_new: int) -> None:
    for base in [None, *range(8)]:
        for n_tokens in range(9):
            engine = tiny_engine(page_size_tokens=4)
            block = engine.block(base=base)
            if n_tokens:
                engine.forward([Row([block], [1] * n_tokens)])
            n_needed = engine._holdings._n_more(block, n_new)
            engine.pages.take("others", engine.pages.n_free - n_needed)
            assert engine.make_room({block: n_new}) == 0
            if n_needed:
                engine.pages.take("others", 1)
                assert not engine._holdings.has_plenty_for({block: n_new})


def test_the_check_finds_pages_of_a_block_that_does_not_exist() -> None:
    engine = tiny_engine()
    engine.pages.take(99, 1)
    with pytest.raises(InternalError, match=r"Pages belong to blocks \{99\}, which do not"):
        engine.check()


def test_streams_that_grow_side_by_side_stay_in_one_run_each() -> None:
    engine = tiny_engine()
    blocks: list[Block] = [engine.block() for _ in range(4)]
    for step in range(60):
        engine.forward([Row([own], [step % 7]) for own in blocks])
    assert [len(engine.pages.runs(block.number)) for block in blocks] == [1, 1, 1, 1]


def _failing_at(engine: Engine, call: int):
    """`engine.forward` that fails when it is called for the `call`-th time."""
    forward, n_calls = engine.forward, 0

    def failing(rows: list[Row]) -> Tensor:
        nonlocal n_calls
        n_calls += 1
        if n_calls == call:
            raise MemoryError("no memory")
        return forward(rows)

    return failing
