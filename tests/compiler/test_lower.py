"""Lowering on plain data: views become lists of blocks, nodes become pieces, rules name streams."""

import pytest

from hogdsl import plan
from hogdsl.compiler.ir import RegionIR
from hogdsl.compiler.lower import lower
from hogdsl.compiler.nodes import Node, merge_texts
from hogdsl.compiler.pieces import lower_node
from tests.compiler.build import (
    ask,
    at,
    close,
    commit,
    ended,
    gen,
    history,
    hold,
    insert,
    listen,
    matches,
    nested,
    region,
    sees,
    select,
    stream,
    text,
    turn,
    until,
    until_,
    wait,
    watch,
    worker,
)

CHOICES = plan.ChoicesConstraint(choices=("a", "b"))


@pytest.mark.parametrize(
    ("node", "piece"),
    [
        (text("a"), plan.Text(text="a")),
        (turn("user", "hi"), plan.Turn(role="user", prefix="hi")),
        (close(), plan.CloseTurn()),
        (gen("x", max_tokens=3, stop="."), plan.Gen(name="x", max_tokens=3, stop=(".",))),
        (
            gen(stop_regex=("x+",), stop_tokens=("<end>", 3), forbidden=(4,), constraint=CHOICES),
            plan.Gen(
                stop_regex=("x+",),
                stop_tokens=("<end>", 3),
                sampling=plan.Sampling(forbidden=(4,)),
                constraint=CHOICES,
            ),
        ),
        (
            gen(temperature=0.5, top_p=0.9, top_k=7),
            plan.Gen(sampling=plan.Sampling(temperature=0.5, top_p=0.9, top_k=7)),
        ),
        (select("x", "a", "b"), plan.Select(name="x", choices=("a", "b"))),
    ],
)
def test_every_node_has_its_piece(node: Node, piece: plan.Piece):
    assert lower_node(node) == piece


def test_neighbouring_texts_become_one_and_empty_ones_none():
    nodes = (text(""), text("a"), text("b"), gen(), text(""), text("c"), text(""))
    assert merge_texts(nodes) == (text("ab"), gen(), text("c"))


# ---------------------------------------------------------------- blocks and views


def views(whole: RegionIR) -> list[tuple[str, ...]]:
    return [s.view for s in lower(whole).streams]


def test_a_view_is_scope_items_and_own_block():
    whole = region(stream("a", views=(sees("b"),)), stream("b"), scope=("s0", "s1"))
    assert views(whole) == [("s0", "s1", "r.b", "r.a"), ("s0", "s1", "r.b")]


def test_texts_are_encoded_once_and_named_by_the_region():
    both = (turn("user", "q"), close())
    lowered = lower(
        region(stream("a", views=both), stream("b", views=(*both, sees("a"), text("!"))))
    )
    assert [s.view for s in lowered.streams] == [
        ("r/0", "r.a"),
        ("r/0", "r.a", "r/1", "r.b"),
    ]
    assert lowered.blocks[2:] == (
        plan.TextBlock(name="r/0", pieces=(plan.Turn(role="user", prefix="q"), plan.CloseTurn())),
        plan.TextBlock(name="r/1", pieces=(plan.Text(text="!"),), after=("r/0", "r.a")),
    )


def test_prompts_share_their_first_messages():
    system = (turn("system", "be brief"), close())
    prompts = [(*system, turn("user", said), close()) for said in ("think", "talk")]
    whole = region(stream("a", prompt=prompts[0]), stream("b", prompt=prompts[1]))
    assert views(whole) == [("r/0", "r/1", "r.a"), ("r/0", "r/2", "r.b")]


def test_a_prompt_and_the_text_that_follows_it_are_one():
    views_ = (text("b"), sees("b"))
    lowered = lower(region(stream("a", prompt=(text("a"),), views=views_), stream("b")))
    assert lowered.blocks[2:] == (plan.TextBlock(name="r/0", pieces=(plan.Text(text="ab"),)),)


def test_empty_texts_make_no_block():
    whole = region(stream("a", views=(text(""), sees("b"), text(""))), stream("b"))
    assert views(whole)[0] == ("r.b", "r.a")


def test_nested_workers_share_the_texts_of_their_worker():
    forks = nested("f", worker("x"), worker("y", views=(text("!"),)))
    assert views(region(worker("a", forks, views=(text("you: "),)), scope=("s",))) == [
        ("s", "r/0", "r.a"),
        ("s", "r/0", "r.a", "r.a/x"),
        ("s", "r/0", "r.a", "r/1", "r.a/y"),
        ("s", "r/0", "r.a", "r.a/x", "r.a/y", "r.a#2"),
    ]


def test_the_history_exists_once_and_comes_first():
    workers = [worker(name, views=(history(),), commit=commit()) for name in ("a", "b")]
    lowered = lower(region(*workers))
    assert lowered.blocks == (
        plan.HistoryBlock(name="r/history"),
        plan.StreamBlock(name="r.a"),
        plan.StreamBlock(name="r.b"),
    )
    assert lowered.streams[0].view == ("r/history", "r.a")
    assert lowered.streams[1].commit == plan.Commit(into="r/history", step="\n", header="{name}: ")


def test_a_block_that_grows_on_is_not_declared_again():
    main = stream("main", role="main", continues_block=True)
    lowered = lower(region(main))
    assert (lowered.blocks, lowered.keep) == ((), ())


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
    whole = region(stream("a", commit=commit()), stream("b", commit=commit()), keep=keep)
    assert lower(whole).keep == kept


# ---------------------------------------------------------------- streams


@pytest.mark.parametrize("condition", [ended("mic"), ended("mic", "a")])
def test_a_region_waits_for_an_input_that_an_until_is_about(condition):
    waiting, not_waiting = (
        lower(region(stream("a"), listen("mic"), untils=untils)).streams[1].input
        for untils in ((until_(condition),), (until_(ended("a")), until()))
    )
    assert waiting == plan.Input(background=False)
    assert not_waiting == plan.Input(background=True)


@pytest.mark.parametrize(
    ("given", "interrupts"),
    [
        (listen("mic"), ()),
        (listen("mic", barge_in="pause"), ("s", "t")),
        (listen("mic", barge_in="pause", interrupts=("a",)), ("a",)),
    ],
)
def test_an_input_interrupts_all_that_speak_if_it_does_not_say_whom(given, interrupts):
    speaking = [stream(name, role="say") for name in ("s", "t")]
    heard = lower(region(given, stream("a"), *speaking)).streams[0].input
    assert heard is not None
    assert heard.interrupts == interrupts


def test_what_a_stream_is_comes_through():
    whole = region(stream("a", max_tokens=3, max_seconds=2.0, reports_delivery=True))
    (lowered,) = lower(whole).streams
    assert (lowered.max_tokens, lowered.max_seconds) == (3, 2.0)
    assert lowered.reports_delivery
    assert lowered.where == "program.py:1"


# ---------------------------------------------------------------- rules


def test_rules_name_streams_and_asks():
    paced = wait("b", ask("a"), each=",")
    lowered = lower(
        region(
            stream("a"),
            stream("b"),
            waits=(paced,),
            untils=(until(None),),
            holds=(hold("a", ended("b"), at_text="\n"),),
            inserts=(insert("random"), insert("b", at_text=".", name="insert1")),
            watches=(watch("a", regex="x"),),
            max_seconds=2.5,
            max_tokens=64,
        )
    )
    assert lowered.asks == (plan.Ask(name="a?0", stream="a", question="ready?", every=4),)
    assert lowered.waits == (plan.Wait(stream="b", ask="a?0", each=","),)
    both = plan.Matches(streams=("a", "b"), regex="done", n=2)
    assert lowered.until == (plan.Until(condition=both),)
    assert lowered.holds == (plan.Hold(stream="a", until=plan.Ended(streams=("b",)), at="\n"),)
    assert lowered.inserts == (
        plan.Insert(name="insert0", streams=("a", "b"), text="check: ", every=8, into="random"),
        plan.Insert(name="insert1", streams=("b",), text="check: ", every=8, at="."),
    )
    assert lowered.watches == (plan.Watch(name="watch0", streams=("a",), regex="x", hold="stream"),)
    assert (lowered.max_seconds, lowered.max_tokens) == (2.5, 64)
    assert lowered.where == "program.py:99"


def test_inserts_wait_for_the_end_of_a_step_if_there_are_steps():
    workers = [worker(name, commit=commit(step="\n\n")) for name in ("a", "b")]
    whole = region(*workers, inserts=(insert(), insert("a", at_text="!", name="insert1")))
    assert [given.at for given in lower(whole).inserts] == ["\n\n", "!"]


def test_a_callback_of_the_region_watches_no_text():
    lowered = lower(region(stream("a"), watches=(watch(every=8),)))
    assert lowered.watches == (plan.Watch(name="watch0", every=8, hold="region"),)


def test_rules_about_a_worker_are_about_its_parts():
    whole = region(
        worker("a", gen(), nested("f", worker("x")), gen()),
        worker("b"),
        untils=(until(), until(2), until_(ended("a"))),
        holds=(hold("a", ended("b")), hold("a", matches("b"), at_text=".")),
        inserts=(insert("a"),),
        watches=(watch("a", regex="x"),),
    )
    lowered = lower(whole)
    conditions = [given.condition for given in lowered.until]
    both = (("a", "a#2"), "b")
    assert [given.streams for given in conditions] == [both, both, ("a#2",)]
    assert [(given.stream, given.at) for given in lowered.holds] == [
        ("a", None),
        ("a", "."),
        ("a#2", "."),
    ]
    assert lowered.inserts[0].streams == lowered.watches[0].streams == ("a", "a#2")


def test_places_play_no_part_in_what_is_equal():
    assert gen("x", line=1) == gen("x", line=2)
    assert at(1) != at(2)


def test_steps_are_counted_on_past_a_part_with_nothing_to_write():
    forks = (nested("f", worker("x")), nested("g", worker("y")))
    lowered = lower(region(worker("a", gen(), *forks, gen(), commit=commit())))
    last = lowered.streams[-1]
    assert (last.name, last.parent) == ("a#3", "a")
    assert last.after == ("a#2", "a/y", "a")


def test_a_part_with_nothing_to_write_has_no_steps_and_its_history_is_there():
    alone = worker("a", nested("f", worker("x")), views=(history(),), commit=commit())
    lowered = lower(region(alone))
    assert [s.commit for s in lowered.streams] == [None, None, None]
    assert lowered.blocks[0] == plan.HistoryBlock(name="r/history")
    assert lowered.streams[0].view[0] == "r/history"
