"""One stream: pieces, stops, budgets, selects, turns."""

import pytest

from hogdsl.events import StreamEnded, Token, Value
from hogdsl.plan import (
    CloseTurn,
    Gen,
    Piece,
    Region,
    Select,
    Stream,
    StreamBlock,
    Text,
    Turn,
)
from tests.scheduler.world import Client, World, script, text_of


def main(*pieces: Piece, name: str = "main.0", block: bool = True) -> Region:
    """A region with one stream."""
    return Region(
        name=name,
        blocks=(StreamBlock(name="main"),) if block else (),
        streams=(Stream(name="main", role="main", view=("main",), pieces=pieces),),
        keep=("main",),
    )


def cached(client: Client) -> str:
    """What is in the cache of the kept block."""
    return text_of(client.run._blocks.blocks["main"])  # pyright: ignore[reportPrivateUsage]


def values(client: Client) -> list[tuple[str | None, str, str]]:
    return [(e.name, e.value, e.reason) for e in client.events if isinstance(e, Value)]


def test_a_gen_writes_until_the_end_token_which_is_not_kept() -> None:
    client = World(script(A="hello")).run()
    client.finish(main(Text(text="A:"), Gen(name="x")))
    assert values(client) == [("x", "hello", "end_token")]
    assert cached(client) == "A:hello"


def test_text_after_a_gen_is_encoded_and_the_next_gen_sees_it() -> None:
    client = World(script(A="12", B="34")).run()
    client.finish(main(Text(text="A:"), Gen(name="x"), Text(text=" B:"), Gen(name="y")))
    assert [value for _, value, _ in values(client)] == ["12", "34"]
    assert cached(client) == "A:12 B:34"


def test_a_stop_leaves_neither_the_value_nor_the_cache_with_any_of_it() -> None:
    client = World(script(A="one, two</end> three")).run()
    client.finish(main(Text(text="A:"), Gen(name="x", stop=("</end>",)), Text(text="!")))
    assert values(client) == [("x", "one, two", "stop")]
    assert cached(client) == "A:one, two!"
    shown = "".join(e.text for e in client.events if isinstance(e, Token))
    assert shown == "one, two"


def test_what_looked_like_a_stop_is_shown_in_the_end() -> None:
    client = World(script(A="ab</en")).run()
    client.finish(main(Text(text="A:"), Gen(name="x", stop=("</end>",))))
    assert "".join(e.text for e in client.events if isinstance(e, Token)) == "ab</en"
    assert values(client) == [("x", "ab</en", "end_token")]


@pytest.mark.parametrize("n", [1, 3])
def test_max_tokens_bounds_a_gen_and_its_last_token_is_cached(n: int) -> None:
    client = World(script(A="hello")).run()
    client.finish(main(Text(text="A:"), Gen(name="x", max_tokens=n)))
    assert values(client) == [("x", "hello"[:n], "max_tokens")]
    assert cached(client) == "A:" + "hello"[:n]


def test_a_runs_budget_ends_the_stream() -> None:
    client = World(script(A="hello")).run(max_tokens=2)
    client.finish(main(Text(text="A:"), Gen(name="x"), Text(text="never")))
    ended = [e for e in client.events if isinstance(e, StreamEnded)]
    assert [(e.reason, e.text) for e in ended] == [("budget", "A:he")]
    assert values(client) == [("x", "he", "stream_ended")]


def test_a_full_context_ends_the_stream() -> None:
    client = World(script(A="hello")).run(context=5)
    client.finish(main(Text(text="A:"), Gen(name="x")))
    assert [e.reason for e in client.events if isinstance(e, StreamEnded)] == ["budget"]
    assert values(client)[0][1] == "hel"


def test_a_prompt_longer_than_the_context_fails_with_the_numbers() -> None:
    client = World(script(A="hello")).run(context=5)
    client.finish(main(Text(text="far too long:"), Gen(name="x")))
    failed = client.events[-1]
    assert failed.kind == "failed"
    assert failed.error == "CapacityError"
    assert "begins with 13 tokens in view, and the model's context holds 5" in failed.message


def test_text_alone_that_is_longer_than_the_context_fails_too() -> None:
    client = World(script(A="x")).run(context=5)
    client.finish(main(Text(text="far too long:")))
    failed = client.events[-1]
    assert failed.kind == "failed"
    assert failed.error == "CapacityError"
    client = World(script(A="x")).run(context=5)
    client.finish(main(Text(text="fits.")))
    assert client.events[-1].kind == "joined"


def test_turns_open_and_close_as_the_view_needs() -> None:
    client = World(script(A="x")).run()
    pieces = (Turn(role="user", prefix="hi"), CloseTurn(), Turn(role="assistant", prefix="A:"))
    client.finish(main(*pieces, Gen()))
    assert cached(client) == "<user>hi</user><assistant>A:x"
    client.finish(main(Turn(role="user", prefix="A:"), Gen(), name="main.1", block=False))
    assert cached(client) == "<user>hi</user><assistant>A:x</assistant><user>A:x"


def test_select_takes_the_likeliest_choice_by_mean_logprob() -> None:
    client = World(script(A="blue")).run()
    client.finish(main(Text(text="A:"), Select(name="c", choices=("red", "blue", "b"))))
    assert values(client) == [("c", "blue", "selected")]
    assert cached(client) == "A:blue"


def test_a_gen_may_follow_on_a_gen_without_text_between() -> None:
    client = World(script(A="abcd")).run()
    client.finish(main(Text(text="A:"), Gen(name="x", stop=("c",)), Gen(name="y", max_tokens=2)))
    assert values(client) == [("x", "ab", "stop"), ("y", "cd", "max_tokens")]


def test_a_stream_with_nothing_to_start_from_fails() -> None:
    client = World(script(A="x")).run()
    client.finish(main(Gen()))
    assert client.events[-1].kind == "failed"
    assert "nothing to start from" in client.events[-1].message
    assert not client.world.cache.living
