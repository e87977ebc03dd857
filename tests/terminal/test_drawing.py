"""Lanes on a screen of a known size."""

import io

from rich.console import Console

from hogdsl.events import Asked, Held, StreamEnded
from hogdsl.terminal.drawing import board, count, printable, status, usage_line
from hogdsl.terminal.lanes import Lanes
from tests.terminal.scenes import STATS, USAGE, inserted, started, token, two_workers


def screen(width: int = 80, height: int = 24) -> Console:
    return Console(file=io.StringIO(), width=width, height=height, color_system=None)


def drawn(lanes: Lanes, *, width: int = 80, max_lines: int | None = None) -> list[str]:
    console = screen(width)
    with console.capture() as capture:
        console.print(board(lanes.lanes, console, max_lines=max_lines))
    return capture.get().splitlines()


def lanes_after(*events) -> Lanes:
    lanes = Lanes()
    for event in events:
        lanes.apply(event)
    return lanes


def test_lanes_stand_side_by_side_where_there_is_room():
    lines = drawn(lanes_after(*two_workers()), width=80)
    assert any("Alice: a=42" in line and "Bob: b=79" in line for line in lines)
    assert "Alice · finished" in lines[0]
    assert "Bob · finished" in lines[0]


def test_lanes_stand_one_below_the_other_on_a_narrow_screen():
    lines = drawn(lanes_after(*two_workers()), width=40)
    alice = next(index for index, line in enumerate(lines) if "Alice: a=42" in line)
    bob = next(index for index, line in enumerate(lines) if "Bob: b=79" in line)
    assert alice < bob
    assert all(len(line) == 40 for line in lines)


def test_a_long_text_shows_its_end_within_the_room_it_has():
    words = " ".join(str(number) for number in range(400))
    lines = drawn(lanes_after(started("Alice"), token("Alice", words)), max_lines=6)
    assert len(lines) == 6
    assert "399" in lines[-2]
    assert not any(" 100 " in line for line in lines)


def test_stacked_lanes_share_the_room():
    words = " ".join(str(number) for number in range(400))
    lanes = lanes_after(started("A", "B", "C"), *(token(name, words) for name in "ABC"))
    lines = drawn(lanes, width=40, max_lines=12)
    assert len(lines) == 12
    assert sum("399" in line for line in lines) == 3


def test_without_a_limit_all_text_is_shown():
    words = " ".join(str(number) for number in range(400))
    text = " ".join(drawn(lanes_after(started("Alice"), token("Alice", words))))
    assert all(f" {number} " in text for number in range(400))


def test_markup_in_a_models_text_is_text():
    lines = drawn(lanes_after(started("Alice"), token("Alice", "[bold]x[/bold] [/] [red]")))
    assert "[bold]x[/bold] [/] [red]" in lines[1]


def test_markup_in_a_streams_name_is_text():
    lines = drawn(lanes_after(started("[red]"), token("[red]", "x")))
    assert "[red] · writing" in lines[0]


def test_control_characters_never_reach_the_terminal():
    lanes = lanes_after(started("Alice"), token("Alice", "\x1b[2J\x07a\rb\x9bc\x7f"))
    text = "\n".join(drawn(lanes))
    assert "␛[2J␇a␍b\N{REPLACEMENT CHARACTER}c␡" in text
    assert not set(text) & set("\x1b\x07\r\x9b\x7f")


def test_printable_keeps_tabs_lines_and_wide_characters():
    assert printable("a\tb\n漢字 é 🐖") == "a\tb\n漢字 é 🐖"


def test_wide_characters_keep_the_borders_straight():
    console = screen(40)
    lanes = lanes_after(started("Alice"), token("Alice", "漢字" * 30))
    with console.capture() as capture:
        console.print(board(lanes.lanes, console))
    cells = {console.render_str(line, markup=False).cell_len for line in capture.get().splitlines()}
    assert cells == {40}


def test_text_of_the_program_is_dim_and_text_of_the_model_is_not():
    console = Console(file=io.StringIO(), width=60, force_terminal=True, color_system="standard")
    lanes = lanes_after(started("Alice"), inserted("Alice", "given "), token("Alice", "written"))
    with console.capture() as capture:
        console.print(board(lanes.lanes, console))
    assert "\x1b[2mgiven \x1b[0m" in capture.get()
    assert "\x1b[2mwritten" not in capture.get()


def test_a_lane_says_that_it_is_held_and_what_was_last_answered():
    asked = Asked(seq=0, step=3, ask="ahead", stream="A", answer="no", odds={"yes": 0.2, "no": 0.8})
    lines = drawn(lanes_after(started("A"), asked, Held(seq=1, step=3, stream="A")))
    assert "A · held" in lines[0]
    assert "asked: no 80%" in lines[-1]


def test_a_lane_says_why_it_ended_if_not_by_itself():
    over = StreamEnded(seq=0, step=3, stream="A", reason="budget", text="x")
    assert "A · ended: budget" in drawn(lanes_after(started("A"), token("A", "x"), over))[0]


def test_a_lane_counts_its_tokens_and_shared_steps():
    lines = drawn(lanes_after(*two_workers()))
    assert "2 tokens · 1 step shared" in lines[-1]


def test_the_status_line_has_steps_speed_pages_and_cache():
    assert status(STATS, 7).plain == (
        "step 7 · 431 tokens/s · 12/256 pages, 7 cached · 96 tokens from cache · piglet on cpu"
    )


def test_the_usage_line_has_what_a_run_took():
    assert usage_line(USAGE) == (
        "7 steps · 9 tokens written · 40 encoded · 12 from cache · 1 question asked · 0.50 s"
    )


def test_one_is_counted_in_the_singular():
    assert [count(n, "step") for n in (0, 1, 2)] == ["0 steps", "1 step", "2 steps"]
