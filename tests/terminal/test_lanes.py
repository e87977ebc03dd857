"""Lanes hold what has happened so far, by events alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hogdsl.errors import InternalError
from hogdsl.events import Asked, Failed, Heard, Held, Interrupted, Resumed, StreamEnded
from hogdsl.terminal.lanes import Lane, Lanes, Passage
from tests.terminal.scenes import ended, inserted, joined, started, token, two_workers


def test_a_region_has_one_writing_lane_per_stream_in_its_order():
    lanes = Lanes()
    lanes.apply(started("Bob", "Alice"))
    assert [(lane.name, lane.state) for lane in lanes.lanes] == [
        ("Bob", "writing"),
        ("Alice", "writing"),
    ]


def test_text_keeps_who_wrote_it_and_neighbours_of_one_origin_are_one_passage():
    lanes = Lanes()
    for event in (
        started("Alice"),
        inserted("Alice", "Hi, "),
        inserted("Alice", "I am "),
        token("Alice", "Al"),
        token("Alice", "ice"),
    ):
        lanes.apply(event)
    assert lanes["Alice"].passages == [Passage("Hi, I am ", "program"), Passage("Alice", "model")]
    assert lanes["Alice"].n_tokens == 2


def test_a_committed_step_stays_in_the_lane_and_is_counted():
    lanes = Lanes()
    for event in two_workers():
        lanes.apply(event)
    assert lanes["Alice"].text == "Alice: a=42\n"
    assert lanes["Alice"].n_committed == 1
    assert lanes["Bob"].n_committed == 0


def test_a_held_stream_writes_again_when_resumed():
    lanes = Lanes()
    lanes.apply(started("reply"))
    lanes.apply(Held(seq=1, step=4, stream="reply"))
    assert lanes["reply"].state == "held"
    lanes.apply(Resumed(seq=2, step=5, stream="reply"))
    assert lanes["reply"].state == "writing"


def test_the_newest_answer_of_a_stream_is_kept():
    lanes = Lanes()
    lanes.apply(started("thoughts"))
    for seq, answer in enumerate(("no", "yes"), start=1):
        asked = Asked(
            seq=seq, step=seq, ask="ahead", stream="thoughts", answer=answer, odds={answer: 0.9}
        )
        lanes.apply(asked)
    assert lanes["thoughts"].asked is not None
    assert lanes["thoughts"].asked.answer == "yes"


def test_the_end_of_a_stream_brings_the_text_that_a_token_had_held_back():
    lanes = Lanes()
    for event in (started("Alice"), token("Alice", "42"), ended("Alice", "42</th")):
        lanes.apply(event)
    assert lanes["Alice"].text == "42</th"
    assert lanes["Alice"].state == "ended"
    assert lanes["Alice"].reason == "finished"


def test_what_was_heard_stands_in_the_lane_of_who_listens():
    lanes = Lanes()
    lanes.apply(started("mic"))
    lanes.apply(inserted("mic", "They say: "))
    lanes.apply(Heard(seq=2, step=3, stream="mic", text="hello", final=True))
    assert lanes["mic"].passages == [
        Passage("They say: ", "program"),
        Passage("hello", "outside"),
    ]


def test_an_interruption_takes_back_what_was_not_delivered():
    lanes = Lanes()
    for event in (started("reply"), inserted("reply", "Well, "), token("reply", "forty-two")):
        lanes.apply(event)
    lanes.apply(
        Interrupted(seq=3, step=2, stream="reply", by="mic", policy="stop", text="Well, for")
    )
    assert lanes["reply"].passages == [Passage("Well, ", "program"), Passage("for", "model")]
    assert lanes["reply"].interrupted is not None
    assert lanes["reply"].interrupted.by == "mic"


def test_an_ended_stream_says_why():
    lanes = Lanes()
    lanes.apply(started("Alice"))
    lanes.apply(StreamEnded(seq=1, step=9, stream="Alice", reason="budget", text=""))
    assert lanes["Alice"].reason == "budget"


def test_lanes_of_a_joined_region_stay_until_the_next_one_starts():
    lanes = Lanes()
    for event in two_workers():
        lanes.apply(event)
    assert lanes.joined
    assert len(lanes.lanes) == 2
    lanes.apply(started("main", region="end"))
    assert not lanes.joined
    assert [lane.name for lane in lanes.lanes] == ["main"]


def test_a_failure_is_kept():
    lanes = Lanes()
    failed = Failed(seq=0, step=2, error="CapacityError", message="no pages")
    lanes.apply(failed)
    assert lanes.failure == failed
    assert lanes.step == 2


def test_an_event_of_an_unknown_stream_is_an_internal_error_that_names_the_known_ones():
    lanes = Lanes()
    lanes.apply(started("Alice", "Bob"))
    with pytest.raises(InternalError, match=r"'Carol'.*Alice, Bob"):
        lanes.apply(token("Carol", "x"))


def test_the_repr_says_what_every_lane_does():
    lanes = Lanes()
    for event in (*two_workers()[:4], joined(step=3)):
        lanes.apply(event)
    assert repr(lanes) == "<Lanes team step 3: Alice writing, Bob writing>"


@given(
    st.lists(st.tuples(st.text(max_size=9), st.sampled_from(["model", "program"]))),
    st.integers(1, 12),
)
def test_a_tail_is_the_end_of_the_text_and_long_enough(texts, n_chars):
    lane = Lane("Alice")
    for text, origin in texts:
        lane.write(text, origin)
    tail = "".join(passage.text for passage in lane.tail(n_chars))
    assert lane.text.endswith(tail)
    assert len(tail) >= min(n_chars, len(lane.text))
    assert len(tail) < 2 * n_chars


def test_a_tail_begins_at_the_same_place_while_a_few_tokens_come():
    lane = Lane("Alice")
    lane.write("x" * 100, "model")
    begins = set()
    for _ in range(10):
        lane.write("y", "model")
        begins.add(len(lane.text) - sum(len(passage.text) for passage in lane.tail(40)))
    assert begins == {40}
