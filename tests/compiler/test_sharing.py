"""Prefix sharing on plain data: what is encoded once, and where it is cut."""

from hogdsl import plan
from hogdsl.compiler.sharing import messages, share

SYSTEM = (plan.Turn(role="system", prefix="be brief"), plan.CloseTurn())
ASK = (plan.Turn(role="user", prefix="why?"), plan.CloseTurn())
TELL = (plan.Turn(role="user", prefix="go!"), plan.CloseTurn())
NOTE = (plan.Text(text="note"),)


def shared(*views: tuple) -> tuple[list[tuple], tuple[tuple[str, ...], ...]]:
    blocks, named = share(views, lambda n: f"t{n}")
    return [(block.name, block.pieces, block.after) for block in blocks], named


def test_text_is_cut_before_every_chat_turn():
    assert messages((*NOTE, *SYSTEM, *ASK, *NOTE)) == [NOTE, SYSTEM, (*ASK, *NOTE)]
    assert messages(()) == []


def test_equal_views_have_one_text():
    assert shared((ASK, "a"), (ASK, "b")) == ([("t0", ASK, ())], (("t0", "a"), ("t0", "b")))


def test_views_that_begin_alike_share_the_messages_that_they_have_in_common():
    blocks, named = shared((SYSTEM, ASK, "a"), (SYSTEM, TELL, "b"))
    assert blocks == [("t0", SYSTEM, ()), ("t1", ASK, ("t0",)), ("t2", TELL, ("t0",))]
    assert named == (("t0", "t1", "a"), ("t0", "t2", "b"))


def test_a_cut_that_no_view_needs_is_not_made():
    blocks, named = shared((SYSTEM, ASK, TELL, "a"), (SYSTEM, ASK, TELL, "x", NOTE, "b"))
    assert blocks == [
        ("t0", (*SYSTEM, *ASK, *TELL), ()),
        ("t1", NOTE, ("t0", "x")),
    ]
    assert named == (("t0", "a"), ("t0", "x", "t1", "b"))


def test_a_view_that_ends_where_another_goes_on_needs_a_cut():
    blocks, named = shared((SYSTEM, "a"), (SYSTEM, ASK, "b"))
    assert blocks == [("t0", SYSTEM, ()), ("t1", ASK, ("t0",))]
    assert named == (("t0", "a"), ("t0", "t1", "b"))


def test_equal_texts_after_different_blocks_are_different():
    blocks, _ = shared(("x", NOTE, "a"), ("y", NOTE, "b"))
    assert blocks == [("t0", NOTE, ("x",)), ("t1", NOTE, ("y",))]


def test_a_text_is_declared_after_those_that_it_follows():
    blocks, _ = shared((ASK, "b", NOTE, "a"), (SYSTEM, "a", NOTE, "b"), (ASK, "c"))
    known: set[str] = {"a", "b", "c"}
    for name, _, after in blocks:
        assert set(after) <= known
        known.add(name)
