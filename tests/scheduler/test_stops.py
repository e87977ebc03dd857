"""Stop texts across token borders."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hogdsl.errors import InternalError, PlanError
from runtime.scheduler.stops import FoundStop, StopMatcher

letters = st.text(alphabet="abn", max_size=12)
stops_of_letters = st.lists(st.text(alphabet="abn", min_size=1, max_size=5), max_size=4)


def naive(text: str, stops: list[str]) -> FoundStop | None:
    """Look at every prefix of the whole text; the first that ends in a stop decides."""
    for end in range(1, len(text) + 1):
        ending = [stop for stop in stops if text[:end].endswith(stop)]
        if ending:
            longest = max(ending, key=len)
            return FoundStop(longest, end - len(longest), end)
    return None


def may_become_stop(text: str, stops: list[str]) -> int:
    """Length of the longest end of `text` that begins one of the stops."""
    ends = (n for n in range(len(text) + 1) if n == 0 or _begins(text[-n:], stops))
    return max(ends)


def _begins(end: str, stops: list[str]) -> bool:
    return any(stop.startswith(end) for stop in stops)


@given(pieces=st.lists(letters, max_size=8), stops=stops_of_letters)
def test_the_answer_is_that_of_looking_at_every_prefix(pieces: list[str], stops: list[str]) -> None:
    matcher, released, whole = StopMatcher(stops), "", "".join(pieces)
    for piece in pieces:
        released += matcher.feed(piece)
        if matcher.found is not None:
            break
    expected = naive(whole, stops)
    assert matcher.found == expected
    if expected is not None:
        assert released == whole[: expected.start]
    assert released + matcher.flush() == (whole if expected is None else released)


@given(pieces=st.lists(letters, max_size=8), stops=stops_of_letters)
def test_no_more_is_held_back_than_may_become_a_stop(pieces: list[str], stops: list[str]) -> None:
    matcher, released, fed = StopMatcher(stops), "", ""
    for piece in pieces:
        released += matcher.feed(piece)
        fed += piece
        if matcher.found is not None:
            return
        assert len(fed) - len(released) == may_become_stop(fed, stops)


def test_a_stop_that_comes_in_three_pieces_is_found_where_it_began() -> None:
    matcher = StopMatcher(["</think>"])
    assert [matcher.feed(piece) for piece in ("so 4 </", "thi", "nk> and")] == ["so 4 ", "", ""]
    assert matcher.found == FoundStop("</think>", 5, 13)


def test_text_that_only_looked_like_a_stop_is_released() -> None:
    matcher = StopMatcher(["\n\nEND"])
    assert matcher.feed("a\n\nE") == "a"
    assert matcher.feed("N.") == "\n\nEN."


def test_the_stop_that_is_complete_first_counts_even_inside_a_longer_one() -> None:
    matcher = StopMatcher(["abcd", "bc"])
    assert matcher.feed("abcd") == "a"
    assert matcher.found == FoundStop("bc", 1, 3)


def test_held_text_comes_out_when_the_generation_ends() -> None:
    matcher = StopMatcher(["!!"])
    assert matcher.feed("hi!") == "hi"
    assert matcher.flush() == "!"
    assert matcher.flush() == ""


def test_nothing_is_held_without_stops() -> None:
    assert StopMatcher([]).feed("any text") == "any text"


def test_an_empty_stop_is_refused() -> None:
    with pytest.raises(PlanError, match="must not be empty"):
        StopMatcher(["a", ""])


def test_feeding_after_a_stop_is_a_fault_of_the_caller() -> None:
    matcher = StopMatcher(["."])
    matcher.feed("end.")
    with pytest.raises(InternalError, match="after the stop"):
        matcher.feed("more")


def test_its_state_can_be_read() -> None:
    matcher = StopMatcher(["stop"])
    matcher.feed("go st")
    assert repr(matcher) == "<StopMatcher 1 stops, 3 released, holds 'st'>"


PATTERNS = [r"a+b", r"n(?!a)b?", r"b$", r"(a|nb)n", r"(?<=a)n", r"a.*bb|nn"]


@given(pieces=st.lists(letters, max_size=6), pattern=st.sampled_from(PATTERNS))
def test_a_pattern_stops_at_the_same_place_however_the_text_is_cut(
    pieces: list[str], pattern: str
) -> None:
    cut, by_letter, shown = StopMatcher((), (pattern,)), StopMatcher((), (pattern,)), ""
    for piece in pieces:
        if cut.found is None:
            shown += cut.feed(piece)
    for letter in "".join(pieces):
        if by_letter.found is None:
            by_letter.feed(letter)
    assert cut.found == by_letter.found
    if cut.found is not None:
        assert shown == "".join(pieces)[: cut.found.start]
    else:
        assert shown + cut.flush() == "".join(pieces)


@given(pieces=st.lists(letters, max_size=6), stops=stops_of_letters)
def test_texts_stop_where_the_same_patterns_stop(pieces: list[str], stops: list[str]) -> None:
    as_texts, as_patterns = StopMatcher(stops), StopMatcher((), stops)
    for piece in pieces:
        if as_texts.found is None:
            assert as_texts.feed(piece) == as_patterns.feed(piece)
    assert as_texts.found == as_patterns.found


def test_stop_texts_are_texts_and_no_patterns() -> None:
    matcher = StopMatcher(["a.b", "(", "|"])
    assert matcher.feed("axb a.") == "axb "
    assert matcher.feed("b") == ""
    assert matcher.found == FoundStop("a.b", 4, 7)


def test_what_cannot_become_a_match_is_shown_at_once() -> None:
    matcher = StopMatcher((), (r"\d+\.",))
    assert [matcher.feed(piece) for piece in ("ab 1", "2", "c 3")] == ["ab ", "", "12c "]


def test_a_pattern_that_matches_nothing_at_all_is_refused() -> None:
    with pytest.raises(PlanError, match="matches the empty text"):
        StopMatcher((), ("a*",))
