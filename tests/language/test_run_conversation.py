"""A scope outside of a function: several turns over one cache."""

import pytest

import hogdsl as hog
from hogdsl.language.conversation import Conversation
from tests.language.stage import Stage, endless, writes


def test_a_conversation_goes_on_turn_after_turn_in_one_run():
    runtime = Stage(writes("one"), writes("two"))
    with hog.conversation(runtime, seed=3, max_tokens=8, max_seconds=60) as s:
        told: list[str] = []
        for question in ("a", "b"):
            s += hog.user(question) + hog.assistant(hog.gen("answer"))
            told.append(s["answer"])
        assert not runtime.sessions[0].closed
    assert told == ["one", "two"]
    assert runtime.opened == [{"seed": 3, "max_tokens": 8, "max_seconds": 60, "tenant": ""}]
    assert runtime.sessions[0].closed


def test_what_is_pending_at_the_end_of_a_conversation_is_run():
    chat = hog.conversation(Stage(writes("one")))
    with chat as s:
        s += hog.gen("answer")
    assert (chat.run["answer"], chat.run.value) == ("one", None)


def breaks(chat: Conversation) -> None:
    with chat as s:
        s += hog.gen("answer")
        raise LookupError(s["answer"])


def test_a_conversation_that_raises_frees_everything_and_has_no_results():
    runtime = Stage(writes("one"))
    chat = hog.conversation(runtime)
    with pytest.raises(LookupError, match="one"):
        breaks(chat)
    assert runtime.sessions[0].closed
    with pytest.raises(hog.ProgramError, match="read too early"):
        _ = chat.run


def test_ctrl_c_frees_everything():
    def interrupt() -> None:
        raise KeyboardInterrupt

    runtime = Stage(endless(interrupt))
    with pytest.raises(KeyboardInterrupt):
        breaks(hog.conversation(runtime))
    assert runtime.sessions[0].closed


def test_programs_called_in_a_conversation_run_where_it_does():
    @hog.program
    def answers(s: hog.Scope) -> str:
        s += hog.gen("x")
        return s["x"]

    with hog.conversation(Stage(writes("here"))):
        assert answers() == "here"


def test_a_conversation_is_opened_once():
    chat = hog.conversation(Stage(writes("x")))
    with chat:
        pass
    with pytest.raises(hog.ProgramError, match="a conversation is opened once"), chat:
        pass


def test_bounds_of_a_conversation_are_above_0():
    with pytest.raises(hog.ProgramError, match="max_tokens is a whole number, 1 or more, not 0"):
        hog.conversation(max_tokens=0)
