"""The tokenizer of scripts, and what it makes of constraints."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hogdsl.plan import ChoicesConstraint, JsonConstraint, RegexConstraint
from runtime.scripted.words import END, Words


def split(words: Words, text: str) -> list[str]:
    return [words.spell(token) for token in words.encode(text)]


def test_a_token_is_a_word_with_the_space_after_it() -> None:
    assert split(Words(), " one two,\n\nthree ") == [" one ", "two,\n\n", "three "]


@given(texts=st.lists(st.text(max_size=20), max_size=5), name=st.text(min_size=1, max_size=3))
def test_tokens_spell_the_text_whatever_was_asked_for_by_name(texts: list[str], name: str) -> None:
    words = Words()
    for text in texts:
        assert "".join(split(words, text)) == text
        words.token(name)


def test_the_same_word_is_the_same_token() -> None:
    words = Words()
    assert words.encode("a b a ") == [*words.encode("a "), *words.encode("b "), *words.encode("a ")]


def test_a_token_that_was_asked_for_stands_for_itself_wherever_it_is() -> None:
    words = Words()
    end = words.token("<end>")
    assert end in words.encode("done<end> more")
    assert split(words, "done<end> more") == ["done", "<end>", " more"]


def test_a_word_that_was_asked_for_is_no_part_of_another_word() -> None:
    words = Words()
    no = words.token("no")
    assert no in words.encode("yes, no way")
    assert no not in words.encode("nothing, piano")


def test_a_token_by_its_number_can_be_written_in_a_script() -> None:
    words = Words()
    assert words.token(151645) in words.encode("over<token 151645>")


def test_an_empty_text_is_no_token() -> None:
    with pytest.raises(ValueError, match="empty"):
        Words().token("")


def test_the_end_token_spells_nothing() -> None:
    assert Words().spell(END) == ""


# ---------------------------------------------------------------- constraints

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
        "additionalProperties": False,
    }
)


@pytest.mark.parametrize(
    ("text", "misfit"),
    [
        ("ab", None),
        ("abd", None),
        ("a", "a"),
        ("ax", "a"),
        ("abd d", "abd"),
    ],
)
def test_a_misfit_is_told_with_what_was_allowed_of_it(text: str, misfit: str | None) -> None:
    assert Words().matcher(RegexConstraint(regex="a[bc]d*")).misfit(text) == misfit


def test_json_fits_its_schema() -> None:
    matcher = Words().matcher(JsonConstraint(document=SCHEMA))
    assert matcher.misfit('{"name":"Ada Lovelace é🙂"}') is None


def test_what_cannot_go_on_is_complete() -> None:
    words = Words()
    matcher = words.matcher(ChoicesConstraint(choices=("left turn", "right")))
    left, turn = words.encode("left turn")
    matcher.push(left)
    assert not matcher.is_complete
    matcher.push(turn)
    assert matcher.is_complete
    matcher.push(END)


def test_a_refused_constraint_says_why() -> None:
    with pytest.raises(ValueError, match="unclosed group"):
        Words().matcher(RegexConstraint(regex="(a"))
