"""Texts, turns, gen and select."""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

import hogdsl as hog
from tests.language.faults import fault_of


def test_a_select_without_choices():
    @hog.program
    def nothing_to_choose(s: hog.Scope) -> None:
        s += hog.select("way", [])  # here

    assert fault_of(nothing_to_choose) == "select 'way' has no choices. Give it at least one."


def test_a_select_whose_choices_are_one_text():
    @hog.program
    def letters(s: hog.Scope) -> None:
        s += hog.select("way", "left")  # here

    assert fault_of(letters) == (
        "the choices of a select are a list of texts, not one text: 'left'. Write ['left', ...]."
    )


def test_a_role_that_no_chat_has():
    @hog.program
    def tool(s: hog.Scope) -> None:
        role: Any = "tool"
        s += hog.turn(role)  # here

    assert fault_of(tool) == (
        "a chat turn has the role 'system', 'user' or 'assistant', not 'tool'. Use one of the "
        "three."
    )


def test_a_message_inside_a_message():
    @hog.program
    def nested(s: hog.Scope) -> None:
        s += hog.user(hog.assistant("hello"))  # here: hog.user(hog.assistant("hello"))

    assert fault_of(nested) == (
        "a user message holds another message or turn, and turns do not nest. Write them one "
        "after another."
    )


def test_a_piece_in_an_f_string():
    @hog.program
    def formatted(s: hog.Scope) -> None:
        s += f"The answer is {hog.gen('answer')}"  # here: f"The answer is {hog.gen('answer')}"

    assert fault_of(formatted) == (
        "a piece cannot stand in an f-string: it has no text before it has run. Join text and "
        "pieces with `+`."
    )


def test_something_that_is_neither_text_nor_piece():
    @hog.program
    def number(s: hog.Scope) -> None:
        five: Any = 5
        s += five  # here

    assert fault_of(number) == (
        "a stream is written with text and pieces, not with the int 5. Turn it into text with "
        "str()."
    )


def test_a_budget_of_nothing():
    @hog.program
    def broke(s: hog.Scope) -> None:
        s += hog.gen(max_tokens=0)  # here

    assert fault_of(broke) == "max_tokens is a whole number, 1 or more, not 0. None is no bound."


def test_two_constraints():
    @hog.program
    def torn(s: hog.Scope) -> None:
        s += hog.gen(regex=r"\d+", choices=["1", "2"])  # here

    assert fault_of(torn) == (
        "a gen is held by one of schema=, regex= and choices=, and here are several. Leave the "
        "others out."
    )


def test_a_stop_that_is_none():
    @hog.program
    def confused(s: hog.Scope) -> None:
        stop: Any = 5
        s += hog.gen(stop=stop)  # here: hog.gen(stop=stop)

    assert fault_of(confused) == (
        "a gen stops at text, hog.regex(...) or hog.token(...), not at 5."
    )


def test_a_token_that_is_none():
    @hog.program
    def confused(s: hog.Scope) -> None:
        hog.token(-1)  # here: hog.token(-1)

    assert fault_of(confused) == ("a token is given by its text or its number, and -1 is neither.")


def test_forbidden_tokens_that_are_one_text():
    @hog.program
    def letters(s: hog.Scope) -> None:
        s += hog.gen(forbid="</think>")  # here

    assert fault_of(letters) == (
        "forbid= is a list of tokens, not one: '</think>'. Write ['</think>']."
    )


def test_choices_of_a_gen_that_are_one_text():
    @hog.program
    def letters(s: hog.Scope) -> None:
        s += hog.gen(choices="yes")  # here

    assert fault_of(letters) == (
        "the choices of a gen are a list of texts, not one text: 'yes'. Write ['yes', ...]."
    )


def test_a_schema_that_cannot_be_written():
    class Opaque:
        pass

    @hog.program
    def opaque(s: hog.Scope) -> None:
        s.gen(Opaque)  # here: s.gen(Opaque)

    rule = fault_of(opaque)
    assert rule.startswith("Opaque cannot be written as JSON: Unable to generate pydantic-core ")
    assert rule.endswith(
        "Opaque'>. Give a pydantic model, or a type that pydantic can write as JSON."
    )


def test_a_member_of_a_schema_that_cannot_be_written():
    class Call(BaseModel):
        name: str
        function: Callable[[], int]

    @hog.program
    def opaque(s: hog.Scope) -> None:
        s += hog.gen(schema=list[Call])  # here: hog.gen(schema=list[Call])

    assert fault_of(opaque) == (
        "list[Call] cannot be written as JSON: Cannot generate a JsonSchema for "
        "core_schema.CallableSchema (Call.function). Give a pydantic model, or a type that "
        "pydantic can write as JSON."
    )
