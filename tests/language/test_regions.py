"""Regions in the plan: layouts, views, questions, waits, conditions."""

import hogdsl as hog
from hogdsl import plan
from hogdsl.plan import Region


def fork_of(layout: hog.layouts.Layout, *names: str) -> Region:
    @hog.program
    def forks(s: hog.Scope) -> None:
        s += "q"
        with s.fork(*names, layout=layout, max_tokens=5, max_seconds=9) as team:
            for worker in team:
                worker += "I am " + worker.name + hog.gen()

    return forks.compile().regions[1]


def views(region: Region) -> dict[str, tuple[str, ...]]:
    return {stream.name: stream.view for stream in region.streams}


def test_contiguous_workers_see_the_others_in_order_and_themselves_last():
    region = fork_of(hog.layouts.contiguous(header="[{name}] "), "a", "b", "c")
    assert views(region) == {
        "a": ("main.0", "fork.1.b", "fork.1.c", "fork.1.a"),
        "b": ("main.0", "fork.1.a", "fork.1.c", "fork.1.b"),
        "c": ("main.0", "fork.1.a", "fork.1.b", "fork.1.c"),
    }
    assert region.streams[1].pieces == (plan.Text(text="[b] I am b"), plan.Gen())
    assert region.streams[1].commit is None


def test_isolated_workers_see_the_scope_and_themselves():
    region = fork_of(hog.layouts.isolated(), "a", "b")
    assert views(region) == {"a": ("main.0", "fork.1.a"), "b": ("main.0", "fork.1.b")}
    assert region.streams[0].pieces[0] == plan.Text(text="\n\n**a:** I am a")


def test_combined_workers_see_the_history_and_the_others_open_steps():
    region = fork_of(hog.layouts.combined(step="\n", header="{name} {step}: "), "a", "b")
    assert views(region) == {
        "a": ("main.0", "fork.1/history", "fork.1.b", "fork.1.a"),
        "b": ("main.0", "fork.1/history", "fork.1.a", "fork.1.b"),
    }
    assert region.blocks[0] == plan.HistoryBlock(name="fork.1/history")
    assert region.keep == ("fork.1/history", "fork.1.a", "fork.1.b")
    assert region.streams[0].commit == plan.Commit(
        into="fork.1/history", step="\n", header="{name} {step}: "
    )
    assert region.streams[0].pieces == (plan.Text(text="I am a"), plan.Gen())


def test_the_default_layout_is_contiguous():
    assert hog.layouts.Layout() == hog.layouts.contiguous()


def test_budgets_of_a_fork_are_each_workers_tokens_and_the_regions_seconds():
    region = fork_of(hog.layouts.contiguous(), "a", "b")
    assert [stream.max_tokens for stream in region.streams] == [5, 5]
    assert (region.max_seconds, region.streams[0].max_seconds) == (9, None)


def test_a_number_of_workers_gives_them_names():
    @hog.program
    def forks(s: hog.Scope) -> list[str]:
        with s.fork(2, max_tokens=4) as team:
            for worker in team:
                worker += hog.gen()
        assert len(team) == 2
        return [worker.name for worker in team]

    assert [s.name for s in forks.compile().regions[0].streams] == ["worker1", "worker2"]


def concurrent_of(prompt: str | hog.Piece | None = None, **sees: list[str]) -> Region:
    """A thought `t`, a second one `u`, and a reply `r`; `sees` by stream, `t` for a stream."""

    @hog.program
    def thinks(s: hog.Scope) -> None:
        with s.concurrent(max_seconds=5) as now:
            with now.think("t", prompt) as t, now.think("u", prompt) as u:
                t += hog.gen()
                u += hog.gen()
            with now.say("r", prompt) as r:
                r += hog.gen()
            handles = {"t": t, "u": u, "r": r}
            for name, items in sees.items():
                handles[name].sees(*(handles.get(item, item) for item in items))

    return thinks.compile().regions[0]


def test_by_default_a_thought_sees_itself_and_a_reply_sees_all_thoughts():
    assert views(concurrent_of()) == {
        "t": ("concurrent.0.t",),
        "u": ("concurrent.0.u",),
        "r": ("concurrent.0.t", "concurrent.0.u", "concurrent.0.r"),
    }


def test_an_empty_view_is_not_the_default_view():
    assert views(concurrent_of(r=[]))["r"] == ("concurrent.0.r",)


def test_equal_prompts_are_one_block_that_is_encoded_once():
    region = concurrent_of("the same prompt")
    texts = [block for block in region.blocks if isinstance(block, plan.TextBlock)]
    assert [text.name for text in texts] == ["concurrent.0/0"]
    assert {view[0] for view in views(region).values()} == {"concurrent.0/0"}


def test_texts_with_other_blocks_before_them_are_not_shared():
    region = concurrent_of(t=["u", "note"], r=["t", "note"])
    texts = [block for block in region.blocks if isinstance(block, plan.TextBlock)]
    assert [(text.name, text.after) for text in texts] == [
        ("concurrent.0/0", ("concurrent.0.u",)),
        ("concurrent.0/1", ("concurrent.0.t",)),
    ]


def test_neighbouring_texts_of_a_view_are_one_block():
    region = concurrent_of(r=["one ", "two", "t", "three"])
    assert views(region)["r"] == (
        "concurrent.0/0",
        "concurrent.0.t",
        "concurrent.0/1",
        "concurrent.0.r",
    )
    first = next(block for block in region.blocks if block.name == "concurrent.0/0")
    assert first == plan.TextBlock(
        name="concurrent.0/0", pieces=(plan.Text(text="one two"),), after=()
    )


def test_a_text_comes_after_every_block_before_it():
    region = concurrent_of("prompt", r=["t", "note", "u", "end"])
    last = next(block for block in region.blocks if block.name == views(region)["r"][-2])
    assert isinstance(last, plan.TextBlock)
    assert last.after == views(region)["r"][:-2]


def test_streams_see_the_scope_before_their_prompt():
    @hog.program
    def thinks(s: hog.Scope) -> None:
        s += hog.user("q")
        with s.concurrent() as now, now.think("t", "prompt") as t:
            t += hog.gen(max_tokens=4)

    region = thinks.compile().regions[1]
    assert views(region)["t"] == ("main.0", "concurrent.1/0", "concurrent.1.t")
    assert region.blocks[1] == plan.TextBlock(
        name="concurrent.1/0", pieces=(plan.Text(text="prompt"),), after=("main.0",)
    )


def test_questions_and_waits_arrive_in_the_plan():
    @hog.program
    def paced(s: hog.Scope) -> None:
        with s.concurrent(until=hog.regex("done")) as now:
            with now.think("t", max_tokens=8, max_seconds=2) as t:
                t += hog.gen()
            with now.say("r") as r:
                r += hog.gen()
            ahead = t.ask("ahead? ", every=4, at="\n", answers=("y", "n"))
            r.waits_for(ahead, "y", each=", ")

    region = paced.compile().regions[0]
    assert region.asks == (
        plan.Ask(name="t?0", stream="t", question="ahead? ", answers=("y", "n"), every=4, at="\n"),
    )
    assert region.waits == (plan.Wait(stream="r", ask="t?0", answer="y", each=", "),)
    assert region.until == (plan.Until(condition=plan.Matches(streams=("t", "r"), regex="done")),)
    assert (region.streams[0].max_tokens, region.streams[0].max_seconds) == (8, 2)


def test_one_bounded_stream_is_enough_since_a_reply_may_end_by_itself():
    @hog.program
    def thinks(s: hog.Scope) -> None:
        with s.concurrent() as now:
            with now.think("t") as t:
                t += hog.gen(stop="</think>")
            with now.say("r") as r:
                r += hog.gen()

    assert len(thinks.compile().regions) == 1


def test_places_of_the_program_are_in_the_plan():
    @hog.program
    def thinks(s: hog.Scope) -> None:
        with s.concurrent() as now, now.think("t", max_tokens=3) as t:
            t += hog.gen()

    region = thinks.compile().regions[0]
    line = thinks.__wrapped__.__code__.co_firstlineno + 2
    assert region.where == f"tests/language/test_regions.py:{line}"
    assert region.streams[0].where == region.where
