"""Detached texts in a run: what stands where, and what the chat makes of them."""

from hogdsl.plan import (
    Block,
    CloseTurn,
    DetachedBlock,
    Gen,
    Region,
    Stream,
    StreamBlock,
    Text,
    TextBlock,
    Turn,
)
from runtime.scheduler.prefill import CHUNK_TOKENS
from tests.scheduler.world import World


def world() -> World:
    """A model that writes nothing."""
    return World(lambda whole: None)


def one_stream(*blocks: Block, pieces: tuple[Text | Turn | CloseTurn, ...]) -> Region:
    """A region of one stream that sees all blocks that are nobody's context."""
    behind = {name for b in blocks if isinstance(b, DetachedBlock) for name in b.after}
    view = (*(block.name for block in blocks if block.name not in behind), "main")
    main = Stream(name="main", role="main", view=view, pieces=(*pieces, Gen()))
    return Region(name="r", blocks=(*blocks, StreamBlock(name="main")), streams=(main,))


def test_the_turn_that_it_stands_in_goes_on_behind_it() -> None:
    there = world()
    note = DetachedBlock(name="note", text="NOTE")
    opened = TextBlock(name="opened", pieces=(Turn(role="user", prefix="Read: "),))
    pieces = (Text(text=" Why?"), Turn(role="assistant"))
    there.run().start(one_stream(opened, note, pieces=pieces))
    there.step()
    assert there.views == ["<user>Read: ", "NOTE", "<user>Read: NOTE Why?</user><assistant>"]


def test_a_text_behind_it_goes_on_with_the_turn_too() -> None:
    there = world()
    opened = TextBlock(name="opened", pieces=(Turn(role="user", prefix="Read: "),))
    note = DetachedBlock(name="note", text="NOTE")
    rest = TextBlock(name="rest", pieces=(Turn(role="assistant"),), after=("opened", "note"))
    there.run().start(one_stream(opened, note, rest, pieces=(Text(text="So"),)))
    there.step()
    assert there.views[-2:] == [
        "<user>Read: NOTE</user><assistant>",
        "<user>Read: NOTE</user><assistant>So",
    ]


def test_what_it_is_encoded_after_is_seen_by_it_alone() -> None:
    there = world()
    context = TextBlock(name="context", pieces=(Turn(role="system", prefix="Hi"), CloseTurn()))
    note = DetachedBlock(name="note", text="NOTE", after=("context",))
    there.run().start(one_stream(context, note, pieces=(Text(text="Why?"),)))
    there.step()
    assert there.views == ["<system>Hi</system>", "<system>Hi</system>NOTE", "NOTEWhy?"]


def test_a_long_one_is_encoded_in_chunks_before_what_stands_behind_it() -> None:
    there = world()
    note = DetachedBlock(name="note", text="n" * (CHUNK_TOKENS + 1))
    rest = TextBlock(name="rest", pieces=(Text(text="rest"),), after=("note",))
    there.run().start(one_stream(note, rest, pieces=(Text(text="So"),)))
    there.step()
    assert there.views == ["n" * CHUNK_TOKENS]
    there.step()
    whole = "n" * (CHUNK_TOKENS + 1)
    assert there.views == [whole, whole + "rest", whole + "restSo"]


def test_a_region_that_keeps_it_leaves_the_chat_as_it_was_before_it() -> None:
    there = world()
    client = there.run()
    opened = TextBlock(name="opened", pieces=(Turn(role="user", prefix="Read: "),))
    note = DetachedBlock(name="note", text="NOTE")
    first = one_stream(opened, note, pieces=(Text(text=" Now"),))
    client.finish(first.model_copy(update={"keep": ("opened", "note")}))
    second = Stream(
        name="main",
        role="main",
        view=("opened", "note", "next"),
        pieces=(Turn(role="assistant"), Gen()),
    )
    client.start(Region(name="s", blocks=(StreamBlock(name="next"),), streams=(second,)))
    there.step()
    assert there.views == ["<user>Read: NOTE</user><assistant>"]
