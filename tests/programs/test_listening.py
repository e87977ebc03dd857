"""The programs that listen, on piglet and on scripts."""

from typing import Literal

import pytest

import hogdsl as hog
from hogdsl.testing import script
from programs.interruptible import interruptible
from programs.keep_listening import Summary, keep_listening


def spoken(*items: tuple[int, str], closed_at: int) -> hog.Channel:
    """A channel on which each text comes at a step of the region."""
    mic = hog.Channel()
    for step, text in items:
        mic.send(text, at_step=step)
    mic.close(at_step=closed_at)
    return mic


def test_numbers_that_arrive_are_added_while_they_arrive(piglet: hog.Runtime) -> None:
    mic = spoken((0, " a:12"), (9, " b:7"), (20, " c:30"), (40, " ?"), closed_at=70)
    run = keep_listening.on(piglet).run(mic)
    assert run.streams["mic"] == " a:12 b:7 c:30 ?"
    assert "b:12+7=19\n" in run.streams["notes"]
    assert "c:19+30=49\n" in run.streams["notes"]
    assert run.streams["reply"].lstrip(".") == "c=49."
    assert run.value == Summary(heard=3, total=49)


def test_a_note_is_begun_before_all_is_heard(piglet: hog.Runtime) -> None:
    mic = spoken((0, " a:12"), (9, " b:7"), (40, " c:30"), (60, " ?"), closed_at=90)
    run = keep_listening.on(piglet).run(mic)
    heard = [e.step for e in run.events if e.kind == "heard"]
    noted = [e.step for e in run.events if e.kind == "token" and "b" in e.text]
    assert heard[1] <= noted[0] < heard[2]


def test_a_general_listener_replies_when_it_is_asked() -> None:
    runtime = script(
        {
            "notes": "One number. Another one. They want the total.</think>",
            "reply": "It is 19.\n",
            "main": '{"heard":2,"total":19}',
        }
    )
    mic = spoken(
        (0, "I have twelve "), (2, "and seven. "), (4, "What is that together?"), closed_at=30
    )
    run = keep_listening.on(runtime).run(mic, prompts="general")
    assert run.value == Summary(heard=2, total=19)
    asked = next(e.seq for e in run.events if e.kind == "heard" and "?" in e.text)
    said = next(e.seq for e in run.events if e.kind == "token" and e.stream == "reply")
    assert asked < said


def test_breaking_in_takes_back_the_reply_and_is_answered(piglet: hog.Runtime) -> None:
    mic = spoken((12, "a:5+6"), closed_at=13)
    whole, after = interruptible.on(piglet)("a:17+25 b:38+41 c:9+66", mic)
    assert "a:17+25=42\nb:38+41=79\nc:9+66=75".startswith(whole.rstrip())
    assert len(whole) < 24
    assert after == "a:5+6=11\n"


def test_nobody_breaks_in_and_the_reply_is_whole(piglet: hog.Runtime) -> None:
    mic = hog.Channel()
    mic.close()
    assert interruptible.on(piglet)("a:17+25 b:38+41", mic) == ("a:17+25=42\nb:38+41=79\n",)


def test_what_was_written_but_not_played_leaves_the_reply() -> None:
    speaker, mic = hog.Speaker(), hog.Channel()
    runtime = script({"reply": ["one two three four five", "All right."]})
    told = 0
    stream = interruptible.on(runtime).stream("Count.", mic, speaker, prompts="general")
    for event in stream:
        if event.kind == "token" and "five" in event.text:
            speaker.delivered(len("one two"))
            mic.send("Stop!")
        elif event.kind == "value":
            told += 1
            if told == 3:  # the first reply, what was left of it, and the second one
                speaker.delivered(len("All right."))
    assert stream.run.value == ("one two", "All right.")


@pytest.mark.parametrize("prompts", ["piglet", "general"])
def test_listening_programs_compile_for_both_kinds_of_models(
    prompts: Literal["piglet", "general"],
) -> None:
    plans = [
        keep_listening.compile(hog.Channel(), prompts=prompts),
        interruptible.compile("a:1+2", hog.Channel(), prompts=prompts),
    ]
    assert all(hog.Plan.model_validate_json(plan.model_dump_json()) == plan for plan in plans)
