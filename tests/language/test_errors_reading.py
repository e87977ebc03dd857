"""Values that are not there, or not yet."""

import pytest

import hogdsl as hog
from tests.language.faults import fault_of
from tests.language.played import Played, play

HERE = "tests/language/test_errors_reading.py"


def test_a_value_of_a_stream_is_read_inside_its_region():
    @hog.program
    def hasty(s: hog.Scope) -> str:
        with s.fork("a") as team:
            team["a"] += hog.gen("x", max_tokens=8)
            return team["a"]["x"]  # here: team["a"]["x"]

    rule = fault_of(hasty)
    assert rule.startswith(f"'x' of 'a' is read too early: the region at {HERE}:")
    assert rule.endswith(
        " has not run, and there is no value yet. Read it after the end of the `with` block."
    )


def test_the_text_of_a_stream_is_read_inside_its_region():
    @hog.program
    def hasty(s: hog.Scope) -> str:
        with s.concurrent() as now:
            with now.say("reply") as say:
                say += hog.gen(max_tokens=8)
            return now["reply"]  # here

    assert fault_of(hasty).startswith("the text of 'reply' is read too early: the region at ")


def test_why_a_stream_ended_is_read_inside_its_region():
    @hog.program
    def hasty(s: hog.Scope) -> str:
        with s.fork("a") as team:
            team["a"] += hog.gen(max_tokens=8)
            return team["a"].ended  # here: team["a"].ended

    assert fault_of(hasty).startswith("why 'a' ended is read too early: the region at ")


def test_a_value_that_the_scope_does_not_have():
    @hog.program
    def typo(s: hog.Scope) -> str:
        s += hog.gen("answer", max_tokens=8)
        return s["anwser"]  # here

    assert fault_of(typo) == (
        "the scope has no value 'anwser'. Write hog.gen('anwser') to it before reading; a value of "
        "a stream is read from its handle, after its region."
    )


def test_a_stream_that_the_region_does_not_have():
    @hog.program
    def typo(s: hog.Scope) -> str:
        with s.concurrent() as now, now.say("reply") as say:
            say += hog.gen(max_tokens=8)
        return now["replay"]  # here

    assert fault_of(typo) == "the region has no stream 'replay'. There is 'reply'."


def test_a_later_value_is_read_inside_its_region():
    @hog.program
    def hasty(s: hog.Scope) -> str:
        with s.fork("a") as team:
            later = team["a"].gen(max_tokens=8)
            return later.value  # here: later.value

    assert fault_of(hasty).startswith("a value of 'a' is read too early: the region at ")


def test_a_later_value_in_an_f_string():
    @hog.program
    def hasty(s: hog.Scope) -> str:
        with s.fork("a") as team:
            later = team["a"].gen(max_tokens=8)
        return f"It said {later}"  # here: f"It said {later}"

    assert fault_of(hasty) == (
        "a value that is still to come cannot stand in an f-string. Read its .value, after its "
        "region."
    )


def test_a_value_of_an_inner_worker_is_read_before_the_region_has_run():
    @hog.program
    def hasty(s: hog.Scope) -> str:
        with s.fork("a") as team:
            with team["a"].fork("b") as inner:
                inner["b"] += hog.gen(max_tokens=8)
            return inner["b"].text  # here: inner["b"].text

    assert fault_of(hasty).startswith("the text of 'b' is read too early: the region at ")


def test_scores_of_what_is_no_select():
    def asks(s: hog.Scope) -> None:
        s += hog.gen("x")
        s.scores("x")

    with pytest.raises(hog.ProgramError) as caught:
        play(asks, Played({"main": ["text"]}))
    assert (caught.value.code, caught.value.rule) == (
        "no-scores",
        "scores are what a select compares, and this is a gen. Write hog.select(...).",
    )
