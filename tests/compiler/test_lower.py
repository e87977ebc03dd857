"""Lowering on plain data: views become lists of blocks, nodes become pieces."""

import pytest

from hogdsl import plan
from hogdsl.compiler.ir import CommitRule
from hogdsl.compiler.lower import kept_blocks, lower, lower_node
from hogdsl.compiler.nodes import Node, merge_texts
from tests.compiler.build import (
    ask,
    at,
    close,
    gen,
    history,
    region,
    sees,
    select,
    stream,
    text,
    turn,
    until,
    wait,
)

COMMIT = CommitRule(step="\n", header="{name}: ")


@pytest.mark.parametrize(
    ("node", "piece"),
    [
        (text("a"), plan.Text(text="a")),
        (turn("user", "hi"), plan.Turn(role="user", prefix="hi")),
        (close(), plan.CloseTurn()),
        (gen("x", max_tokens=3, stop="."), plan.Gen(name="x", max_tokens=3, stop=(".",))),
        (select("x", "a", "b"), plan.Select(name="x", choices=("a", "b"))),
    ],
)
def test_every_node_has_its_piece(node: Node, piece: plan.Piece):
    assert lower_node(node) == piece


def test_neighbouring_texts_become_one_and_empty_ones_none():
    nodes = (text(""), text("a"), text("b"), gen(), text(""), text("c"), text(""))
    assert merge_texts(nodes) == (text("ab"), gen(), text("c"))


def test_a_view_is_scope_items_and_own_block():
    lowered = lower(region(stream("a", views=(sees("b"),)), stream("b"), scope=("s0", "s1")))
    assert [s.view for s in lowered.streams] == [
        ("s0", "s1", "r.b", "r.a"),
        ("s0", "s1", "r.b"),
    ]


def test_texts_are_named_by_the_stream_that_has_them_first():
    both = (turn("user", "q"), close())
    lowered = lower(
        region(stream("a", views=both), stream("b", views=(*both, sees("a"), text("!"))))
    )
    assert [s.view for s in lowered.streams] == [
        ("r.a/0", "r.a"),
        ("r.a/0", "r.a", "r.b/0", "r.b"),
    ]
    assert lowered.blocks[2:] == (
        plan.TextBlock(name="r.a/0", pieces=(plan.Turn(role="user", prefix="q"), plan.CloseTurn())),
        plan.TextBlock(name="r.b/0", pieces=(plan.Text(text="!"),), after=("r.a/0", "r.a")),
    )


def test_empty_texts_make_no_block():
    lowered = lower(region(stream("a", views=(text(""), sees("b"), text(""))), stream("b")))
    assert lowered.streams[0].view == ("r.b", "r.a")


def test_a_text_block_is_declared_after_the_texts_it_follows():
    views = (text("1"), sees("b"), text("2"))
    lowered = lower(region(stream("a", views=views), stream("b", views=(text("1"),))))
    names = [block.name for block in lowered.blocks]
    for block in lowered.blocks:
        if isinstance(block, plan.TextBlock):
            assert all(names.index(before) < names.index(block.name) for before in block.after)


def test_the_history_exists_once_and_comes_first():
    workers = [
        stream(name, role="worker", views=(history(),), commit=COMMIT) for name in ("a", "b")
    ]
    lowered = lower(region(*workers))
    assert lowered.blocks == (
        plan.HistoryBlock(name="r/history"),
        plan.StreamBlock(name="r.a"),
        plan.StreamBlock(name="r.b"),
    )
    assert lowered.streams[0].view == ("r/history", "r.a")
    assert lowered.streams[1].commit == plan.Commit(into="r/history", step="\n", header="{name}: ")


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        (None, ("r/history", "r.a", "r.b")),
        (("b", "a"), ("r/history", "r.a", "r.b")),
        (("b",), ("r/history", "r.b")),
        ((), ()),
    ],
)
def test_kept_blocks_are_the_history_and_the_streams_in_their_order(
    keep: tuple[str, ...] | None, kept: tuple[str, ...]
):
    whole = region(stream("a", commit=COMMIT), stream("b", commit=COMMIT), keep=keep)
    assert kept_blocks(whole) == lower(whole).keep == kept


def test_rules_name_streams_and_asks():
    paced = wait("b", ask("a"), each=",")
    lowered = lower(
        region(stream("a"), stream("b"), waits=(paced,), untils=(until(None),), max_seconds=2.5)
    )
    assert lowered.asks == (plan.Ask(name="a?0", stream="a", question="ready?", every=4),)
    assert lowered.waits == (plan.Wait(stream="b", ask="a?0", each=","),)
    assert lowered.until == (plan.Until(streams=("a", "b"), regex="done", n=2),)
    assert (lowered.max_seconds, lowered.where) == (2.5, "program.py:99")


def test_places_play_no_part_in_what_is_equal():
    assert gen("x", line=1) == gen("x", line=2)
    assert at(1) != at(2)
