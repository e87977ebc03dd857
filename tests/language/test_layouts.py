"""Layouts in the plan: the named ones are in `test_regions`, these are functions of the program."""

from collections.abc import Sequence

import pytest

import hogdsl as hog
from hogdsl import plan
from hogdsl.language.layouts import LayoutFunction
from hogdsl.plan import Region

HISTORY = "fork.1/history"


def fork_of(layout: hog.layouts.Layout | LayoutFunction, *names: str) -> Region:
    @hog.program
    def forks(s: hog.Scope) -> None:
        s += "q"
        with s.fork(*names, layout=layout, max_tokens=5) as team:
            for worker in team:
                worker += "I am " + worker.name + hog.gen()

    return forks.compile().regions[1]


def views(region: Region) -> dict[str, list[str]]:
    """Views without the region's name; of texts, what is in them."""
    texts = {
        block.name: "".join(
            piece.text if isinstance(piece, plan.Text) else f"<{piece.kind}>"
            for piece in block.pieces
        )
        for block in region.blocks
        if isinstance(block, plan.TextBlock)
    }
    return {
        stream.name: [texts.get(name, name).removeprefix("fork.1.") for name in stream.view]
        for stream in region.streams
    }


def test_interleaved_workers_see_finished_steps_only():
    region = fork_of(hog.layouts.interleaved(step="\n", header="{name}: "), "a", "b")
    assert views(region) == {"a": ["main.0", HISTORY, "a"], "b": ["main.0", HISTORY, "b"]}
    assert region.streams[0].commit == plan.Commit(into=HISTORY, step="\n", header="{name}: ")
    assert region.keep[0] == HISTORY


def test_a_function_says_what_each_worker_sees():
    def debate(
        me: hog.Worker, others: tuple[hog.Worker, ...], shared: hog.Shared
    ) -> Sequence[hog.ViewItem]:
        return [shared, f"Against {me.name}: ", *others, hog.turn("assistant"), me]

    region = fork_of(debate, "a", "b", "c")
    assert views(region)["a"] == ["main.0", "Against a: ", "b", "c", "<turn>", "a"]
    assert region.streams[0].pieces[0] == plan.Text(text="I am a")


def test_what_is_shared_may_stand_anywhere_or_be_left_out():
    region = fork_of(
        lambda me, others, shared: [others[0], shared] if me.name == "a" else [], "a", "b"
    )
    assert views(region) == {"a": ["b", "main.0", "a"], "b": ["b"]}


def test_a_function_may_use_the_history_of_steps():
    layout = hog.layouts.custom(
        lambda me, others, shared: [shared, "Done: ", shared.history],
        step="\n",
        header="{name} [{step}]: ",
    )
    region = fork_of(layout, "a", "b")
    assert views(region)["b"] == ["main.0", "Done: ", HISTORY, "b"]
    assert region.streams[1].commit == plan.Commit(
        into=HISTORY, step="\n", header="{name} [{step}]: "
    )


def test_a_custom_layout_may_have_a_header():
    layout = hog.layouts.custom(lambda me, others, shared: [shared], header="{name}: ")
    assert fork_of(layout, "a").streams[0].pieces[0] == plan.Text(text="a: I am a")


def test_a_function_is_called_once_for_each_worker_when_all_is_declared():
    called: list[str] = []

    def layout(
        me: hog.Worker, others: tuple[hog.Worker, ...], shared: hog.Shared
    ) -> Sequence[hog.ViewItem]:
        called.append(me.name + "".join(other.name for other in others))
        return [shared]

    fork_of(layout, "a", "b", "c")
    assert called == ["abc", "bac", "cab"]


def test_what_a_function_raises_comes_out_with_the_place_of_the_fork():
    @hog.program
    def forks(s: hog.Scope) -> None:
        with s.fork("a", layout=lambda me, others, shared: [others[0]], max_tokens=5) as team:
            team["a"] += hog.gen()

    with pytest.raises(IndexError) as caught:
        forks.compile()
    line = forks.__wrapped__.__code__.co_firstlineno + 2
    assert caught.value.__notes__ == [
        f"in the layout of 'a', for the fork at tests/language/test_layouts.py:{line}"
    ]
