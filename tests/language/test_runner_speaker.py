"""Speakers: what they were told, and saying how much was delivered."""

from collections.abc import Iterator

import pytest

import hogdsl as hog
from hogdsl import events
from hogdsl.commands import Delivered
from hogdsl.events import Event
from tests.language.stage import Act, Stage, bindings, run_on


def test_a_speaker_says_how_much_of_its_stream_was_delivered():
    speaker = hog.Speaker()

    def play(act: Act) -> Iterator[Event]:
        yield act.wrote("reply", "Hello there")
        speaker.delivered(5)
        act.wait_for(Delivered)

    session = run_on(Stage(play), bindings(speakers={"reply": speaker}), "reply")
    assert session.sent == [Delivered(stream="reply", n_chars=5)]


def test_a_speaker_has_what_its_stream_has_told_and_not_taken_back():
    speaker = hog.Speaker()
    told: list[str] = []

    def play(act: Act) -> Iterator[Event]:
        yield act.event(events.Inserted, stream="reply", text="Hi. ")
        yield act.wrote("reply", "Hello there")
        yield act.wrote("other", "not this")
        told.append(speaker.text)
        yield act.event(events.Interrupted, stream="reply", by="mic", policy="stop", text="Hi. Hel")
        told.append(speaker.text)

    run_on(Stage(play), bindings(speakers={"reply": speaker}), "reply", "other")
    assert told == ["Hi. Hello there", "Hi. Hel"]


def test_a_speaker_that_serves_nobody_says_nothing():
    speaker = hog.Speaker()
    speaker.delivered(3)
    assert repr(speaker) == "<Speaker>"


def test_a_speaker_begins_anew_in_every_region():
    speaker = hog.Speaker()
    begins: list[str] = []

    def play(act: Act) -> Iterator[Event]:
        begins.append(speaker.text)
        yield act.wrote("reply", "Hello")

    for _ in range(2):
        run_on(Stage(play), bindings(speakers={"reply": speaker}), "reply")
    assert (begins, speaker.text) == (["", ""], "Hello")


def test_a_speaker_serves_one_stream_at_a_time():
    speaker = hog.Speaker()
    with pytest.raises(hog.ProgramError) as caught:
        run_on(Stage(), bindings(speakers={"a": speaker, "b": speaker}), "a", "b")
    assert caught.value.rule == (
        "a speaker serves one stream at a time, and that of 'b' serves 'a' already. "
        "Give each its own hog.Speaker()."
    )


@pytest.mark.parametrize("wrong", [-1, 2.5, True])
def test_what_was_delivered_is_a_number_of_characters(wrong: object):
    with pytest.raises(hog.ProgramError) as caught:
        hog.Speaker().delivered(wrong)  # type: ignore[arg-type] -- wrong on purpose
    assert caught.value.code == "speaker-delivered"
