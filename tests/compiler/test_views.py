"""Views on plain data: what each role sees, and what no view shows."""

import pytest

from hogdsl.compiler.flatten import flatten
from hogdsl.compiler.ir import Item, RegionIR
from hogdsl.compiler.views import check_views, default_view, whole_views
from tests.compiler.build import (
    commit,
    history,
    listen,
    nested,
    region,
    scope,
    sees,
    stream,
    text,
    worker,
)
from tests.compiler.stops import stops


def seen(whole: RegionIR) -> dict[str, tuple[Item, ...]]:
    return whole_views(flatten(whole))


def test_a_reply_sees_all_inputs_then_all_thoughts_by_default():
    reply = stream("c", role="say")
    whole = region(stream("a"), listen("mic"), stream("b"), reply, stream("d", role="say"))
    assert default_view(whole, reply) == (sees("mic"), sees("a"), sees("b"))


def test_a_thought_sees_all_inputs_by_default():
    whole = region(stream("a"), stream("b"), listen("ear"), listen("eye"))
    assert default_view(whole, whole.streams[0]) == (sees("ear"), sees("eye"))


def test_an_input_sees_itself_by_default():
    whole = region(stream("a"), listen("ear"), listen("eye"))
    assert default_view(whole, whole.streams[1]) == ()


def test_a_view_is_scope_prompt_items_and_the_stream():
    whole = region(stream("a", views=(sees("b"),), prompt=(text("p"),)), stream("b"))
    assert seen(whole)["a"] == (scope(), text("p"), sees("b"), sees("a"))


def test_a_view_of_its_own_has_the_scope_where_it_says():
    views = (text("1"), scope(), text("2"))
    whole = region(stream("a", views=views, sees_scope=False), stream("b", sees_scope=False))
    assert seen(whole) == {"a": (*views, sees("a")), "b": (sees("b"),)}


def test_the_scope_of_a_nested_worker_is_the_whole_view_of_its_worker():
    forks = nested("f", worker("x", views=(text("1"), scope()), sees_scope=False))
    views = seen(region(worker("a", text("-"), forks, others=("b",)), worker("b")))
    assert views["a/x"] == (text("1"), scope(), sees("b"), sees("a"), sees("a/x"))


def test_a_view_given_in_any_order_passes():
    check_views(
        region(stream("a", views=(sees("c"), text("-"), sees("b"))), stream("b"), stream("c"))
    )


@pytest.mark.parametrize(
    ("views", "found"),
    [
        (
            (sees("a", line=8),),
            "'a' sees itself twice: a stream's own block ends its view anyway. Leave it out.",
        ),
        (
            (sees("x", line=8),),
            "'a' sees 'x', and there is no such stream in this region. There is 'a' and 'b'.",
        ),
        (
            (sees("b"), text("-"), sees("b", line=8)),
            "'a' sees 'b' twice, and it would count twice. Name it once.",
        ),
        (
            (scope(line=8),),
            "'a' sees the scope twice, and it would count twice. Name it once.",
        ),
        (
            (sees("b", region="r0", line=8),),
            "'a' sees 'b', a stream of another region. Blocks of earlier regions are seen through "
            "the scope: name it in their keep=, and leave it out here.",
        ),
        (
            (history(line=8),),
            "'a' sees the history of finished steps, and nobody has steps. Give the layout a "
            "step=, or leave the history out.",
        ),
    ],
)
def test_a_view_shows_other_streams_of_its_region_once(views: tuple[Item, ...], found: str):
    assert stops(check_views, region(stream("a", views=views), stream("b"))) == (8, found)


def test_a_history_is_seen_once():
    whole = region(worker("a", views=(history(), history(line=8)), commit=commit()))
    line, rule = stops(check_views, whole)
    assert line == 8
    assert rule.startswith("'a' sees the history of finished steps twice")


def test_a_worker_does_not_see_its_own_fork_as_an_item():
    whole = region(
        worker("a", nested("f", worker("x")), views=(sees("x", region="f", line=8),)),
    )
    line, rule = stops(check_views, whole)
    assert line == 8
    assert rule == (
        "'a' sees 'a/x', which begins when 'a' has ended: there is never anything to see. "
        "Leave it out."
    )


def test_an_earlier_fork_does_not_see_a_later_one():
    early = nested("f", worker("x", views=(sees("y", region="g", line=8),)))
    late = nested("g", worker("y", views=(sees("x", region="f"),)))
    line, rule = stops(check_views, region(worker("a", early, late)))
    assert line == 8
    assert rule.startswith("'a/x' sees 'a/y', which begins when 'a/x' has ended")


def test_a_later_fork_has_seen_the_earlier_one_already():
    early, late = (
        nested("f", worker("x")),
        nested("g", worker("y", views=(sees("x", region="f", line=8),))),
    )
    line, rule = stops(check_views, region(worker("a", early, late)))
    assert line == 8
    assert rule.startswith("'a/y' sees 'a/x' twice")


def test_a_nested_worker_sees_workers_of_other_forks_that_run_meanwhile():
    one = worker("a", nested("f", worker("x", views=(sees("y", region="g"),))))
    other = worker("b", nested("g", worker("y")))
    check_views(flatten(region(one, other)))
