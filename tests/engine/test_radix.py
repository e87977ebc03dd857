"""Texts that were encoded before are read again, and only where the whole view is equal."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from hogdsl.errors import CapacityError, EngineError
from runtime import Block, Row
from runtime.engine import Engine
from runtime.views import resolve, span_rows
from tests.engine.conftest import MakeEngine
from tests.engine.tiny import CONFIG, draw_tokens, tiny_engine
from tests.engine.twin import Twin

TEXT = draw_tokens(30)


class Counting:
    """An engine that counts the tokens which its model computes."""

    def __init__(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.engine, self.n_computed = engine, 0
        hidden = engine.transformer.hidden

        def counted(tokens: Tensor, attend: object) -> Tensor:
            self.n_computed += len(tokens)
            return hidden(tokens, attend)  # pyright: ignore[reportArgumentType]

        monkeypatch.setattr(engine.transformer, "hidden", counted)

    def encode(self, tokens: list[int], after: tuple[Block, ...] = (), **settings: str) -> int:
        """Encode, check, free; returns how many tokens were computed."""
        before = self.n_computed
        block = self.engine.encode(tokens, after, **settings)
        assert block.tokens == tokens
        self.engine.check()
        self.engine.free(block)
        return self.n_computed - before


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    return Counting(tiny_engine(), monkeypatch)


def logits(engine: Engine, view: list[Block], tokens: list[int]) -> Tensor:
    own = engine.block()
    found = engine.forward([Row([*view, own], tokens, n_logits=len(tokens))])
    engine.free(own)
    return found


# ---------------------------------------------------------------- what is found


def test_a_second_prompt_of_1000_tokens_is_encoded_up_to_its_last_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = tiny_engine(
        config=replace(CONFIG, context_length=1024), n_cache_tokens=4096, page_size_tokens=16
    )
    counting = Counting(engine, monkeypatch)
    prompt = draw_tokens(1000)
    assert [counting.encode(prompt) for _ in range(2)] == [1000, 1000 % 16]


def test_what_is_found_gives_the_same_logits(make_engine: MakeEngine) -> None:
    engine, plain = make_engine(), make_engine(radix=False)
    engine.free(engine.encode(TEXT))
    again = engine.encode(TEXT)
    assert again.node is not None
    expected = logits(plain, [plain.encode(TEXT)], [1, 2, 3])
    torch.testing.assert_close(logits(engine, [again], [1, 2, 3]), expected, rtol=0, atol=1e-5)


def test_a_text_is_found_behind_the_same_view_however_that_is_cut(counting: Counting) -> None:
    engine = counting.engine
    engine.free(engine.encode(TEXT))
    first = engine.encode(TEXT[:10])
    second = engine.encode(TEXT[10:13], after=[first])
    assert counting.encode(TEXT[13:], (first, second)) == 30 % 4


def test_pages_that_hold_the_end_of_one_text_and_the_begin_of_the_next_are_found(
    make_engine: MakeEngine,
) -> None:
    """The beginning of such a page was copied from the text before."""
    twin = Twin(make_engine())
    for turn in range(2):
        names = [f"{turn}{name}" for name in "abcd"]
        texts = [TEXT[:9], TEXT[9:10], TEXT[10:21], TEXT[21:]]
        for index, (name, text) in enumerate(zip(names, texts, strict=True)):
            twin.encode(name, text, after=names[:index])
        twin.block("own")
        twin.forward(([*names, "own"], draw_tokens(3, seed=1)))
        assert twin.blocks[names[2]].base == 10
        assert twin.blocks[names[2]].shared != ()
    assert twin.engine.tree.n_used == 7


def test_a_page_that_several_texts_fill_is_whole_for_one_that_reads_all_of_it(
    make_engine: MakeEngine,
) -> None:
    twin = Twin(make_engine())
    twin.encode("a", TEXT[:9])
    twin.encode("b", TEXT[9:10], after=["a"])
    twin.encode("c", TEXT[10:21], after=["a", "b"])
    for name in "abc":
        twin.free(name)
    twin.encode("all", TEXT)
    twin.block("own")
    twin.forward((["all", "own"], draw_tokens(3, seed=1)))
    assert twin.engine.tree.n_hits == 5


def test_a_text_behind_another_view_is_not_found(counting: Counting) -> None:
    engine = counting.engine
    engine.free(engine.encode(TEXT))
    other = engine.encode(draw_tokens(8, seed=1))
    assert counting.encode(TEXT, (other,)) == 30


def test_a_text_encoded_after_nothing_is_encoded_once_and_placed_anywhere(
    make_engine: MakeEngine,
) -> None:
    twin = Twin(make_engine())
    twin.encode("prompt", draw_tokens(7, seed=1))
    for name in ("one", "two"):
        twin.encode(name, TEXT)
        twin.block("own")
        twin.forward((["prompt", name, "own"], [3, 4]))
    assert twin.blocks["two"].shared == twin.blocks["one"].shared != ()


def test_texts_of_two_namespaces_share_nothing(counting: Counting) -> None:
    found = [counting.encode(TEXT, namespace=name) for name in ("ann", "bob", "ann", "")]
    assert found == [30, 30, 2, 30]


def test_without_the_radix_cache_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting(tiny_engine(radix=False), monkeypatch)
    assert [counting.encode(TEXT) for _ in range(2)] == [30, 30]
    assert counting.engine.pages.n_used == 0


def test_streams_that_see_each_other_give_nothing_to_the_tree() -> None:
    engine = tiny_engine()
    a, b = engine.block(), engine.block()
    for _ in range(9):
        engine.forward([Row([b, a], [1]), Row([a, b], [2])])
    engine.remember(a, b)
    assert engine.tree.n_used == 0


def test_a_plain_stream_is_found_by_a_prompt_that_repeats_it(counting: Counting) -> None:
    engine = counting.engine
    prompt, own = engine.encode(TEXT[:5]), engine.block()
    for token in TEXT[5:]:
        engine.forward([Row([prompt, own], [token])])
    engine.remember(own)
    engine.free(prompt, own)
    assert counting.encode([*TEXT, 1]) == 3


def test_a_stream_goes_on_behind_pages_that_it_gave(make_engine: MakeEngine) -> None:
    twin = Twin(make_engine())
    twin.encode("prompt", TEXT[:5])
    twin.block("own")
    for step in range(10):
        twin.forward((["prompt", "own"], draw_tokens(3, seed=step)))
        twin.engine.remember(twin.blocks["own"])
        twin.engine.check()
    assert len(twin.engine._holdings.runs(twin.blocks["own"])) == 1


def test_a_text_whose_beginning_was_freed_before_it_was_given_is_not_kept() -> None:
    engine = tiny_engine()
    first, second = engine.block(), engine.block()
    engine.forward([Row([first], TEXT[:3]), Row([first, second], TEXT[3:])])
    engine.free(first)
    engine.remember(second)
    assert engine.tree.n_used == 0
    engine.check()


def test_a_text_whose_beginning_was_rewritten_before_it_was_given_is_not_kept() -> None:
    engine = tiny_engine()
    first, second = engine.block(), engine.block()
    engine.forward([Row([first], TEXT[:3]), Row([first, second], TEXT[3:])])
    engine.crop(first, 2)
    engine.forward([Row([first], [TEXT[2] ^ 1])])
    engine.remember(second)
    assert engine.tree.n_used == 0
    engine.check()


# ---------------------------------------------------------------- what a block does with it


@pytest.mark.parametrize("n_kept", [28, 17, 16, 15, 4, 3, 1, 0])
def test_a_block_that_is_cropped_inside_its_shared_pages_can_be_written_again(
    make_engine: MakeEngine, n_kept: int
) -> None:
    twin = Twin(make_engine())
    twin.encode("text", TEXT)
    twin.block("own")
    own = twin.blocks["own"]
    assert twin.engine.find(own, [], TEXT) == 28
    twin.world.blocks["own"] = twin.world.blocks["text"]
    twin.world.crop("own", 28)
    twin.crop("own", n_kept)
    twin.engine.check()
    twin.forward((["own"], draw_tokens(6, seed=1)))
    twin.block("other")
    twin.forward((["text", "other"], draw_tokens(3, seed=2)))


def test_a_history_takes_over_shared_pages_without_touching_them(make_engine: MakeEngine) -> None:
    twin = Twin(make_engine())
    twin.encode("text", TEXT)
    for name in ("history", "own", "other"):
        twin.block(name)
    for name in ("own", "history"):
        twin.engine.find(twin.blocks[name], [], TEXT[:20])
        twin.world.blocks[name] = twin.world.blocks["text"]
        twin.world.crop(name, 20)
    twin.crop("history", 18)
    twin.commit("own", into="history")
    twin.engine.check()
    twin.forward((["history", "own"], draw_tokens(3)), (["text", "other"], draw_tokens(2)))


def test_pages_that_nobody_reads_make_room_and_those_that_are_read_stay() -> None:
    engine = tiny_engine(n_cache_tokens=64)
    kept = engine.encode(TEXT)
    engine.free(engine.encode(draw_tokens(30, seed=1)))
    assert (engine.pages.n_free, engine.tree.n_evictable) == (1, 7)
    before = logits(engine, [kept], [1])
    other = engine.encode(draw_tokens(32, seed=2))
    assert (engine.pages.n_free, engine.tree.n_evictable) == (0, 0)
    engine.check()
    with pytest.raises(CapacityError, match="1 more pages are needed, 0 of 16 are free"):
        engine.forward([Row([engine.block()], [1])])
    engine.free(other)
    torch.testing.assert_close(logits(engine, [kept], [1]), before, rtol=0, atol=1e-5)


def test_room_that_cannot_be_made_is_refused_and_nothing_is_evicted() -> None:
    engine = tiny_engine(n_cache_tokens=64)
    engine.encode(TEXT)
    engine.free(engine.encode(draw_tokens(8, seed=1)))
    with pytest.raises(CapacityError) as caught:
        engine.encode(draw_tokens(36, seed=2))
    assert str(caught.value) == (
        "The cache is full: 9 more pages are needed, 6 of 16 are free and 2 can be evicted. Free "
        "or crop blocks, or make the cache larger."
    )
    block = engine.block(base=0)
    assert engine.make_room({block: 36}) == 1
    assert engine.tree.n_evictable == 2
    assert engine.make_room({block: 32}) == 0
    assert (engine.pages.n_free, engine.tree.n_evictable) == (8, 0)


def test_only_an_empty_block_can_be_given_a_text() -> None:
    engine = tiny_engine()
    block = engine.block()
    engine.forward([Row([block], [1])])
    with pytest.raises(EngineError) as caught:
        engine.find(block, [], TEXT)
    assert str(caught.value) == (
        "find: block 0 has 1 tokens. Only an empty block can be given the beginning of a text; "
        "make a new one."
    )


def test_a_copy_that_fails_leaves_the_block_in_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = tiny_engine()
    engine.free(engine.encode(TEXT))
    block = engine.block()
    engine.find(block, [], TEXT)
    engine.crop(block, 17)
    before = block.shared, engine.pages.n_used

    def fail(*_: object) -> None:
        raise MemoryError("no memory for the copy")

    with monkeypatch.context() as patch:
        patch.setattr(engine._reuse, "_move", fail)
        with pytest.raises(MemoryError):
            engine.forward([Row([block], [1])])
    assert (block.shared, engine.pages.n_used) == before
    engine.check()


def test_a_text_and_its_continuation_are_one_span_for_attention() -> None:
    engine = tiny_engine()
    engine.free(engine.encode(TEXT))
    view = [engine.encode(TEXT[:16])]
    own = engine.block()
    engine.find(own, view, TEXT[16:])
    rows = resolve([Row([*view, own], TEXT[28:])], engine._blocks, engine.config)
    engine._holdings.take(own, 16, 2)
    [row] = span_rows(rows, engine._holdings.layout)
    assert [(span.n_tokens, span.rotated_for) for span in row.spans] == [(30, 0)]
