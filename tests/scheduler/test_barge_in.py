"""Somebody breaks in while a stream speaks."""

import pytest

from hogdsl.commands import CloseInput, Delivered, Hear
from hogdsl.events import Held, Interrupted, Resumed, Value
from hogdsl.plan import (
    ChoicesConstraint,
    Gen,
    Input,
    Piece,
    Region,
    Text,
    TextBlock,
    Turn,
)
from tests.scheduler.world import Client, World, region, script, stream, tape, text_of


def talk(policy: str, *pieces: Piece, reports: bool = False) -> Region:
    """A listener that breaks in on a speaker who sees it."""
    given = Input.model_validate({"barge_in": policy, "interrupts": ("S",), "background": True})
    say = stream("S", *(pieces or (Gen(),)), sees=("p", "mic"), reports_delivery=reports)
    talking = region(stream("mic", input=given), say, keep=("S",))
    prompt = TextBlock(name="p", pieces=(Text(text="P "),))
    return talking.model_copy(update={"blocks": (prompt, *talking.blocks)})


def interrupted(client: Client) -> list[tuple[str, str]]:
    return [(e.policy, e.text) for e in client.events if isinstance(e, Interrupted)]


def play_all(client: Client) -> None:
    """Let the streams be written and then played to their ends."""
    client.go_on()
    client.tell(Delivered(stream="S", n_chars=999))
    client.go_on()


def kept(client: Client) -> str:
    return text_of(client.run._blocks.blocks["S"])  # pyright: ignore[reportPrivateUsage]


def test_pause_holds_the_speaker_until_the_utterance_is_complete_and_encoded() -> None:
    client = World(tape(S="123456")).run()
    client.start(talk("pause"))
    client.go_on(2)
    client.tell(Hear(stream="mic", text="wait", final=False))
    client.go_on()
    assert client.run.is_waiting
    client.tell(Hear(stream="mic", text=" there", final=False), Hear(stream="mic", text=""))
    client.go_on()
    assert interrupted(client) == [("pause", "S:12")]
    assert client.texts == {"S": "S:123456", "mic": "mic:wait there"}
    steps = [e.step for e in client.events if isinstance(e, Held | Resumed)]
    assert steps == [2, 4]


def test_a_closed_input_pauses_nobody() -> None:
    client = World(tape(S="123456")).run()
    client.start(talk("pause"))
    client.go_on(2)
    client.tell(Hear(stream="mic", text="wait", final=False), CloseInput(stream="mic"))
    client.go_on()
    assert client.texts["S"] == "S:123456"


def test_restart_goes_on_from_what_was_delivered_and_sees_the_input() -> None:
    world = World(script(S="123456"))
    client = world.run()
    client.start(talk("restart", reports=True))
    client.go_on(4)
    client.tell(Delivered(stream="S", n_chars=4), Hear(stream="mic", text="no"))
    assert interrupted(client) == [("restart", "S:12")]
    client.go_on(1)
    assert world.views == ["mic:no", "P mic:noS:12"]
    play_all(client)
    assert client.texts["S"] == kept(client) == "S:123456"


def test_without_reports_all_that_was_told_is_delivered() -> None:
    client = World(tape(S="12</e34")).run()
    client.start(talk("restart", Gen(stop=("</end>",))))
    client.go_on(5)
    client.tell(Hear(stream="mic", text="no"))
    assert interrupted(client) == [("restart", "S:12")], "what looked like a stop was not told"
    client.go_on()
    assert client.texts["S"] == kept(client) == "S:1234"


def test_stop_ends_the_speaker_with_what_was_delivered() -> None:
    client = World(tape(S="123456")).run()
    client.start(talk("stop", Gen(name="x"), reports=True))
    client.go_on(4)
    client.tell(Delivered(stream="S", n_chars=3), Hear(stream="mic", text="no"))
    client.go_on()
    assert interrupted(client) == [("stop", "S:1")]
    assert client.reasons["S"] == "interrupted"
    assert client.texts["S"] == kept(client) == "S:1"
    values = [(e.value, e.reason) for e in client.events if isinstance(e, Value)]
    assert values == [("1", "stream_ended")]


@pytest.mark.parametrize(("n_chars", "text"), [(0, ""), (1, "S"), (4, "S:12"), (5, "S:12,")])
def test_a_speaker_is_taken_back_into_fixed_text_and_earlier_gens(n_chars: int, text: str) -> None:
    client = World(tape(S="12345678")).run()
    client.start(
        talk("restart", Gen(max_tokens=2), Text(text=", "), Gen(max_tokens=4), reports=True)
    )
    client.go_on(4)
    client.tell(Delivered(stream="S", n_chars=n_chars), Hear(stream="mic", text="no"))
    assert interrupted(client) == [("restart", text)]
    play_all(client)
    values = [e.value for e in client.events if isinstance(e, Value)]
    assert values == ["12", "56"], "tokens that were taken back count against the budget"
    assert client.texts["S"] == kept(client) == text + "56"


def test_an_opened_chat_turn_is_not_taken_back() -> None:
    client = World(tape(S="1234")).run()
    client.start(talk("restart", Turn(role="assistant", prefix="S:"), Gen(), reports=True))
    client.go_on(2)
    client.tell(Hear(stream="mic", text="no"))
    assert interrupted(client) == [("restart", "S:<assistant>S:")]
    play_all(client)
    assert client.texts["S"] == kept(client) == "S:<assistant>S:34"


def test_a_gen_with_a_grammar_goes_on_from_the_tokens_that_stay() -> None:
    client = World(script(S="abcd")).run()
    constraint = ChoicesConstraint(choices=("abcd", "abxy"))
    client.start(talk("restart", Gen(name="x", constraint=constraint), reports=True))
    client.go_on(3)
    client.tell(Delivered(stream="S", n_chars=4), Hear(stream="mic", text="no"))
    play_all(client)
    values = [(e.value, e.reason) for e in client.events if isinstance(e, Value)]
    assert values == [("abcd", "complete")]


def test_empty_text_breaks_in_on_nobody() -> None:
    client = World(tape(S="1234")).run()
    client.start(talk("stop"))
    client.go_on(2)
    client.tell(Hear(stream="mic", text=""))
    client.go_on()
    assert not interrupted(client)
    assert client.texts["S"] == "S:1234"


def test_what_was_taken_back_does_not_count_for_conditions() -> None:
    client = World(tape(S="12!45")).run()
    more = {
        "until": [
            {"condition": {"kind": "matches", "streams": ["S", "mic"], "regex": "!|#", "n": 2}}
        ]
    }
    client.start(Region.model_validate(talk("restart", reports=True).model_dump() | more))
    client.go_on(3)
    client.tell(Delivered(stream="S", n_chars=3), Hear(stream="mic", text="#"))
    play_all(client)
    assert client.reasons["S"] == "finished"
    assert client.texts["S"] == "S:145"


def test_a_stream_that_is_played_ends_when_all_of_it_is() -> None:
    client = World(tape(S="123")).run()
    client.start(talk("stop", reports=True))
    client.go_on()
    assert client.run.is_waiting
    client.tell(Delivered(stream="S", n_chars=4))
    assert client.run.present is not None
    client.tell(Delivered(stream="S", n_chars=5))
    assert client.run.present is None
    assert client.reasons["S"] == "finished"


def test_a_stream_that_was_written_is_still_broken_into_while_it_is_played() -> None:
    client = World(tape(S="123456")).run()
    client.start(talk("stop", Gen(name="said"), reports=True))
    client.go_on()
    client.tell(Delivered(stream="S", n_chars=4), Hear(stream="mic", text="stop"))
    client.go_on()
    assert interrupted(client) == [("stop", "S:12")]
    assert client.reasons["S"] == "interrupted"
    assert kept(client) == "S:12"
    values = [(e.n, e.value) for e in client.events if isinstance(e, Value)]
    assert values == [(0, "123456"), (0, "12")]


def test_a_stream_that_was_written_goes_on_from_what_was_played() -> None:
    client = World(script(S="123456")).run()
    client.start(talk("restart", Gen(name="said"), Text(text="."), reports=True))
    client.go_on()
    client.tell(Delivered(stream="S", n_chars=4), Hear(stream="mic", text="!"))
    assert interrupted(client) == [("restart", "S:12")]
    play_all(client)
    assert client.texts["S"] == kept(client) == "S:123456."
    values = [(e.n, e.value) for e in client.events if isinstance(e, Value)]
    assert values == [(0, "123456"), (0, "123456")]
    assert client.reasons["S"] == "finished"


def test_a_budget_that_is_used_up_lets_nothing_go_on() -> None:
    client = World(tape(S="123456")).run()
    client.start(talk("restart", Gen(max_tokens=3), reports=True))
    client.go_on()
    client.tell(Delivered(stream="S", n_chars=3), Hear(stream="mic", text="!"))
    client.go_on()
    client.tell(Delivered(stream="S", n_chars=3))
    assert client.texts["S"] == "S:1"
    assert client.reasons["S"] == "finished"


def test_what_is_never_played_ends_with_the_regions_seconds() -> None:
    world = World(tape(S="123"))
    client = world.run()
    client.start(talk("stop", reports=True).model_copy(update={"max_seconds": 5.0}))
    client.go_on()
    assert client.run.next_deadline_s() == 5.0
    world.now_s = 5.0
    client.go_on()
    assert client.reasons["S"] == "deadline"


def test_what_is_never_played_ends_when_nobody_can_break_in_any_more() -> None:
    client = World(tape(S="123")).run()
    client.start(talk("stop", reports=True))
    client.go_on()
    assert client.run.is_waiting
    client.tell(CloseInput(stream="mic"))
    client.go_on()
    assert client.reasons["S"] == "finished"


def test_nobody_waits_for_delivery_where_nothing_is_taken_back() -> None:
    client = World(tape(S="123")).run()
    client.start(talk("pause", reports=True))
    client.go_on()
    assert client.reasons["S"] == "finished"
