"""Streams that come after others and are parts of them."""

import pytest

from hogdsl.events import Committed, Inserted, StreamEnded, Token
from hogdsl.plan import (
    CloseTurn,
    Commit,
    Gen,
    HistoryBlock,
    Hold,
    Matches,
    Region,
    Stream,
    StreamBlock,
    Text,
    TextBlock,
    Turn,
    Until,
)
from tests.scheduler.world import World, region, stream, tape


def nested(**more: object) -> Region:
    """A, two parts that see it, and what it writes afterwards."""
    parts = [stream(f"A/{n}", Gen(), sees=("A",), after=("A",), parent="A") for n in "xy"]
    again = Stream(
        name="A#2",
        role="worker",
        view=("A", "A/x", "A/y", "A#2"),
        pieces=(Text(text="Z:"), Gen()),
        after=("A", "A/x", "A/y"),
        parent="A",
        continues=True,
        max_tokens=more.pop("max_tokens", None),  # pyright: ignore[reportArgumentType]
    )
    others: tuple[Stream, ...] = more.pop("others", ())  # pyright: ignore[reportAssignmentType]
    return region(stream("A", Gen()), *parts, again, *others, **more)


def test_a_stream_begins_when_those_before_it_have_ended_and_sees_what_they_wrote() -> None:
    world = World(tape(A="12", x="34", y="567", Z="89"))
    client = world.run()
    client.start(nested())
    assert list(client.run.present.writers) == ["A", "A/x", "A/y", "A#2"]  # pyright: ignore
    views: list[list[str]] = []
    while client.run.present is not None:
        world.step()
        views.append(world.views)
    assert views[0] == ["A:"]
    assert views[3] == ["A:12A/x:", "A:12A/y:"]
    assert views[7] == ["A:12A/x:34A/y:567Z:"]
    assert client.texts == {"A": "A:12", "A/x": "A/x:34", "A/y": "A/y:567", "A#2": "Z:89"}


def test_a_part_of_a_stream_that_did_not_finish_ends_with_its_reason() -> None:
    client = World(tape(A="1!2345")).run()
    until = Until(condition=Matches(streams=("A",), regex="!"), ends=("A",))
    client.finish(nested(until=(until,)))
    assert client.reasons == dict.fromkeys(("A", "A/x", "A/y", "A#2"), "until")
    assert client.texts["A#2"] == ""


def matched(a: str, again: str, b: str, **more: object) -> str:
    """What A writes in its last part until it and `B`, one of them or both, match."""
    plan = Matches.model_validate({"streams": (("A", "A#2"), "B"), **more})
    until = Until(condition=plan, ends=("A#2",))
    whole = nested(until=(until,), others=(stream("B", Gen()),))
    client = World(tape(A=a, x="3", y="5", Z=again, B=b)).run()
    client.finish(whole)
    return client.texts["A#2"]


def test_the_texts_of_parts_run_together_where_they_match() -> None:
    assert matched("1", "2345", "", regex=r"1Z:23") == "Z:23"


def test_a_match_in_an_earlier_part_stays_one() -> None:
    assert matched("!", "2" * 20, "1234567!", regex="!", n=2) == "Z:2222"


def test_parts_count_as_one_stream() -> None:
    assert matched("!", "!345", "", regex="!", n=2) == "Z:!345"


def test_of_parts_that_are_to_agree_the_last_match_counts() -> None:
    assert matched("=1 ", "=2 345", "=1 ", regex=r"=(\d) ", n=2, agree=True) == ""
    assert matched("=1 ", "=2 345", "       =2 ", regex=r"=(\d) ", n=2, agree=True) == "Z:=2 3"


@pytest.mark.parametrize("agree", [False, True])
def test_nobody_waits_for_parts_that_can_match_no_more(agree: bool) -> None:
    until = Matches(streams=(("A", "A#2"),), regex="!", agree=agree)
    hold = Hold(stream="B", until=until)
    client = World(tape(A="1", x="3", y="5", Z="2", B="4")).run()
    client.finish(nested(holds=(hold,), others=(stream("B", Gen()),)))
    assert client.texts["B"] == "B:4"
    ended = [e.stream for e in client.events if isinstance(e, StreamEnded)]
    assert ended.index("A#2") < ended.index("B")


def test_a_stream_that_goes_on_has_what_is_left_of_the_budget() -> None:
    client = World(tape(A="12", x="", y="", Z="3456789")).run()
    client.finish(nested(max_tokens=6))
    assert client.reasons["A#2"] == "budget"
    assert client.texts["A#2"] == "Z:345", "two tokens and an end token were used before"


def test_steps_are_counted_on() -> None:
    commit = Commit(into="h", step="\n", header="{name}{step}:")
    view = ("p", "h")
    streams = (
        Stream(name="A", role="worker", view=(*view, "a"), pieces=(Gen(),), commit=commit),
        Stream(
            name="A#2",
            role="worker",
            view=(*view, "a", "a2"),
            pieces=(Gen(),),
            commit=commit,
            after=("A",),
            parent="A",
            continues=True,
        ),
    )
    blocks = (
        TextBlock(name="p", pieces=(Text(text="P"),)),
        HistoryBlock(name="h"),
        StreamBlock(name="a"),
        StreamBlock(name="a2"),
    )
    client = World(tape(A1="x\n", A2="y\n", A3="z\n", A4="")).run()
    # A ends behind the header of its step 2, which A#2 then writes.
    client.finish(Region(name="r", blocks=blocks, streams=streams, keep=("h",)))
    committed = [(e.stream, e.index, e.text) for e in client.events if isinstance(e, Committed)]
    assert committed[0] == ("A", 1, "A1:x\n")
    assert [text for *_, text in committed] == ["A1:x\n", "A2:y\n", "A3:z\n"]


def test_seconds_count_from_the_beginning_of_a_stream() -> None:
    world = World(tape(A="123456", B="1" * 50))
    client = world.run()
    client.start(
        region(stream("A", Gen(max_tokens=3)), stream("B", Gen(), after=("A",), max_seconds=2.0))
    )
    for _ in range(40):
        world.step()
        world.now_s += 0.5
    assert client.reasons == {"A": "finished", "B": "deadline"}
    assert client.texts["B"] == "B:111"


def test_a_chat_turn_that_was_opened_before_is_closed_behind_it() -> None:
    first = stream("A", CloseTurn(), Turn(role="user", prefix="A:"), Gen())
    then = stream("B", CloseTurn(), Text(text="B:"), Gen(), sees=("A",), after=("A",))
    client = World(tape(A="1", B="2")).run()
    client.finish(region(first, then))
    assert client.texts["B"] == "B:</user>B:2"


def test_what_late_streams_find_in_the_cache_is_counted_when_they_begin() -> None:
    client = World(tape(A="12", B="3")).run()
    client.finish(region(stream("A", Gen()), stream("B", Gen(), sees=("A",), after=("A",))))
    assert client.run.usage.tokens_cached == len("A:12")


def test_what_is_told_of_a_late_stream_is_its_text() -> None:
    client = World(tape(A="12", x="34", y="567", Z="89")).run()
    client.finish(nested())
    told = [e for e in client.events if isinstance(e, Inserted | Token) and e.stream == "A#2"]
    assert "".join(e.text for e in told) == client.texts["A#2"]
