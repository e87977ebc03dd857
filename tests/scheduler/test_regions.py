"""Several streams: what they see, histories, untils, ends."""

import random

import pytest

from hogdsl.errors import CapacityError
from hogdsl.events import Committed, Inserted, Joined, StreamEnded, Token
from hogdsl.plan import (
    Commit,
    Gen,
    HistoryBlock,
    Matches,
    Region,
    Stream,
    StreamBlock,
    Text,
    TextBlock,
    Until,
)
from tests.scheduler.world import Model, World, script, tape


def pair(**more: object) -> Region:
    """Two workers that see each other; each block begins with the worker's name."""
    fields = {
        "name": "r",
        "blocks": (StreamBlock(name="a"), StreamBlock(name="b")),
        "streams": (
            Stream(
                name="A", role="worker", view=("b", "a"), pieces=(Text(text="A:"), Gen(name="x"))
            ),
            Stream(
                name="B", role="worker", view=("a", "b"), pieces=(Text(text="B:"), Gen(name="x"))
            ),
        ),
    }
    return Region.model_validate(fields | more)


def test_streams_see_in_a_step_what_all_append_in_that_step() -> None:
    world = World(script(A="123", B="789"))
    client = world.run()
    client.start(pair())
    world.step()
    assert world.views == ["B:A:", "A:B:"]
    world.step()
    assert world.views == ["B:7A:1", "A:1B:7"]


def test_the_first_tokens_come_at_step_one_and_streams_advance_together() -> None:
    client = World(script(A="123", B="789")).run()
    client.finish(pair())
    steps = [(e.stream, e.step) for e in client.events if isinstance(e, Token) and e.text]
    assert steps == [("A", 1), ("B", 1), ("A", 2), ("B", 2), ("A", 3), ("B", 3)]


def test_events_are_in_one_total_order_and_the_last_is_joined() -> None:
    client = World(script(A="123", B="7")).run()
    client.finish(pair())
    assert [event.seq for event in client.events] == list(range(len(client.events)))
    assert isinstance(client.events[-1], Joined)
    assert client.events[-1].usage.steps == 4
    assert client.events[-1].usage.tokens_generated == 6


def test_blocks_that_are_not_kept_are_freed_at_the_join() -> None:
    world = World(script(A="1", B="2"))
    client = world.run()
    client.finish(pair(keep=("a",)))
    assert len(world.cache.living) == 1
    client.run.close()
    assert not world.cache.living


def test_until_ends_all_streams_and_flushes_what_is_kept() -> None:
    world = World(script(A="12!45", B="678901"))
    client = world.run()
    until = Until(condition=Matches(streams=("A", "B"), regex="!"))
    client.finish(pair(until=(until,), keep=("a", "b")))
    ended = {e.stream: (e.reason, e.text) for e in client.events if isinstance(e, StreamEnded)}
    assert ended == {"A": ("until", "A:12!"), "B": ("until", "B:678")}
    blocks = client.run._blocks.blocks  # pyright: ignore[reportPrivateUsage]
    assert [blocks[name].n_tokens for name in "ab"] == [5, 5]


def test_until_counts_the_streams_that_match() -> None:
    client = World(script(A="1!2345", B="678!90")).run()
    client.finish(pair(until=(Until(condition=Matches(streams=("A", "B"), regex="!", n=2)),)))
    ended = {e.stream: e.text for e in client.events if isinstance(e, StreamEnded)}
    assert ended == {"A": "A:1!23", "B": "B:678!"}


def test_a_deadline_ends_the_region() -> None:
    world = World(script(A="1" * 100, B="2" * 100))
    client = world.run()
    client.start(pair(max_seconds=5.0))
    world.step()
    world.now_s = 6.0
    world.step()
    reasons = [e.reason for e in client.events if isinstance(e, StreamEnded)]
    assert reasons == ["deadline", "deadline"]
    assert client.run.present is None


def team(header: str = "{name}:", step: str = "\n") -> Region:
    """Two workers with a common history of finished steps."""
    streams = tuple(
        Stream(
            name=name,
            role="worker",
            view=("p", "h", other.lower(), name.lower()),
            pieces=(Gen(name="work"),),
            commit=Commit(into="h", step=step, header=header),
        )
        for name, other in (("A", "B"), ("B", "A"))
    )
    blocks = (
        TextBlock(name="p", pieces=(Text(text="P "),)),
        HistoryBlock(name="h"),
        StreamBlock(name="a"),
        StreamBlock(name="b"),
    )
    return Region(name="t", blocks=blocks, streams=streams, keep=("h", "a", "b"))


def steps_model(**steps: list[str]) -> Model:
    """Each worker writes its lines one after another, then ends."""

    def model(whole: str) -> str | None:
        name = max(steps, key=lambda n: whole.rfind(f"{n}:"))
        n_done = sum(line in whole[: whole.rfind(f"{name}:")] for line in steps[name])
        written = whole[whole.rfind(f"{name}:") + 2 :]
        if n_done == len(steps[name]):
            return None
        return steps[name][n_done][len(written)]

    return model


def test_finished_steps_move_to_the_history_in_one_step_without_losing_any() -> None:
    world = World(steps_model(A=["a1\n", "a22\n"], B=["b1\n"]))
    client = world.run()
    client.start(team())
    views: list[list[str]] = []
    while client.run.present is not None:
        world.step()
        views.append(world.views)
    assert world.cache.commits == ["A:a1\n", "B:b1\n", "A:a22\n"]
    assert views[2] == ["P ", "P B:b1A:a1", "P A:a1B:b1"][1:]
    # The step that turns over: the finished steps get their line break, and both fresh blocks
    # begin behind a history that has them already.
    assert views[3] == ["P A:a1\n", "P A:a1\nB:b1\nB:A:", "P A:a1\nB:b1\n", "P A:a1\nB:b1\nA:B:"]


def test_committed_steps_are_told_with_their_index_and_header() -> None:
    client = World(steps_model(A=["a1\n", "a22\n"], B=["b1\n"])).run()
    client.finish(team())
    committed = [(e.stream, e.index, e.text) for e in client.events if isinstance(e, Committed)]
    assert committed == [("A", 1, "A:a1\n"), ("B", 1, "B:b1\n"), ("A", 2, "A:a22\n")]
    blocks = client.run._blocks.blocks  # pyright: ignore[reportPrivateUsage]
    assert bytes(blocks["h"].tokens).decode() == "A:a1\nB:b1\nA:a22\n"
    assert blocks["a"].n_tokens == blocks["b"].n_tokens == 0, "headers without a step are not kept"
    ended = {e.stream: e.text for e in client.events if isinstance(e, StreamEnded)}
    assert ended == {"A": "A:a1\nA:a22\n", "B": "B:b1\n"}
    texts = [e for e in client.events if isinstance(e, Inserted | Token) and e.stream == "A"]
    told = "".join(event.text for event in texts)
    assert told == ended["A"], "what is told of a stream is all that it wrote"


def test_if_there_is_no_room_the_newest_run_of_a_step_gives_way() -> None:
    world = World(script(A="123", B="789"))
    old, new = world.run(), world.run()
    old.start(pair())
    new.start(pair())
    step = world.scheduler.next_step(0.0)
    assert step is not None
    world.scheduler.drop(step, CapacityError("no pages"))
    assert new.events[-1].kind == "failed"
    assert new.events[-1].error == "CapacityError"
    world.step()
    assert world.views == ["B:A:", "A:B:"], "the other run begins as if nothing had happened"
    while old.run.present is not None:
        world.step()
    assert old.events[-1].kind == "joined"


@pytest.mark.parametrize("seed", range(8))
def test_runs_that_end_anyhow_leave_no_block(seed: int) -> None:
    rng = random.Random(seed)
    world = World(script(A="1234567", B="89012"))
    clients = []
    for _ in range(40):
        if rng.random() < 0.5:
            client = world.run(seed=rng.randrange(99), max_tokens=rng.choice([None, 1, 4]))
            client.start(pair(keep=rng.choice([(), ("a",), ("a", "b")])))
            clients.append(client)
        world.step()
        if clients and rng.random() < 0.2:
            world.scheduler.remove(rng.choice(clients).run)
    for client in clients:
        world.scheduler.remove(client.run)
    assert world.step() is None
    assert not world.cache.living


def test_a_step_of_several_runs_that_fails_blames_none_until_each_is_alone() -> None:
    world = World(script(A="123", B="789"))
    clients = [world.run(), world.run()]
    for client in clients:
        client.start(pair())
    step = world.scheduler.next_step(0.0)
    assert step is not None
    world.scheduler.drop(step, RuntimeError("broken"))
    assert not any(client.kinds("failed") for client in clients)
    alone = world.scheduler.next_step(0.0, only=clients[0].run)
    assert alone is not None
    assert alone.runs == [clients[0].run]
    world.scheduler.drop(alone, RuntimeError("broken"))
    assert [bool(client.kinds("failed")) for client in clients] == [True, False]


def test_only_what_a_stream_sees_counts_against_the_context() -> None:
    world = World(script(A="1", B="2"))
    client = world.run(context=12)
    streams = tuple(
        Stream(name=n, role="worker", view=(n.lower(),), pieces=(Text(text=f"....{n}:"), Gen()))
        for n in "AB"
    )
    client.finish(pair(streams=streams))
    assert client.events[-1].kind == "joined"
    ended = {e.stream: e.text for e in client.events if isinstance(e, StreamEnded)}
    assert ended == {"A": "....A:1", "B": "....B:2"}


def test_a_step_of_a_single_token_is_committed_like_any_other() -> None:
    world = World(tape(A="1\n\n\n4\n", B=""))
    client = world.run()
    client.finish(team())
    committed = [e.text for e in client.events if isinstance(e, Committed)]
    assert committed == ["A:1\n", "A:\n", "A:\n", "A:4\n"] == world.cache.commits
    client.run.close()
    assert not world.cache.living
