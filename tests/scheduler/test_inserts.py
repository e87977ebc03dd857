"""Texts that are put into streams: by rules, and by the program."""

from hogdsl.commands import Write
from hogdsl.events import Committed, Inserted, Token, Value
from hogdsl.plan import (
    Commit,
    Gen,
    HistoryBlock,
    Insert,
    Region,
    Stream,
    StreamBlock,
    Text,
    TextBlock,
)
from tests.scheduler.world import World, region, stream, tape


def pair(*inserts: Insert) -> Region:
    return region(
        stream("A", Gen(name="x"), sees=("B",)),
        stream("B", Gen(name="x"), sees=("A",)),
        inserts=inserts,
        keep=("A", "B"),
    )


def test_a_text_is_put_into_each_stream_after_so_many_tokens() -> None:
    client = World(tape(A="12345", B="67")).run()
    client.finish(pair(Insert(name="i", streams=("A", "B"), text="#", every=2)))
    assert client.texts == {"A": "A:12#34#5", "B": "B:67#"}
    values = {e.stream: e.value for e in client.events if isinstance(e, Value)}
    assert values == {"A": "12345", "B": "67"}, "a value has only what the model chose"


def test_a_random_stream_is_chosen_by_the_seed() -> None:
    def told(seed: int) -> list[str]:
        client = World(tape(A="1" * 20, B="2" * 20)).run(seed=seed)
        client.finish(pair(Insert(name="i", streams=("A", "B"), text="#", every=2, into="random")))
        return [e.stream for e in client.events if isinstance(e, Inserted) and e.text == "#"]

    assert told(1) == told(1)
    assert len(told(1)) == 10
    assert len({tuple(told(seed)) for seed in range(5)}) == 5
    assert set(told(1)) == {"A", "B"}


def test_a_text_that_is_due_waits_for_its_place() -> None:
    client = World(tape(A="1.345.7", B="")).run()
    client.finish(pair(Insert(name="i", streams=("A",), text="#", every=3, at=".")))
    assert client.texts["A"] == "A:1.345.#7"


def test_a_place_that_is_reached_just_when_it_is_due_counts() -> None:
    client = World(tape(A="12.45", B="")).run()
    client.finish(pair(Insert(name="i", streams=("A",), text="#", every=3, at=".")))
    assert client.texts["A"] == "A:12.#45"


def test_at_the_end_of_a_step_it_stands_behind_the_next_header() -> None:
    commit = Commit(into="h", step="\n", header="{name}:")
    worker = Stream(name="A", role="worker", view=("p", "h", "a"), pieces=(Gen(),), commit=commit)
    blocks = (
        TextBlock(name="p", pieces=(Text(text="P "),)),
        HistoryBlock(name="h"),
        StreamBlock(name="a"),
    )
    insert = Insert(name="i", streams=("A",), text="check? ", every=2, at="\n")
    world = World(tape(A="12\n45\n"))
    client = world.run()
    client.finish(
        Region(name="r", blocks=blocks, streams=(worker,), inserts=(insert,), keep=("h", "a"))
    )
    committed = [e.text for e in client.events if isinstance(e, Committed)]
    assert committed == ["A:12\n", "A:check? 45\n"]
    assert client.texts["A"] == "A:12\nA:check? 45\nA:check? "
    told = [e.text for e in client.events if isinstance(e, Inserted | Token)]
    assert "".join(told) == client.texts["A"]


def test_the_program_writes_behind_what_a_stream_has_written() -> None:
    world = World(tape(A="1234", B=""))
    client = world.run()
    client.start(pair())
    client.go_on(2)
    client.tell(Write(stream="A", text=" so: "))
    client.go_on(1)
    assert world.views == ["B:A:12 so: "]
    client.go_on()
    assert client.texts["A"] == "A:12 so: 34"


def test_a_stop_does_not_match_across_a_text_that_was_put_in() -> None:
    client = World(tape(A="1</end>2")).run()
    client.start(region(stream("A", Gen(name="x", stop=("</end>",)))))
    client.go_on(4)
    client.tell(Write(stream="A", text="#"))
    client.go_on()
    assert client.texts["A"] == "A:1</e#nd>2"
    told = [e.text for e in client.events if isinstance(e, Inserted | Token)]
    assert "".join(told) == client.texts["A"]


def test_a_stop_behind_a_text_that_was_put_in_leaves_that_text() -> None:
    client = World(tape(A="1.2.</end>2")).run()
    client.start(region(stream("A", Gen(name="x", stop=("</end>",))), keep=("A",)))
    client.go_on(2)
    client.tell(Write(stream="A", text="#"))
    client.go_on()
    assert client.texts["A"] == "A:1.#2."
    assert [e.value for e in client.events if isinstance(e, Value)] == ["1.2."]


def test_what_is_written_to_a_stream_that_has_not_begun_stands_behind_its_first_text() -> None:
    client = World(tape(A="1", B="2")).run()
    client.start(region(stream("A", Gen()), stream("B", Gen(), after=("A",))))
    client.tell(Write(stream="B", text="#"))
    client.go_on()
    assert client.texts["B"] == "B:#2"


def test_a_command_for_a_stream_that_is_not_there_does_nothing() -> None:
    client = World(tape(A="1", B="2")).run()
    client.start(pair())
    client.tell(Write(stream="nobody", text="#"))
    client.go_on()
    assert client.events[-1].kind == "joined"
