"""Long texts: in chunks, while others go on, and without a difference for anybody."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hogdsl.commands import Stop
from hogdsl.events import Event
from hogdsl.plan import Gen, Region, Text, TextBlock
from runtime.cache.counting import UNLIMITED_TOKENS
from runtime.scheduler import prefill, scheduler
from runtime.scheduler.scheduler import PREFILL_TOKENS
from tests.scheduler.drawn import model, regions
from tests.scheduler.test_random_regions import release
from tests.scheduler.world import Client, FakeCache, World, region, script, stream

LONG = "x" * 1000


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefill, "CHUNK_TOKENS", 3)


def prompted(name: str, text: str) -> Region:
    """A stream behind a text."""
    prompt = TextBlock(name="p", pieces=(Text(text=text),))
    made = region(stream(name, Gen(), sees=("p",)))
    return made.model_copy(update={"blocks": (prompt, *made.blocks)})


def test_a_long_prompt_is_encoded_in_chunks_while_another_run_writes_a_token_in_every_step() -> (
    None
):
    world = World(script(A="1234567890", B="!"))
    writes, waits = world.run(), world.run()
    writes.start(region(stream("A", Gen())))
    world.step()
    waits.start(prompted("B", LONG))
    sizes: list[int] = []
    while waits.run.is_prefilling:
        n_before = len(writes.kinds("token"))
        step = world.step()
        assert step is not None
        assert len(writes.kinds("token")) == n_before + 1
        sizes.append(sum(len(row.tokens) for row in step.rows))
    assert sizes == [prefill.CHUNK_TOKENS + 1] * 3
    waits.go_on()
    assert waits.texts == {"B": "B:!"}


def test_several_long_prompts_share_the_steps_budget() -> None:
    world = World(script(A="1"))
    clients = [world.run() for _ in range(4)]
    for client in clients:
        client.start(prompted("A", LONG))
    while clients[-1].run.present is not None:
        step = world.step()
        assert step is not None
        chunks = [turn for turn in step.turns if turn.is_prefill]
        assert sum(turn.n_tokens for turn in chunks) <= PREFILL_TOKENS


def test_a_long_first_text_of_a_stream_and_an_inserted_one_are_cut_too(small_chunks: None) -> None:
    world = World(script(A="12", B="3"))
    client = world.run()
    client.finish(region(stream("A", Text(text="a long one:A:"), Gen()), stream("B", Gen())))
    assert client.texts == {"A": "A:a long one:A:12", "B": "B:3"}


def test_a_short_text_before_a_long_one_is_whole_before_that_begins(small_chunks: None) -> None:
    world = World(script(A="1"))
    texts = (
        TextBlock(name="t1", pieces=(Text(text="ab"),)),
        TextBlock(name="t2", pieces=(Text(text="cdefgh"),), after=("t1",)),
        TextBlock(name="t3", pieces=(Text(text="i"),), after=("t1", "t2")),
    )
    made = region(stream("A", Gen(), sees=("t1", "t2", "t3")))
    client = world.run()
    client.start(made.model_copy(update={"blocks": (*texts, *made.blocks)}))
    seen: list[str] = []
    while client.run.present is not None:
        world.step()
        seen += world.views
    assert seen[:4] == ["ab", "abcde", "abcdefgh", "abcdefghi"]
    assert client.texts == {"A": "A:1"}


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(made=st.lists(regions(), min_size=2, max_size=3))
def test_a_run_among_others_tells_what_it_tells_alone(
    made: list[Region], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However its texts are cut, and whenever there is room for the pieces."""
    with monkeypatch.context() as patch:
        patch.setattr(prefill, "CHUNK_TOKENS", 2)
        patch.setattr(scheduler, "PREFILL_TOKENS", 1)
        patch.setattr(scheduler, "STEP_TOKENS", 2)
        assert told(made) == [events for each in made for events in told([each])]


def told(made: list[Region], n_tokens_most: int = UNLIMITED_TOKENS) -> list[list[Event]]:
    """What is told by runs side by side, whatever the step."""
    world = World(model, FakeCache(n_tokens_most))
    clients = [world.run() for _ in made]
    for client, each in zip(clients, made, strict=True):
        client.start(each)
    finish(world, clients)
    for client in clients:
        world.scheduler.remove(client.run)
    assert not world.cache.living
    return [
        [e.model_copy(update={"step": 0}) for e in client.events if e.kind != "joined"]
        for client in clients
    ]


def finish(world: World, clients: list[Client]) -> None:
    """Step until all have ended; those who wait for their programs are answered, then stopped."""
    for _ in range(5000):
        if world.step() is not None:
            continue
        waiting = [client for client in clients if client.run.present is not None]
        if not waiting:
            return
        for client in waiting:
            assert client.run.is_waiting
            release(client.events, client.tell)
            client.tell(Stop())
    raise AssertionError(f"it does not end: {world.scheduler}, {world.cache}")
