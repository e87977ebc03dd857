"""Which tokens are plain: told by marks alone, without an engine."""

from collections.abc import Sequence

from runtime.blocks import START, Block
from runtime.cache.plain import (
    ViewItems,
    Written,
    note_cropped,
    note_moved,
    note_written,
    plain_end,
)

View = Sequence[Block | tuple[Block, int]]


def write(*rows: tuple[View, int]) -> None:
    """A step of rows (view, number of new tokens), as the engine does it."""
    lengths = {row[0][-1]: n for row in rows if isinstance(row[0][-1], Block) for n in [row[1]]}
    step: list[Written] = []
    for view, n_new in rows:
        own = view[-1]
        assert isinstance(own, Block)
        before = items(view[:-1], lengths)
        if own.base is None:
            own.base = sum(n for _, n in before)
        step.append(Written(own, before, n_new))
    note_written(step)
    for own, _, n_new in step:
        own.tokens += [0] * n_new


def items(view: View, grows: dict[Block, int]) -> ViewItems:
    return [
        (item, item.n_tokens + grows.get(item, 0)) if isinstance(item, Block) else item
        for item in view
    ]


def fresh(n: int) -> list[Block]:
    return [Block(number) for number in range(n)]


def is_plain(view: View, namespace: str = "") -> bool:
    return plain_end(items(view, {}), namespace) is not None


def crop(block: Block, n_tokens: int) -> None:
    del block.tokens[n_tokens:]
    if not n_tokens:
        block.base, block.behind = None, START
    note_cropped(block)


def test_blocks_written_one_behind_the_other_are_plain_and_stay_so_while_the_last_grows() -> None:
    a, b, c = fresh(3)
    write(([a], 5))
    write(([a, b], 3))
    write(([a, b, c], 2))
    write(([a, b, c], 1))
    assert (a.n_plain, b.n_plain, c.n_plain) == (5, 3, 3)
    assert is_plain([a, b, c])


def test_a_view_in_another_order_or_with_a_gap_is_not_plain() -> None:
    a, b, c = fresh(3)
    write(([a], 5))
    write(([a, b], 3))
    write(([a, b, c], 2))
    assert [is_plain(view) for view in ([a, c], [b], [b, a], [a, b], [])] == [
        False,
        False,
        False,
        True,
        True,
    ]


def test_what_is_written_behind_a_block_is_not_plain_once_that_has_grown() -> None:
    a, b = fresh(2)
    write(([a], 5))
    write(([a, b], 3))
    write(([a], 1))
    write(([a, b], 2))
    assert (a.n_plain, b.n_plain) == (6, 3)
    assert [is_plain(view) for view in ([a, b], [(a, 5), (b, 3)], [(a, 5), b])] == [
        False,
        True,
        False,
    ]


def test_what_was_not_plain_once_never_is_again() -> None:
    a, b, c = fresh(3)
    write(([a], 5))
    write(([c, a, b], 3))
    write(([c], 1))
    write(([c, a, b], 3))
    write(([a, b], 3))
    assert b.n_plain == 3
    crop(c, 0)
    write(([a, b], 3))
    assert b.n_plain == 3


def test_a_block_that_was_cropped_is_another_one_for_those_behind_it() -> None:
    a, b = fresh(2)
    write(([a], 5))
    write(([a, b], 3))
    crop(a, 4)
    write(([a], 1))
    assert (a.n_plain, is_plain([a]), is_plain([a, b])) == (5, True, False)
    write(([a, b], 2))
    assert b.n_plain == 3


def test_a_block_that_was_emptied_begins_anew() -> None:
    a, b = fresh(2)
    write(([a], 5))
    write(([b, a], 1))
    crop(a, 0)
    write(([b], 2))
    write(([b, a], 2))
    assert (a.n_plain, is_plain([b, a])) == (2, True)


def test_texts_of_one_step_that_see_each_other_in_one_direction_are_plain() -> None:
    a, b, c = fresh(3)
    write(([a, b, c], 2), ([a], 4), ([a, b], 3))
    assert is_plain([a, b, c])


def test_streams_that_see_each_other_are_not_plain() -> None:
    prompt, a, b = fresh(3)
    write(([prompt], 5))
    write(([prompt, b, a], 1), ([prompt, a, b], 1))
    assert (a.n_plain, b.n_plain) == (0, 0)


def test_streams_that_see_each_other_from_their_second_step_on_keep_what_was_plain() -> None:
    prompt, a, b = fresh(3)
    write(([prompt], 5))
    write(([prompt, a], 2), ([prompt, b], 3))
    write(([prompt, b, a], 1), ([prompt, a, b], 1))
    assert (a.n_plain, b.n_plain) == (2, 3)
    assert is_plain([prompt, (a, 2)])


def test_a_row_that_sees_text_which_another_row_writes_out_of_order_is_not_plain() -> None:
    """`b` goes on behind `c` in the step in which `d` sees `b` behind `a`."""
    a, b, c, d = fresh(4)
    write(([a], 1), ([a, b], 1), ([c], 1))
    write(([a, b, d], 1), ([c, a, b], 1))
    assert (b.n_plain, d.n_plain) == (1, 0)


def test_keys_that_are_rotated_for_another_place_are_not_plain() -> None:
    a, b = Block(0, base=40), Block(1)
    write(([a], 3))
    write(([a, b], 3))
    assert (a.n_plain, b.n_plain) == (0, 0)


def test_a_text_of_another_namespace_makes_a_view_that_is_not_plain() -> None:
    a, b = Block(0, namespace="ann"), Block(1, namespace="bob")
    write(([a], 3))
    write(([a, b], 3))
    assert (a.n_plain, b.n_plain) == (3, 0)
    assert (is_plain([a], "ann"), is_plain([a], "bob")) == (True, False)


def test_a_history_that_takes_over_plain_steps_is_plain() -> None:
    prompt, history, step = fresh(3)
    write(([prompt], 5))
    for _ in range(3):
        write(([prompt, history, step], 2))
        history.base = step.base if history.base is None else history.base
        note_moved(step, history)
        history.tokens += step.tokens
        crop(step, 0)
    assert (history.n_plain, is_plain([prompt, history])) == (6, True)


def test_a_history_of_another_namespace_is_not_plain() -> None:
    step, history = Block(0, namespace="ann"), Block(1, namespace="bob")
    write(([step], 2))
    history.base = step.base
    note_moved(step, history)
    assert history.n_plain == 0


def test_a_history_that_takes_over_what_was_written_elsewhere_is_not_plain_from_there_on() -> None:
    prompt, history, step = fresh(3)
    write(([prompt], 5), ([prompt, history], 2))
    write(([prompt, step], 2))
    note_moved(step, history)
    history.tokens += step.tokens
    assert (history.n_plain, history.n_tokens) == (2, 4)
