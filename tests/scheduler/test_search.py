"""Regular expressions in text that grows."""

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from runtime.scheduler.search import Search, compiled, may_begin_at

PATTERNS = [
    r"a+b",
    r"a(?!b)",
    r"b$",
    r"(a|nb)n",
    r"\bn",
    r"[ab]{3}",
    r"a.*bb|nn",  # hopes from early on for the one, and finds the other
    r"(?:ab)+n",
    r"b*n*",  # matches nothing at all everywhere
]


def first(pattern: str, text: str) -> tuple[int, int] | None:
    """The first match that is complete, looking at every beginning of the text."""
    for end in range(len(text) + 1):
        match = regex.search(pattern, text[:end])
        if match is not None and match.end() > match.start():
            return match.span()
    return None


@given(
    pieces=st.lists(st.text(alphabet="abn ", max_size=5), max_size=6),
    pattern=st.sampled_from(PATTERNS),
)
def test_a_match_is_found_where_it_is_first_complete(pieces: list[str], pattern: str) -> None:
    search, text = Search(pattern), ""
    for piece in pieces:
        text += piece
        search.feed(text, len(text))
    assert (search.found and search.found.span()) == first(pattern, text)


def test_a_match_may_begin_long_before_it_is_complete() -> None:
    search, text = Search(r"<a>.*?</a>"), "x" * 500 + "<a>"
    for _ in range(300):
        text += "yyy"
        assert search.feed(text, len(text)) is None
    text += "</a>"
    found = search.feed(text, len(text))
    assert found is not None
    assert found.start() == 500


def test_what_is_not_told_is_not_searched() -> None:
    search = Search("b")
    assert search.feed("ab", 1) is None
    assert search.feed("ab", 2) is not None


def test_a_pattern_that_is_none_says_why() -> None:
    with pytest.raises(ValueError, match="missing"):
        Search("(")


BEGINNINGS = [
    r"ab|nb",
    r"(?<=a)b",
    r"(?<!a)b+n",
    r"\Bn",
    r"\bb",
    r"(?i)Ab",
    r"^a|n$",
    r"(?m)^b",
    r"[^a]n",
    r".\n",
    r"(a)?b",
    r"(?:(?=a)ab|bn)",
    r"(?r)ab",
]


@given(text=st.text(alphabet="abnA \n", max_size=12), pattern=st.sampled_from(BEGINNINGS))
def test_where_a_match_may_begin_is_what_the_library_says(text: str, pattern: str) -> None:
    expected = regex.compile(pattern)
    for start in range(len(text) + 1):
        for end in range(start, len(text) + 1):
            match = expected.search(text, start, end, partial=True)
            place = may_begin_at(compiled(pattern), text, start, end)
            # later is wrong; the end of the text itself is as good as nowhere
            assert place == (end if match is None else match.start())
