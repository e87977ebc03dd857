"""One gen: stops that are patterns or tokens, forbidden tokens, grammars."""

from collections.abc import Callable

import pytest

from hogdsl.commands import Write
from hogdsl.events import Value
from hogdsl.plan import (
    ChoicesConstraint,
    Gen,
    RegexConstraint,
    Sampling,
    Select,
)
from runtime.scheduler.work import Chosen, RowWork, Sample
from tests.scheduler.world import HALF, Client, World, region, script, stream, tape, text_of


def run(model: Callable[[str], str | None], *pieces: Gen | Select, **fields: int) -> Client:
    client = World(model).run(**fields)
    client.finish(region(stream("A", *pieces), keep=("A",)))
    return client


def values(client: Client) -> list[tuple[str, str]]:
    return [(e.value, e.reason) for e in client.events if isinstance(e, Value)]


def kept(client: Client) -> str:
    return text_of(client.run._blocks.blocks["A"])  # pyright: ignore[reportPrivateUsage]


def test_a_pattern_ends_a_gen_and_does_not_stay() -> None:
    client = run(tape(A="ab12;cd"), Gen(stop_regex=(r"\d+;",)), Gen())
    assert values(client) == [("ab", "stop"), ("cd", "end_token")]
    assert kept(client) == client.texts["A"] == "A:abcd"


def test_of_a_pattern_and_a_text_the_first_that_is_complete_counts() -> None:
    client = run(tape(A="ab12;cd"), Gen(stop=("2",), stop_regex=(r"\d+;",)))
    assert values(client) == [("ab1", "stop")]


def test_a_stop_token_ends_a_gen_and_is_no_text() -> None:
    client = run(tape(A="ab;cd"), Gen(stop_tokens=(";",)), Gen(stop_tokens=(ord("d"),)))
    assert values(client) == [("ab", "stop"), ("c", "stop")]
    assert kept(client) == "A:abc"


def test_forbidden_tokens_go_to_the_sampler() -> None:
    world = World(tape(A="a"))
    client = world.run()
    client.start(region(stream("A", Gen(sampling=Sampling(forbidden=("x", 7))))))
    assert want(world).forbidden == (ord("x"), 7)


def want(world: World) -> Sample:
    step = world.scheduler.next_step(0.0)
    assert step is not None
    works: list[RowWork] = step.rows
    assert isinstance(works[0].want, Sample)
    world.scheduler.drop(step, RuntimeError("only looked at"))
    return works[0].want


@pytest.mark.parametrize("name", ["stop_tokens", "forbidden"])
def test_a_text_that_is_no_single_token_fails_naming_stream_and_field(name: str) -> None:
    gen = (
        Gen(stop_tokens=("ab",))
        if name == "stop_tokens"
        else Gen(sampling=Sampling(forbidden=("ab",)))
    )
    world = World(tape(A="a"))
    client = world.run()
    client.finish(region(stream("A", gen)))
    failed = client.events[-1]
    assert failed.kind == "failed"
    assert failed.error == "PlanError"
    assert "streams['A'].pieces[1]" in failed.message
    assert name in failed.message
    assert "'ab' is 2 tokens" in failed.message
    assert not world.cache.living


def test_a_grammar_says_which_tokens_may_come() -> None:
    world = World(tape(A="a"))
    client = world.run()
    client.start(region(stream("A", Gen(constraint=ChoicesConstraint(choices=("ab", "c"))))))
    allowed = want(world).allowed
    assert allowed is not None
    tokens = [t for t in range(256) if allowed[t // 8] >> t % 8 & 1]
    assert tokens == [ord("a"), ord("c")]
    assert client.events[-1].kind == "failed", "the step was dropped"


def test_a_gen_is_complete_when_nothing_can_follow() -> None:
    constraint = ChoicesConstraint(choices=("ab", "ac"))
    assert values(run(tape(A="abcd"), Gen(constraint=constraint))) == [("ab", "complete")]


def test_the_model_may_end_where_its_grammar_lets_it() -> None:
    constraint = ChoicesConstraint(choices=("ab", "abcd"))
    assert values(run(tape(A="ab"), Gen(constraint=constraint))) == [("ab", "end_token")]


def test_a_budget_ends_a_gen_in_the_middle_of_its_grammar() -> None:
    constraint = ChoicesConstraint(choices=("abcd",))
    client = run(tape(A="abcd"), Gen(constraint=constraint, max_tokens=2))
    assert values(client) == [("ab", "max_tokens")]


def test_a_grammar_that_is_refused_fails_with_the_reason() -> None:
    client = run(tape(A=""), Gen(constraint=RegexConstraint(regex="a")))
    assert client.events[-1].kind == "failed"
    assert "streams['A'].pieces[1].constraint: only choices" in client.events[-1].message


def test_every_row_says_for_whom_it_is() -> None:
    world = World(script(A="12"))
    client = world.run()
    client.start(region(stream("A", Gen(max_tokens=1), Select(choices=("2", "3")))))
    origin = world.scheduler.next_step(0.0)
    assert origin is not None
    kinds: list[tuple[str, int]] = []
    world.scheduler.apply(origin, [Chosen(ord("1"))], 0.0)
    step = world.scheduler.next_step(0.0)
    assert step is not None
    for work in (*origin.rows, *step.rows):
        assert work.want is not None
        kinds.append((work.want.origin.kind, work.want.origin.n))
    assert kinds == [("gen", 0), ("select", 1)]


def test_a_select_tells_the_score_of_each_choice() -> None:
    client = run(script(A="blue"), Select(choices=("red", "blue")))
    scores = [e.scores for e in client.events if isinstance(e, Value)]
    assert scores[0] is not None
    assert list(scores[0]) == ["red", "blue"]
    assert scores[0]["blue"] == pytest.approx(-0.1)
    assert scores[0]["red"] < -1


def test_text_is_put_in_behind_a_character_that_is_incomplete() -> None:
    client = World(tape(A=f"a{HALF}bc")).run()
    client.start(region(stream("A", Gen()), keep=("A",)))
    client.go_on(2)
    client.tell(Write(stream="A", text="#"))
    client.go_on()
    assert client.texts["A"] == "A:aB#c"
    assert kept(client) == f"A:a{HALF}b#c"


def test_an_unfinished_character_at_the_end_is_part_of_the_value() -> None:
    client = run(tape(A=f"a{HALF}"), Gen())
    assert values(client) == [("a\ufffd", "end_token")]
    assert kept(client) == f"A:a{HALF}"
