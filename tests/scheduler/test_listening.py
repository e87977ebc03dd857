"""Streams that listen: what is heard when, and who waits for whom."""

from hogdsl.commands import CloseInput, Hear
from hogdsl.events import Heard, StreamEnded
from hogdsl.plan import Ended, Gen, Input, Region, Stream, Text, Until
from tests.scheduler.world import Client, World, region, stream, tape, text_of


def talk(**given: object) -> Region:
    """Somebody listens, and somebody who sees it thinks."""
    mic = stream("mic", input=Input.model_validate(given))
    return region(mic, stream("T", Gen(), sees=("mic",)), keep=("mic", "T"))


def block(client: Client, name: str) -> str:
    return text_of(client.run._blocks.blocks[name])  # pyright: ignore[reportPrivateUsage]


def heard(client: Client) -> list[tuple[str, int]]:
    return [(e.text, e.step) for e in client.events if isinstance(e, Heard)]


def test_what_is_heard_is_seen_by_all_in_the_next_step_while_they_go_on() -> None:
    world = World(tape(T="123456"))
    client = world.run()
    client.start(talk())
    client.go_on(2)
    client.tell(Hear(stream="mic", text="hello"))
    client.go_on(1)
    assert world.views == ["mic:hello", "mic:helloT:12"]


def test_a_closed_input_ends_when_all_that_was_sent_before_is_heard() -> None:
    client = World(tape(T="1")).run()
    client.start(talk())
    client.tell(Hear(stream="mic", text="a"), Hear(stream="mic", text="b"))
    client.tell(CloseInput(stream="mic"), Hear(stream="mic", text="late"))
    client.go_on()
    assert client.reasons["mic"] == "closed"
    assert [text for text, _ in heard(client)] == ["a", "b"]
    assert block(client, "mic") == "mic:ab"


def test_a_region_waits_for_an_open_input() -> None:
    world = World(tape(T="1"))
    client = world.run()
    client.start(talk())
    client.go_on()
    assert client.run.is_waiting
    assert world.scheduler.is_waiting(0.0)
    client.tell(CloseInput(stream="mic"))
    assert client.events[-1].kind == "joined"


def test_an_input_in_the_background_is_left_when_the_others_have_ended() -> None:
    client = World(tape(T="1")).run()
    client.finish(talk(background=True))
    assert client.reasons == {"T": "finished", "mic": "left"}


def test_text_that_was_taken_is_appended_although_its_input_is_left() -> None:
    client = World(tape(T="1")).run()
    client.start(talk(background=True))
    client.go_on(1)
    client.tell(Hear(stream="mic", text="x"))
    client.go_on()
    assert client.events[-1].kind == "joined"
    assert block(client, "mic") == "mic:x"


def test_an_item_for_a_later_step_waits_and_those_behind_it_wait_too() -> None:
    client = World(tape(T="12345678")).run()
    client.start(talk())
    client.tell(
        Hear(stream="mic", text="a", at_step=3),
        Hear(stream="mic", text="b", at_step=1),
        Hear(stream="mic", text="c", at_step=5),
        CloseInput(stream="mic"),
    )
    client.go_on()
    assert heard(client) == [("a", 3), ("b", 3), ("c", 5)]


def test_an_item_for_a_step_that_will_not_come_is_heard_when_nothing_else_goes_on() -> None:
    client = World(tape(T="1")).run()
    client.start(talk())
    client.tell(Hear(stream="mic", text="a", at_step=99), CloseInput(stream="mic"))
    client.go_on()
    assert [text for text, _ in heard(client)] == ["a"]
    assert client.events[-1].kind == "joined"


def test_a_condition_on_the_end_of_an_input_holds_when_all_of_it_is_encoded() -> None:
    client = World(tape(T="1" * 50)).run()
    ended = Until(condition=Ended(streams=("mic",)))
    client.start(talk().model_copy(update={"until": (ended,)}))
    client.go_on(2)
    client.tell(Hear(stream="mic", text="x"), CloseInput(stream="mic"))
    client.go_on()
    assert client.texts == {"mic": "mic:x", "T": "T:111"}
    assert client.reasons["T"] == "until"
    assert block(client, "mic") == "mic:x"


def test_a_stream_with_nothing_of_its_own_waits_until_what_was_heard_is_encoded() -> None:
    world = World(tape(mic="1"))
    client = world.run()
    mic = stream("mic", input=Input(background=True))
    bare = Stream(name="T", role="think", view=("mic", "T"), pieces=(Gen(),))
    client.start(region(mic, bare))
    client.tell(Hear(stream="mic", text="hello"))
    client.go_on()
    assert client.texts["T"] == "1"
    assert not client.kinds("failed")


def test_an_input_that_fills_the_context_ends_and_the_run_goes_on() -> None:
    world = World(tape(T="1" * 50))
    client = world.run(context=20)
    other = stream("T", Gen(max_tokens=3))
    client.start(region(stream("mic", input=Input()), other))
    client.tell(Hear(stream="mic", text="x" * 30))
    client.go_on()
    assert client.reasons == {"mic": "budget", "T": "finished"}


def test_fixed_text_stands_before_what_is_heard() -> None:
    client = World(tape()).run()
    mic = stream("mic", Text(text=" user says: "), input=Input())
    client.start(region(mic, keep=("mic",)))
    client.tell(Hear(stream="mic", text="hi"), CloseInput(stream="mic"))
    client.go_on()
    ended = [e for e in client.events if isinstance(e, StreamEnded)]
    assert ended[0].text == block(client, "mic") == "mic: user says: hi"
