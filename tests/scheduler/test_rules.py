"""Thinking and speaking: texts between streams, asks, waits."""

from hogdsl.events import Asked, StreamEnded, Token
from hogdsl.plan import (
    Ask,
    Gen,
    Region,
    Stream,
    StreamBlock,
    Text,
    TextBlock,
    Turn,
    Wait,
)
from tests.scheduler.world import Client, Model, World


def talk(each: str | None = None, at: str | None = "\n") -> Region:
    """A thinker that is asked, and a speaker that waits for a yes."""
    blocks = (
        TextBlock(name="q", pieces=(Turn(role="user", prefix="Q"),)),
        TextBlock(name="open", pieces=(Text(text="T:"),), after=("q",)),
        TextBlock(name="more", pieces=(Text(text="S:"),), after=("q", "open", "t")),
        StreamBlock(name="t"),
        StreamBlock(name="s"),
    )
    streams = (
        Stream(name="think", role="think", view=("q", "open", "t"), pieces=(Gen(name="t"),)),
        Stream(name="say", role="say", view=("q", "open", "t", "more", "s"), pieces=(Gen(),)),
    )
    ask = Ask(name="ahead", stream="think", question="?", at=at)
    wait = Wait(stream="say", ask="ahead", each=each)
    return Region(name="k", blocks=blocks, streams=streams, asks=(ask,), waits=(wait,))


def talk_model(thoughts: str, speech: str, answers: str) -> Model:
    given = iter(answers)

    def model(whole: str) -> str | None:
        if whole.endswith("?"):
            return next(given)
        if "S:" in whole:
            written = whole[whole.rfind("S:") + 2 :]
            return speech[len(written)] if len(written) < len(speech) else None
        written = whole[whole.rfind("T:") + 2 :]
        return thoughts[len(written)] if len(written) < len(thoughts) else None

    return model


def test_a_question_is_put_at_a_boundary_and_leaves_nothing_in_the_cache() -> None:
    world = World(talk_model("12\n45\n", "xyz", "ny"))
    client = world.run()
    client.finish(talk())
    asked = [(e.answer, e.step) for e in client.events if isinstance(e, Asked)]
    assert asked == [("no", 5), ("yes", 8)]
    assert client.run.usage.probes == 2
    client.run.close()
    assert not world.cache.living


def test_a_held_stream_writes_nothing_until_the_answer_is_yes() -> None:
    client = World(talk_model("12\n45\n89\n", "xyz", "nyy")).run()
    client.finish(talk())
    first = next(e for e in client.events if isinstance(e, Token) and e.stream == "say")
    yes = next(e for e in client.events if isinstance(e, Asked) and e.answer == "yes")
    assert first.step == yes.step + 1
    assert [e.kind for e in client.kinds("held", "resumed")] == ["held", "resumed"]


def spoken_at(client: Client) -> dict[str, int]:
    """The step at which the speaker had spoken each beginning of its text."""
    text, steps = "", {}
    for event in client.events:
        if isinstance(event, Token) and event.stream == "say":
            text += event.text
            steps[text] = event.step
    return steps


def test_with_each_a_yes_lets_the_stream_write_up_to_it_and_no_further() -> None:
    client = World(talk_model("12\n" + "4" * 20 + "\n", "x, y, z", "yy")).run()
    client.finish(talk(each=", "))
    said_at = spoken_at(client)
    asked = [e.step for e in client.events if isinstance(e, Asked)]
    assert asked == [5, 26]
    assert said_at["x"] == 6
    assert said_at["x, "] == 8
    assert said_at["x, y"] == 27, "held at its `each` until the next yes"


def test_with_each_a_yes_that_comes_while_it_writes_lets_it_go_on() -> None:
    thoughts = "1\n2\n" + "4" * 20 + "\n"
    client = World(talk_model(thoughts, "x, y, z", "yyn")).run()
    client.finish(talk(each=", "))
    said_at = spoken_at(client)
    assert said_at["x, y"] == said_at["x, "] + 1
    assert said_at["x, y, z"] > said_at["x, y, "] + 1


def test_nobody_waits_for_a_stream_that_has_ended() -> None:
    client = World(talk_model("12", "xyz", "")).run()
    client.finish(talk())
    ended = {e.stream: e.text for e in client.events if isinstance(e, StreamEnded)}
    assert ended == {"think": "12", "say": "xyz"}


def test_a_text_block_is_encoded_with_open_blocks_still_empty() -> None:
    world = World(talk_model("12\n", "x", "y"))
    client = world.run()
    client.start(talk())
    world.step()
    assert world.views == ["<user>Q", "<user>QT:", "<user>QT:S:"]


def test_streams_that_wait_for_ever_fail_the_run() -> None:
    world = World(talk_model("12\n45\n", "xyz", "n"))
    client = world.run()
    region = talk()
    back = Ask(name="back", stream="say", question="?", at="!")
    waits = (*region.waits, Wait(stream="think", ask="back"))
    client.finish(region.model_copy(update={"asks": (*region.asks, back), "waits": waits}))
    assert client.events[-1].kind == "failed"
    assert "streams wait for ever: say, think" in client.events[-1].message
    assert not world.cache.living


def test_what_streams_find_in_the_cache_is_counted() -> None:
    client = World(talk_model("12", "xyz", "")).run()
    client.start(talk())
    assert client.run.usage.tokens_encoded == len("<user>Q") + len("T:") + len("S:")
    assert client.run.usage.tokens_cached == len("<user>QT:"), "what the second stream shares"


def test_a_question_that_no_longer_fits_ends_the_stream_that_is_asked() -> None:
    world = World(talk_model("12\n4567890123", "x", "n"))
    client = world.run(context=len("<user>QT:12\n4567?") + 1)
    client.finish(talk())
    ended = {e.stream: e.reason for e in client.events if isinstance(e, StreamEnded)}
    assert ended["think"] == "budget"
    assert client.events[-1].kind == "joined"


def test_a_turn_that_was_opened_beside_a_kept_block_is_not_closed_behind_it() -> None:
    client = World(talk_model("12", "x", "")).run()
    client.finish(talk().model_copy(update={"keep": ("t",)}))
    pieces = (Turn(role="user", prefix="T:"), Gen())
    main = Stream(name="main", role="main", view=("t", "m"), pieces=pieces)
    client.finish(Region(name="m", blocks=(StreamBlock(name="m"),), streams=(main,)))
    ended = [e.text for e in client.events if isinstance(e, StreamEnded)]
    assert ended[-1] == "<user>T:12"
