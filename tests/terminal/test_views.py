"""The three ways to show a run: a live screen, plain lines, JSON."""

import io
import json

import pytest
from pydantic import BaseModel, TypeAdapter
from rich.console import Console
from rich.text import Text

from hogdsl.events import Asked, Event, Heard, Held, Interrupted, StreamEnded
from hogdsl.terminal.running import view_for
from hogdsl.terminal.views import JsonView, LiveView, PlainView, View, as_text
from tests.terminal.scenes import (
    STATS,
    USAGE,
    ended,
    inserted,
    joined,
    started,
    token,
    two_workers,
)


class Answer(BaseModel):
    value: int


def plain(*events: Event) -> list[str]:
    lines: list[str] = []
    view = PlainView(lines.append)
    for event in events:
        view.show(event)
    view.close()
    return lines


def terminal(height: int = 24) -> Console:
    return Console(file=io.StringIO(), width=80, height=height, force_terminal=True)


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def shown(view: View, *events: Event) -> None:
    for event in events:
        view.show(event)


def test_plain_lines_come_when_they_are_complete_with_the_streams_name():
    assert plain(*two_workers()) == ["Alice | Alice: a=42", "Bob | Bob: b=79"]


def test_an_utterance_that_is_heard_is_a_line():
    heard = [
        Heard(seq=1, step=1, stream="mic", text="one ", final=False),
        Heard(seq=2, step=2, stream="mic", text="two", final=True),
        Heard(seq=3, step=3, stream="mic", text=" three", final=True),
    ]
    assert plain(started("mic"), *heard) == ["mic | one two", "mic |  three"]


def test_an_interruption_is_a_line_and_what_comes_after_it_is_not_lost():
    lines = plain(
        started("reply"),
        token("reply", "forty\ntwo"),
        Interrupted(seq=2, step=2, stream="reply", by="mic", policy="restart", text="for"),
        token("reply", "ever\n"),
    )
    assert lines == ["reply | forty", "reply | [taken back by mic]", "reply | ever"]


def test_an_input_that_is_closed_or_left_open_ended_as_it_should():
    ends = [
        StreamEnded(seq=1, step=1, stream="a", reason="closed", text=""),
        StreamEnded(seq=2, step=1, stream="b", reason="left", text=""),
    ]
    assert plain(started("a", "b"), *ends) == []


def test_a_plain_line_waits_for_its_end():
    lines: list[str] = []
    view = PlainView(lines.append)
    shown(view, started("A"), token("A", "one\ntw"))
    assert lines == ["A | one"]
    shown(view, token("A", "o\n"))
    assert lines == ["A | one", "A | two"]


def test_empty_lines_are_left_out_of_plain_output():
    assert plain(started("A"), token("A", "one\n\n\ntwo\n\n"), joined()) == ["A | one", "A | two"]


def test_plain_output_tells_answers_and_odd_ends():
    asked = Asked(
        seq=0, step=3, ask="ahead", stream="A", answer="yes", odds={"yes": 0.93, "no": 0.07}
    )
    over = StreamEnded(seq=0, step=4, stream="A", reason="budget", text="so far")
    assert plain(started("A"), token("A", "so far"), asked, over) == [
        "A | [asked: yes 93%]",
        "A | so far",
        "A | [ended: budget]",
    ]


def test_what_a_stream_says_before_it_waits_is_written_before_what_it_waits_for():
    assert plain(
        started("thoughts", "reply"),
        token("reply", "b=42, "),
        Held(seq=0, step=2, stream="reply"),
        token("thoughts", "c=80\n"),
        token("reply", "c=80."),
        joined(),
    ) == ["reply | b=42,", "thoughts | c=80", "reply | c=80."]


def test_streams_of_one_name_in_two_regions_are_both_written_in_full():
    lines = plain(
        started("main", region="first"),
        inserted("main", "a long beginning\n"),
        ended("main", "a long beginning\n"),
        joined("first"),
        started("main", region="second"),
        token("main", "end"),
        ended("main", "end"),
        joined("second"),
    )
    assert lines == ["main | a long beginning", "main | end"]


def test_a_run_that_is_cut_short_still_shows_its_last_line_plainly():
    assert plain(started("A"), token("A", "half a li")) == ["A | half a li"]


def test_plain_output_shows_control_characters_as_signs():
    assert plain(started("A"), token("A", "\x1b[2Jx\n")) == ["A | ␛[2Jx"]


def test_a_plain_result_comes_with_what_the_run_took():
    lines: list[str] = []
    PlainView(lines.append).result("a=42", USAGE)
    assert lines[0] == "result: a=42"
    assert lines[1].startswith("7 steps")


def test_a_plain_result_of_several_lines_stands_below_its_heading():
    lines: list[str] = []
    PlainView(lines.append).result("a=42\nb=79", USAGE)
    assert lines[0] == "result:\na=42\nb=79"


def test_a_program_that_returns_nothing_has_no_result_line():
    lines: list[str] = []
    PlainView(lines.append).result(None, USAGE)
    assert len(lines) == 1
    assert lines[0].startswith("7 steps")


def test_json_lines_are_the_events_and_nothing_else():
    lines: list[str] = []
    view = JsonView(lines.append)
    events = two_workers()
    shown(view, *events)
    view.result("a=42", USAGE)
    view.close()
    adapter: TypeAdapter[Event] = TypeAdapter(Event)
    assert [adapter.validate_python(json.loads(line)) for line in lines] == events


def test_a_live_screen_leaves_every_region_and_the_result_standing():
    console = terminal()
    view = LiveView(console, lambda: STATS)
    shown(view, *two_workers())
    view.result("a=42 b=79", USAGE)
    view.close()
    text = written(console)
    assert "Alice: " in text
    assert "step 3 · 431 tokens/s" in text
    assert text.index("b=") < text.index("result:") < text.index("a=42 b=79")


def test_a_live_screen_is_not_drawn_for_every_token():
    now = 0.0
    n_drawn = 0

    def stats():
        nonlocal n_drawn
        n_drawn += 1
        return STATS

    view = LiveView(terminal(), stats, clock=lambda: now)
    view.show(started("A"))
    assert n_drawn == 1
    for _ in range(100):
        view.show(token("A", "x"))
    assert n_drawn == 1
    now = 1.0
    view.show(token("A", "x"))
    assert n_drawn == 2
    view.close()


def test_a_live_screen_keeps_what_was_written_before_it_was_cut_short():
    console = terminal()
    view = LiveView(console, lambda: STATS, clock=lambda: 0.0)
    shown(view, started("A"), token("A", "half a li"))
    assert "half a li" not in written(console)
    view.close()
    assert "half a li" in written(console)


def test_a_live_screen_that_closes_leaves_the_cursor_visible():
    console = terminal()
    view = LiveView(console, lambda: STATS)
    shown(view, *two_workers()[:3])
    view.close()
    text = written(console)
    assert text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l") >= 0


def test_the_status_line_leaves_room_for_what_ctrl_c_echoes():
    console = Console(file=io.StringIO(), width=40, height=20, force_terminal=True)
    view = LiveView(console, lambda: STATS)
    view.show(started("A"))
    last_line = Text.from_ansi(written(console).splitlines()[-1])
    assert last_line.plain.startswith("step 0")
    assert last_line.cell_len <= 36
    view.close()


def test_a_live_frame_fits_the_screen():
    console = terminal(height=10)
    view = LiveView(console, lambda: STATS, clock=iter(range(99)).__next__)
    shown(view, started("A"), token("A", "\n".join(str(number) for number in range(99))))
    last_frame = written(console).split("\x1b[2K")[-1]
    assert len(last_frame.splitlines()) <= 10
    assert "98" in last_frame
    view.close()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        (Answer(value=3), '{\n  "value": 3\n}'),
        (("a", 1, None), '["a",1,null]'),
        ([Answer(value=3)], '[{"value":3}]'),
        ({"ä": True}, '{"ä":true}'),
        (4.5, "4.5"),
        (range(2), '"range(0, 2)"'),
        (None, ""),
        ("\x1b[2J", "␛[2J"),
    ],
)
def test_a_result_is_text_as_it_is_and_data_as_json(value, text):
    assert as_text(value) == text


def test_the_view_follows_what_the_output_is():
    pipe = Console(file=io.StringIO())
    assert isinstance(view_for(pipe, events=False)(lambda: STATS), PlainView)
    assert isinstance(view_for(terminal(), events=False)(lambda: STATS), LiveView)
    assert isinstance(view_for(terminal(), events=True)(lambda: STATS), JsonView)
