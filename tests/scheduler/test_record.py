"""What a gen keeps of its tokens: counts for penalties, log-probabilities, how many there are."""

import pytest

from hogdsl.commands import Delivered, Hear
from hogdsl.errors import PlanError
from hogdsl.events import ChosenToken, Failed, Value
from hogdsl.plan import Bias, ChoicesConstraint, Gen, Input, Region, Sampling
from runtime.scheduler.work import Sample
from tests.scheduler.world import END, HALF, Client, World, region, stream, tape

COUNTED = Sampling(presence_penalty=1.0)


def want(world: World) -> Sample:
    """What the next row wants."""
    step = world.scheduler.next_step(0.0)
    assert step is not None
    (sample,) = (row.want for row in step.rows if isinstance(row.want, Sample))
    return sample


def counts(world: World) -> dict[str, float]:
    """How often each token counts in the next row."""
    numbers = want(world).counts
    assert numbers is not None
    pairs = zip(numbers.tokens, numbers.values, strict=True)
    return {chr(token): n for token, n in pairs if n}


def started(text: str, *gens: Gen) -> tuple[World, Client]:
    world = World(tape(A=text))
    client = world.run()
    client.start(region(stream("A", *gens)))
    return world, client


def failure(gen: Gen) -> str:
    _, client = started("a", gen)
    (failed,) = (e for e in client.events if isinstance(e, Failed))
    assert failed.error == PlanError.__name__
    return failed.message


def values(client: Client) -> list[tuple[str, str]]:
    return [(e.value, e.reason) for e in client.events if isinstance(e, Value)]


def logprobs(client: Client) -> list[tuple[ChosenToken, ...] | None]:
    return [e.logprobs for e in client.events if isinstance(e, Value)]


def told(client: Client) -> str:
    """The tokens of the newest value that log-probabilities are told of."""
    newest = logprobs(client)[-1]
    assert newest is not None
    return "".join(chr(token.token) for token in newest)


# ---------------------------------------------------------------- counts


def test_penalties_count_the_tokens_that_the_gen_has_chosen() -> None:
    world, client = started("abcab", Gen(sampling=COUNTED))
    assert counts(world) == {}
    client.go_on(4)
    assert counts(world) == {"a": 2, "b": 1, "c": 1}


def test_what_stood_before_a_gen_counts_nothing() -> None:
    world, client = started("aabb", Gen(max_tokens=2, sampling=COUNTED), Gen(sampling=COUNTED))
    client.go_on(3)
    assert counts(world) == {"b": 1}


def test_without_penalties_nothing_is_counted() -> None:
    world, client = started("aabb", Gen())
    client.go_on(2)
    assert want(world).counts is None


def talk(gen: Gen) -> Region:
    """A listener that takes a speaker back to what was played of it."""
    given = Input(barge_in="restart", interrupts=("A",), background=True)
    say = stream("A", gen, sees=("mic",), reports_delivery=True)
    return region(stream("mic", input=given), say)


def test_what_is_taken_back_does_not_count() -> None:
    world = World(tape(A="abcabxyz"))
    client = world.run()
    client.start(talk(Gen(sampling=COUNTED)))
    client.go_on(5)
    client.tell(Delivered(stream="A", n_chars=4), Hear(stream="mic", text="no"))
    assert counts(world) == {"a": 1, "b": 1}
    client.go_on(2)
    assert counts(world) == {"a": 1, "b": 1, "x": 1, "y": 1}


def test_half_a_character_goes_with_the_half_that_is_taken_back() -> None:
    world = World(tape(A=f"ab{HALF}cxyz"))
    client = world.run()
    client.start(talk(Gen(sampling=COUNTED)))
    client.go_on(5)
    client.tell(Delivered(stream="A", n_chars=4), Hear(stream="mic", text="no"))
    assert counts(world) == {"a": 1, "b": 1}


# ---------------------------------------------------------------- log-probabilities


def test_log_probabilities_come_with_the_value_if_they_are_asked_for() -> None:
    _, client = started("abcd", Gen(max_tokens=2, logprobs=1), Gen())
    client.go_on()
    a = ChosenToken.model_validate(
        {
            "token": ord("a"),
            "text": "a",
            "logprob": -0.5,
            "top": [{"token": ord("a"), "text": "a", "logprob": -0.5}],
        }
    )
    first, second = logprobs(client)
    assert first is not None
    assert first[0] == a
    assert [token.text for token in first] == ["a", "b"]
    assert second is None


def test_the_tokens_of_the_stop_and_the_end_are_told_too() -> None:
    _, client = started("ab;;", Gen(stop=(";;",), logprobs=0))
    client.go_on()
    assert (values(client), told(client)) == ([("ab", "stop")], "ab;;")
    _, client = started("ab", Gen(logprobs=0))
    client.go_on()
    assert (values(client), told(client)) == ([("ab", "end_token")], "ab" + chr(END))


def test_a_token_of_which_nothing_can_be_shown_alone_has_a_text_all_the_same() -> None:
    _, client = started(f"{HALF}a", Gen(max_tokens=2, logprobs=0))
    client.go_on()
    (told,) = logprobs(client)
    assert told is not None
    assert [token.text for token in told] == ["\ufffd", "a"]


def test_what_is_taken_back_is_not_told() -> None:
    client = World(tape(A="abcdxy")).run()
    client.start(talk(Gen(max_tokens=6, logprobs=0)))
    client.go_on(5)
    client.tell(Delivered(stream="A", n_chars=3), Hear(stream="mic", text="no"))
    client.go_on()
    client.tell(Delivered(stream="A", n_chars=99))
    client.go_on()
    assert (values(client), told(client)) == ([("ay", "max_tokens")], "ay")


def test_a_value_that_became_shorter_is_told_with_fewer_tokens() -> None:
    given = Input(barge_in="stop", interrupts=("A",), background=True)
    say = stream("A", Gen(logprobs=0), sees=("mic",), reports_delivery=True)
    client = World(tape(A="abcd")).run()
    client.start(region(stream("mic", input=given), say))
    client.go_on()
    client.tell(Delivered(stream="A", n_chars=4), Hear(stream="mic", text="no"))
    client.go_on()
    assert values(client) == [("abcd", "end_token"), ("ab", "stream_ended")]
    assert told(client) == "ab"


# ---------------------------------------------------------------- lengths


def test_before_min_tokens_nothing_is_chosen_that_would_end_it() -> None:
    gen = Gen(min_tokens=2, stop_tokens=(";",), sampling=Sampling(forbidden=("x",)))
    world, client = started("ab;", gen)
    assert want(world).forbidden == (ord("x"), END, ord(";"))
    client.go_on(2)
    assert want(world).forbidden == (ord("x"),)


def test_a_text_that_wants_to_end_goes_on_to_min_tokens() -> None:
    _, client = started("a", Gen(min_tokens=3))
    client.go_on()
    assert values(client) == [("a++", "end_token")]


def test_a_stop_that_is_text_ends_it_before_min_tokens() -> None:
    _, client = started("a;bcd", Gen(min_tokens=4, stop=(";",)))
    client.go_on()
    assert values(client) == [("a", "stop")]


def test_a_gen_that_ignores_the_end_token_writes_on() -> None:
    _, client = started("ab", Gen(ignore_eos=True, max_tokens=4))
    client.go_on()
    assert values(client) == [(f"ab{chr(END) * 2}", "max_tokens")]


def test_min_tokens_leaves_a_token_alone_that_ends_nothing() -> None:
    world, _ = started("ab", Gen(ignore_eos=True, max_tokens=4, min_tokens=2))
    assert want(world).forbidden == ()


# ---------------------------------------------------------------- biases, and plans that err


def test_biases_go_to_the_sampler() -> None:
    biases = (Bias(token="x", bias=1.5), Bias(token=7, bias=-2.0))
    world, _ = started("a", Gen(sampling=Sampling(logit_bias=biases)))
    numbers = want(world).bias
    assert numbers is not None
    assert (list(numbers.tokens), list(numbers.values)) == ([ord("x"), 7], [1.5, -2.0])


def test_two_biases_of_one_token_are_refused() -> None:
    biases = (Bias(token="x", bias=1.0), Bias(token=ord("x"), bias=2.0))
    assert failure(Gen(sampling=Sampling(logit_bias=biases))) == (
        "region 'r': streams['A'].pieces[1].sampling.logit_bias: 120 is token 120, twice. "
        "Give it once."
    )


def test_a_bias_of_what_is_no_token_is_refused() -> None:
    message = failure(Gen(sampling=Sampling(logit_bias=(Bias(token="xy", bias=1.0),))))
    assert message.startswith(
        "region 'r': streams['A'].pieces[1].sampling.logit_bias: 'xy' is 2 tokens"
    )


@pytest.mark.parametrize("rule", [{"min_tokens": 1}, {"ignore_eos": True}])
def test_a_constraint_says_by_itself_where_a_text_ends(rule: dict[str, int]) -> None:
    choices = ChoicesConstraint(choices=("yes", "no"))
    message = failure(Gen.model_validate({"constraint": choices, **rule}))
    assert message == (
        "region 'r': streams['A'].pieces[1].constraint: it says where the text ends, so "
        "min_tokens and ignore_eos do not go with it"
    )


def test_more_tokens_than_it_may_write_are_refused() -> None:
    assert failure(Gen(min_tokens=5, max_tokens=4)) == (
        "region 'r': streams['A'].pieces[1].min_tokens: at most max_tokens, which is 4; found 5"
    )
