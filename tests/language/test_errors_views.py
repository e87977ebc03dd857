"""Views and layouts: what a stream cannot see, and what is no layout."""

from typing import Any

import hogdsl as hog
from tests.language.faults import fault_of


def test_an_unknown_worker_is_named_with_those_that_there_are():
    @hog.program
    def pair(s: hog.Scope) -> None:
        with s.fork("alice", "carol") as team:
            for worker in team:
                worker += hog.gen(max_tokens=8)
        _ = team["bob"]  # here: team["bob"]

    assert fault_of(pair) == (
        "the team has no worker 'bob', which was never forked. There is 'alice' and 'carol'. "
        "Fork it first, or leave it out."
    )


def test_a_view_that_shows_a_stream_of_another_region():
    @hog.program
    def two_regions(s: hog.Scope) -> None:
        with s.concurrent() as before, before.think("old") as old:
            old += hog.gen(max_tokens=8)
        with s.concurrent() as now:
            with now.say("new") as new:
                new += hog.gen(max_tokens=8)
            new.sees(old)  # here

    assert fault_of(two_regions) == (
        "'new' sees 'old', a stream of another region. Blocks of earlier regions are seen through "
        "the scope: name it in their keep=, and leave it out here."
    )


def test_a_view_that_shows_a_stream_itself():
    @hog.program
    def mirror(s: hog.Scope) -> None:
        with s.concurrent() as now:
            with now.think("me") as me:
                me += hog.gen(max_tokens=8)
            me.sees(me)  # here: me.sees(me)

    assert fault_of(mirror) == (
        "'me' sees itself twice: a stream's own block ends its view anyway. Leave it out."
    )


def test_a_view_that_shows_another_stream_twice():
    @hog.program
    def echo(s: hog.Scope) -> None:
        with s.concurrent() as now:
            with now.think("a") as a:
                a += hog.gen(max_tokens=8)
            with now.say("b") as b:
                b += hog.gen(max_tokens=8)
            b.sees(a, "and again", a)  # here

    assert fault_of(echo) == "'b' sees 'a' twice, and it would count twice. Name it once."


def test_a_view_that_is_given_twice():
    @hog.program
    def undecided(s: hog.Scope) -> None:
        with s.concurrent() as now:
            with now.think("a") as a:
                a += hog.gen(max_tokens=8)
            a.sees("one")
            a.sees("two")  # here

    assert fault_of(undecided) == (
        "the view of 'a' is given twice. Give all its items in one sees()."
    )


def test_a_view_with_a_gen_in_it():
    @hog.program
    def impatient(s: hog.Scope) -> None:
        with s.concurrent() as now:
            with now.think("a") as a:
                a += hog.gen(max_tokens=8)
            a.sees("note: " + hog.gen("note"))  # here

    assert fault_of(impatient) == (
        "a text that 'a' sees is encoded before the streams run, so the model cannot write in it. "
        "Write the gen to a stream with `+=`."
    )


def test_keep_names_a_stream_that_there_is_not():
    @hog.program
    def keeper(s: hog.Scope) -> None:
        with s.fork("a", "b", keep=["a", "c"]) as team:  # here: s.fork("a", "b", keep=["a", "c"])
            for worker in team:
                worker += hog.gen(max_tokens=8)

    assert fault_of(keeper) == (
        "keep names the stream 'c', which is not in this region. There is 'a' and 'b'."
    )


def test_a_worker_that_writes_nothing_but_its_header():
    @hog.program
    def silent(s: hog.Scope) -> None:
        with s.fork("a", "b") as team:  # here
            team["a"] += hog.gen(max_tokens=8)

    assert fault_of(silent).startswith("the stream 'b' writes nothing.")


def test_a_step_that_ends_nowhere():
    @hog.program
    def endless(s: hog.Scope) -> None:
        hog.layouts.combined(step="")  # here

    assert fault_of(endless) == (
        "step= is the text that ends a step, and it is not empty. Give it one."
    )


def test_a_header_that_is_no_format():
    @hog.program
    def unclosed(s: hog.Scope) -> None:
        hog.layouts.isolated(header="{name")  # here

    assert fault_of(unclosed) == (
        "the header '{name' is no format: expected '}' before end of string. Write a brace as "
        "'{{' or '}}'."
    )


def test_a_layout_that_was_not_called():
    @hog.program
    def uncalled(s: hog.Scope) -> None:
        layout: Any = hog.layouts.combined
        with s.fork("a", layout=layout):  # here
            pass

    assert fault_of(uncalled).endswith(
        " is none. Call one of hog.layouts, for example hog.layouts.combined()."
    )


def test_a_header_with_a_field_that_nobody_fills_in():
    @hog.program
    def misspelt(s: hog.Scope) -> None:
        with s.fork("a", layout=hog.layouts.contiguous(header="{nmae}: ")):  # here
            pass

    assert fault_of(misspelt) == (
        "the header '{nmae}: ' has the field {nmae}, and only {name} is filled in. Leave it out."
    )


def test_a_layout_function_that_shows_a_worker_itself_in_the_middle():
    @hog.program
    def mirror(s: hog.Scope) -> None:
        with s.fork("a", layout=lambda me, others, shared: [me, shared]) as team:  # here
            team["a"] += hog.gen(max_tokens=4)

    assert fault_of(mirror) == (
        "the layout shows 'a' itself before the end of its view, where new text goes. Name it "
        "last, or leave it out."
    )


def test_a_layout_function_that_shows_another_twice():
    @hog.program
    def echo(s: hog.Scope) -> None:
        with s.fork("a", "b", layout=lambda me, others, shared: [*others, *others]) as team:  # here
            for worker in team:
                worker += hog.gen(max_tokens=4)

    assert fault_of(echo) == "'a' sees 'b' twice, and it would count twice. Name it once."


def test_a_layout_function_that_returns_no_list():
    @hog.program
    def forgetful(s: hog.Scope) -> None:
        nothing: Any = lambda me, others, shared: None  # noqa: E731 -- untyped
        with s.fork("a", layout=nothing) as team:  # here: s.fork("a", layout=nothing)
            team["a"] += hog.gen(max_tokens=4)

    assert fault_of(forgetful) == (
        "the layout of 'a' returns a list of what is seen, not None. Return a list, for example "
        "[shared, *others]."
    )


def test_a_layout_function_that_shows_what_the_model_writes():
    @hog.program
    def impatient(s: hog.Scope) -> None:
        with s.fork("a", layout=lambda me, others, shared: [hog.gen()]) as team:  # here
            team["a"] += hog.gen(max_tokens=4)

    assert fault_of(impatient) == (
        "a text that the layout shows 'a' is encoded before the streams run, so the model cannot "
        "write in it. Write the gen to a stream with `+=`."
    )


def test_a_layout_function_that_shows_a_worker_of_another_fork():
    @hog.program
    def stranger(s: hog.Scope) -> None:
        with s.fork("a", "b") as team:
            a, b = team
            with a.fork("c", layout=lambda me, others, shared: [b]) as inner:  # here
                inner["c"] += hog.gen(max_tokens=4)

    assert fault_of(stranger) == (
        "the layout shows 'c' the stream 'b', which is not of this fork. Show the others that it "
        "is given."
    )


def test_a_view_of_what_is_no_text():
    @hog.program
    def number(s: hog.Scope) -> None:
        five: Any = 5
        with s.concurrent() as now, now.think("a") as a:
            a += hog.gen(max_tokens=8)
            a.sees("a text", five)  # here: a.sees("a text", five)

    assert fault_of(number) == (
        "a text that 'a' sees is text or a chat turn, and the int 5 is neither. Turn it into text "
        "with str()."
    )


def test_a_history_without_steps():
    @hog.program
    def stepless(s: hog.Scope) -> None:
        def layout(me: hog.Worker, others: Any, shared: Any) -> list[Any]:
            return [shared, shared.history]  # here: shared.history

        with s.fork("a", layout=layout) as team:
            team["a"] += hog.gen(max_tokens=4)

    assert fault_of(stepless) == (
        "a layout without steps has no history of them. Write hog.layouts.custom(f, step=...), or "
        "leave shared.history out."
    )


def test_a_custom_layout_of_no_function():
    @hog.program
    def confused(s: hog.Scope) -> None:
        function: Any = "combined"
        hog.layouts.custom(function)  # here

    assert fault_of(confused) == (
        "a layout of your own is a function (me, others, shared), and 'combined' is none."
    )


def test_a_keep_that_is_no_name():
    @hog.program
    def keeper(s: hog.Scope) -> None:
        keep: Any = 1
        s.concurrent(keep=keep)  # here

    assert fault_of(keeper) == (
        "keep= takes 'all', the name of a stream or names of streams, not 1."
    )
