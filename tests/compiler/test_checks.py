"""Each check on plain data: what it lets pass, what it stops, and where it points."""

from collections.abc import Callable

import pytest

from hogdsl.compiler.check import check
from hogdsl.compiler.ir import Item, RegionIR, quoted
from hogdsl.compiler.names import check_names
from hogdsl.compiler.termination import check_termination, generates, is_bounded
from hogdsl.compiler.views import check_views, default_view
from hogdsl.compiler.waits import check_waits, find_circle
from hogdsl.compiler.writers import Pen, check_pen, check_writers
from hogdsl.errors import ProgramError
from tests.compiler.build import (
    ask,
    at,
    gen,
    region,
    sees,
    select,
    stream,
    text,
    until,
    wait,
)


def stops(checked: Callable[[RegionIR], None], faulty: RegionIR) -> tuple[int | None, str]:
    with pytest.raises(ProgramError) as caught:
        checked(faulty)
    return caught.value.line, caught.value.rule


def names(of: RegionIR) -> None:
    check_names(of, {})


def test_a_region_that_keeps_all_rules_passes():
    paced = wait("b", ask("a"))
    check(
        region(
            stream("a", gen("x"), gen("y"), max_tokens=3),
            stream("b", gen("x"), role="say"),
            waits=(paced,),
            untils=(until(2),),
            keep=("b",),
        ),
        {"x": at(1)},
    )


# ---------------------------------------------------------------- names


def test_a_value_has_one_name_in_its_stream():
    faulty = region(stream("a", gen("x", line=3), text(" "), gen("x", line=5)))
    line, rule = stops(names, faulty)
    assert line == 5
    assert rule.startswith("the name 'x' is used twice: program.py:3 has it already.")


def test_gen_and_select_share_their_names():
    line, _ = stops(names, region(stream("a", gen("x", line=3), select("x", "y"))))
    assert line == 1


def test_values_of_different_streams_may_have_the_same_name():
    names(region(stream("a", gen("x")), stream("b", gen("x"))))


def test_values_of_the_scope_keep_their_names_over_the_whole_run():
    main = region(stream("main", gen("x", line=9), role="main"))
    with pytest.raises(ProgramError) as caught:
        check_names(main, {"x": at(2)})
    assert caught.value.line == 9
    assert "program.py:2" in caught.value.rule


def test_values_of_a_worker_may_have_names_of_the_scope():
    check_names(region(stream("a", gen("x"))), {"x": at(2)})


def test_values_without_a_name_are_no_names():
    names(region(stream("a", gen(), gen())))


@pytest.mark.parametrize("name", ["", "a/b", "main"])
def test_a_stream_has_a_name_that_its_blocks_can_have(name: str):
    line, _ = stops(names, region(stream(name, line=4)))
    assert line == 4


def test_keep_names_streams_of_the_region():
    line, rule = stops(names, region(stream("a"), keep=("b",)))
    assert (line, rule) == (
        99,
        "keep names the stream 'b', which is not in this region. There is 'a'.",
    )


# ---------------------------------------------------------------- writers


def test_two_streams_do_not_write_one_block():
    line, rule = stops(check_writers, region(stream("a", line=3), stream("a", line=5)))
    assert line == 5
    assert "program.py:3" in rule


@pytest.mark.parametrize("pen", ["unopened", "lent", "closed"])
def test_only_an_open_pen_writes(pen: Pen):
    check_pen("open", "the scope", at(1))
    with pytest.raises(ProgramError) as caught:
        check_pen(pen, "the scope", at(7))
    assert caught.value.line == 7
    assert caught.value.rule.startswith("the scope ")


# ---------------------------------------------------------------- views


def test_a_reply_sees_all_thoughts_by_default_and_nobody_else_sees_anything():
    reply = stream("c", role="say")
    whole = region(stream("a"), stream("b"), reply, stream("d", role="say"))
    assert default_view(whole, reply) == (sees("a"), sees("b"))
    assert default_view(whole, whole.streams[0]) == ()


def test_a_view_given_in_any_order_passes():
    check_views(
        region(stream("a", views=(sees("c"), text("-"), sees("b"))), stream("b"), stream("c"))
    )


@pytest.mark.parametrize(
    ("views", "found"),
    [
        ((sees("a", line=8),), "'a' sees itself twice"),
        ((sees("x", line=8),), "'a' sees 'x', and there is no such stream in this region."),
        ((sees("b"), text("-"), sees("b", line=8)), "'a' sees 'b' twice"),
        ((sees("b", region="r0", line=8),), "'a' sees 'b', a stream of another region."),
    ],
)
def test_a_view_shows_other_streams_of_its_region_once(views: tuple[Item, ...], found: str):
    line, rule = stops(check_views, region(stream("a", views=views), stream("b")))
    assert line == 8
    assert rule.startswith(found)


# ---------------------------------------------------------------- termination


@pytest.mark.parametrize(
    "bounded",
    [
        stream("a", gen(), max_tokens=4),
        stream("a", gen(), max_seconds=4.0),
        stream("a", gen(max_tokens=4), gen(stop="!")),
        stream("a", select("x", "y")),
        stream("a", text("note")),
    ],
)
def test_a_stream_is_bounded_by_a_budget_or_by_all_its_gens(bounded):
    assert is_bounded(bounded)


def test_one_unbounded_gen_makes_a_stream_unbounded():
    assert not is_bounded(stream("a", gen(max_tokens=4), gen()))


def test_a_stream_generates_if_the_model_chooses_something():
    assert generates(stream("a", gen()))
    assert generates(stream("a", select("x", "y")))
    assert not generates(stream("a", text("note")))


def test_a_region_ends_if_one_stream_that_generates_is_bounded():
    check_termination(region(stream("a", gen(stop="!")), stream("b", gen())))


def test_a_region_ends_if_it_has_seconds():
    check_termination(region(stream("a", gen()), max_seconds=1.0))


def test_a_region_in_which_the_model_chooses_nothing_ends():
    check_termination(region(stream("a", text("note"))))


def test_sequential_code_ends_with_the_models_context():
    check_termination(region(stream("main", gen(), role="main")))


def test_a_bounded_stream_that_does_not_generate_does_not_help():
    faulty = region(stream("a", gen()), stream("b", text("note"), max_tokens=4))
    line, rule = stops(check_termination, faulty)
    assert line == 99
    assert rule.startswith("the region cannot end: 'a' has no budget and no stop.")


def test_an_until_alone_promises_nothing():
    line, _ = stops(check_termination, region(stream("a", gen()), untils=(until(),)))
    assert line == 99


def test_an_until_needs_no_more_streams_than_there_are():
    check_termination(region(stream("a"), stream("b"), untils=(until(2), until(None))))
    line, _ = stops(check_termination, region(stream("a"), untils=(until(2, line=6),)))
    assert line == 6


def test_a_region_has_a_stream_and_every_stream_writes():
    assert stops(check_termination, region())[0] == 99
    silent = stream("b", text(""), line=7)
    assert stops(check_termination, region(stream("a"), silent))[0] == 7


# ---------------------------------------------------------------- waits


def test_arrows_without_a_circle():
    assert find_circle({"a": ["b", "c"], "b": ["c"], "c": []}) is None


@pytest.mark.parametrize(
    ("arrows", "circle"),
    [
        ({"a": ["a"]}, ("a", "a")),
        ({"a": ["b"], "b": ["a"]}, ("a", "b", "a")),
        ({"x": ["a"], "a": ["b"], "b": ["c"], "c": ["a"]}, ("a", "b", "c", "a")),
        ({"a": ["b"], "c": ["d"], "d": ["c"]}, ("c", "d", "c")),
        ({"a": ["z", "b"], "b": ["a"]}, ("a", "b", "a")),
    ],
)
def test_a_circle_is_found_and_begins_where_it_closes(
    arrows: dict[str, list[str]], circle: tuple[str, ...]
):
    assert find_circle(arrows) == circle


def test_a_stream_that_asks_itself_waits_in_a_circle():
    faulty = region(stream("a"), waits=(wait("a", ask("a"), line=5),))
    line, rule = stops(check_waits, faulty)
    assert line == 5
    assert "in a circle: a -> a." in rule


def test_waiting_one_after_another_is_no_circle():
    waits = (wait("b", ask("a")), wait("c", ask("b")), wait("c", ask("a")))
    check_waits(region(stream("a"), stream("b"), stream("c"), waits=waits))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (ask("a", every=None, line=6), "the question to 'a' is never put: it has neither"),
        (ask("a", every=0, line=6), "every is a whole number, 1 or more, not 0."),
        (ask("a", answers=("yes",), line=6), "a question has two or more different answers"),
        (ask("a", answers=("y", "n", "y"), line=6), "a question has two or more different"),
        (ask("a", answers=("yes", ""), line=6), "an answer is not empty text."),
        (ask("fixed", line=6), "the question to 'fixed' is never put: the model writes nothing"),
    ],
)
def test_an_ask_can_be_put_and_answered(asked, found: str):
    faulty = region(stream("a"), stream("fixed", text("note")), asks=(asked,))
    line, rule = stops(check_waits, faulty)
    assert line == 6
    assert rule.startswith(found)


@pytest.mark.parametrize(
    ("waiting", "found"),
    [
        (wait("b", ask("a"), "maybe", line=6), "'b' waits for the answer 'maybe', which is never"),
        (wait("b", ask("a"), each="", line=6), "each= is the text at which a stream is held"),
        (wait("b", ask("a", region="r0"), line=6), "'b' waits for a question of another region"),
    ],
)
def test_a_wait_can_be_over(waiting, found: str):
    faulty = region(stream("a"), stream("b"), waits=(waiting,))
    line, rule = stops(check_waits, faulty)
    assert line == 6
    assert rule.startswith(found)


def test_names_in_messages_are_joined_as_people_do():
    assert quoted(("a",)) == "'a'"
    assert quoted(("a", "b", "c")) == "'a', 'b' and 'c'"
    assert quoted(()) == "nobody"
