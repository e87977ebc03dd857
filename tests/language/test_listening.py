"""Streams that listen, in the plan and in what is bound to it."""

import hogdsl as hog
from hogdsl import plan
from tests.language.played import Played, play


def listening(
    s: hog.Scope,
    mic: hog.Channel,
    chat: hog.Channel | None = None,
    out: hog.Speaker | None = None,
) -> None:
    with s.concurrent(max_seconds=9) as now:
        with now.listen("mic", mic, "Heard: ", barge_in="restart") as heard:
            heard += "[begin] "
        now.listen("chat", chat or hog.Channel())
        with now.think("notes") as think:
            think += hog.gen()
        with now.say("reply", speaker=out) as say:
            say += hog.gen()


def region_of(**given: object) -> plan.Region:
    return hog.program(listening).compile(hog.Channel(), **given).regions[0]  # pyright: ignore


def test_what_is_heard_is_a_stream_of_its_own_with_fixed_text_first():
    mic, chat, *_ = region_of().streams
    assert (mic.name, mic.role, mic.pieces) == ("mic", "listen", (plan.Text(text="[begin] "),))
    assert (chat.name, chat.role, chat.pieces) == ("chat", "listen", ())
    assert chat.input == plan.Input(background=True, barge_in="ignore", interrupts=())


def test_whoever_breaks_in_interrupts_all_that_speak_by_default():
    (mic, *_) = region_of().streams
    assert mic.input == plan.Input(background=True, barge_in="restart", interrupts=("reply",))


def test_who_is_interrupted_can_be_said():
    @hog.program
    def two(s: hog.Scope, mic: hog.Channel, chat: hog.Channel) -> None:
        with s.concurrent() as now:
            with now.say("a", max_tokens=4) as a, now.say("b", max_tokens=4) as b:
                a += hog.gen()
                b += hog.gen()
            now.listen("mic", mic, barge_in="stop", interrupts=b)
            now.listen("chat", chat, barge_in="pause", interrupts=[a, b])

    inputs = [s.input for s in two.compile(hog.Channel(), hog.Channel()).regions[0].streams]
    assert [i and (i.barge_in, i.interrupts) for i in inputs] == [
        None,
        None,
        ("stop", ("b",)),
        ("pause", ("a", "b")),
    ]


def test_thoughts_see_all_that_is_heard_and_replies_all_thoughts_too():
    views = {
        s.name: [name.removeprefix("concurrent.0.") for name in s.view] for s in region_of().streams
    }
    assert views["chat"] == ["chat"]
    assert views["notes"] == ["mic", "chat", "notes"]
    assert views["reply"] == ["mic", "chat", "notes", "reply"]
    assert views["mic"][-1] == "mic"
    assert len(views["mic"]) == 2


def test_a_region_waits_for_an_input_only_if_it_ends_with_it():
    @hog.program
    def waits(s: hog.Scope, mic: hog.Channel) -> None:
        with s.concurrent(until=hog.closed("mic")) as now:
            now.listen("mic", mic)
            with now.think("t", max_tokens=4) as t:
                t += hog.gen()

    (region,) = waits.compile(hog.Channel()).regions
    assert region.until == (plan.Until(condition=plan.Ended(streams=("mic",))),)
    assert region.streams[0].input == plan.Input(background=False)


def test_a_reply_with_a_speaker_keeps_no_more_than_was_delivered():
    assert region_of().streams[-1].reports_delivery is False
    assert region_of(out=hog.Speaker()).streams[-1].reports_delivery is True


def test_channels_and_speakers_are_bound_by_the_names_of_their_streams():
    mic, chat, out = hog.Channel(), hog.Channel(), hog.Speaker()
    driver = Played({"notes": ["n"], "reply": ["r"]})
    play(lambda s: listening(s, mic, chat, out), driver)
    bindings = driver.bindings["concurrent.0"]
    assert bindings.channels == {"mic": mic, "chat": chat}
    assert bindings.speakers == {"reply": out}


def test_a_listener_can_be_told_what_it_sees():
    @hog.program
    def sees(s: hog.Scope, mic: hog.Channel) -> None:
        with s.concurrent() as now:
            with now.think("t", max_tokens=4) as t:
                t += hog.gen()
            with now.listen("mic", mic) as heard:
                heard.sees(t, "Heard: ")

    (_, mic) = sees.compile(hog.Channel()).regions[0].streams
    assert mic.view[0] == "concurrent.0.t"
    assert len(mic.view) == 3
