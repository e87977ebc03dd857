"""Log-probabilities as a program reads them, on a script, where every word is certain."""

import hogdsl as hog
from hogdsl.testing import script


def test_log_probabilities_of_the_scope_are_read_by_the_name_of_the_gen():
    @hog.program
    def asks(s: hog.Scope) -> list[tuple[str, float]]:
        s += hog.gen("x", logprobs=True)
        return [(token.text, token.logprob) for token in s.logprobs("x")]

    assert asks.on(script({"main": "one two"}))() == [("one ", 0.0), ("two", 0.0), ("", 0.0)]


def test_the_likeliest_tokens_come_with_each_token():
    @hog.program
    def asks(s: hog.Scope) -> list[list[str]]:
        s += hog.gen("x", top_logprobs=3, max_tokens=2)
        return [[likely.text for likely in token.top] for token in s.logprobs("x")]

    assert asks.on(script({"main": "one two three"}))() == [["one "], ["two "]]


def test_a_handle_and_what_is_still_to_come_have_them_after_the_region():
    @hog.program
    def forks(s: hog.Scope) -> list[list[str]]:
        with s.fork("a") as team:
            team["a"] += hog.gen("x", stop=".", logprobs=True)
            rest = team["a"].gen(max_tokens=1, logprobs=True)
        both = team["a"].logprobs("x"), rest.logprobs
        return [[token.text for token in tokens] for tokens in both]

    assert forks.on(script({"a": ["one two.", "three four"]}))() == [["one ", "two."], ["three "]]


def test_a_run_has_those_of_all_named_gens_that_ask():
    @hog.program
    def writes(s: hog.Scope) -> None:
        s += hog.gen("quiet") + hog.gen("loud", logprobs=True, max_tokens=1)
        with s.fork("a") as team:
            team["a"] += hog.gen("x", max_tokens=1, top_logprobs=1)

    run = writes.on(script({"main": ["one", "two"], "a": "three"})).run()
    assert {name: [t.text for t in tokens] for name, tokens in run.logprobs.items()} == {
        "loud": ["two"],
        "a.x": ["three"],
    }
