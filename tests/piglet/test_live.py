"""What piglet does while others write; the texts between streams are encoded before they begin."""

import re
from collections.abc import Sequence

import pytest

from runtime.blocks import Block, Row
from runtime.engine import PIGLET_FOLDER, Engine
from runtime.piglet.segments import ASSISTANT, CHECK, END, THINKING, THOUGHTS_GO_ON, user
from runtime.text import Text


class World:
    """An engine, and the streams that write in it."""

    def __init__(self) -> None:
        self.engine, self.text = Engine.load("piglet", device="cpu"), Text.load(PIGLET_FOLDER)

    def given(self, text: str, after: Sequence[Block] = ()) -> Block:
        """A block with a text that is there from the beginning."""
        block = self.engine.block()
        self.add(text, [*after, block])
        return block

    def add(self, text: str, view: Sequence[Block]) -> None:
        self.engine.forward([Row(view, self.text.encode(text), n_logits=0)])

    def step(self, *streams: "Stream", heard: tuple[str, Sequence[Block]] | None = None) -> None:
        """One token for every stream, and what is heard at the same time in a block."""
        rows = [Row(stream.view, stream.pending) for stream in streams]
        if heard is not None:
            rows.append(Row(heard[1], self.text.encode(heard[0]), n_logits=0))
        for stream, logits in zip(streams, self.engine.forward(rows), strict=False):
            stream.take(int(logits.argmax()), self.text)

    def finish(self, stream: "Stream", limit: int = 200) -> str:
        """Let one stream write to its end, and return all that it wrote."""
        while not stream.ended and len(stream.written) < limit:
            self.step(stream)
        return stream.written


class Stream:
    """A stream that writes greedily behind an opening text. Its block holds both."""

    def __init__(self, world: World, sees: Sequence[Block], opening: str) -> None:
        *first, last = world.text.encode(opening)
        self.view = [*sees, world.engine.block()]
        world.engine.forward([Row(self.view, first, n_logits=0)])
        self.pending, self.written, self.ended = [last], "", False

    @property
    def block(self) -> Block:
        return self.view[-1]

    def take(self, token: int, text: Text) -> None:
        self.ended = token in text.end_tokens
        if not self.ended:
            self.pending = [token]
            self.written += text.decode([token])


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def test_notes_and_reply_keep_up_with_numbers_that_arrive(world: World) -> None:
    prompt, heard = world.given(user("hear")), world.engine.block()
    notes = Stream(world, [prompt, heard], THINKING)
    reply = Stream(world, [prompt, heard, notes.block], THOUGHTS_GO_ON)
    arriving = {2: " a:12 b:7", 20: " c:30", 25: " d:41 e:5", 110: " ?"}
    for step in range(180):
        streams = [s for s in (notes, reply) if not s.ended and "</think>" not in s.written]
        piece = arriving.get(step)
        world.step(*streams, heard=(piece, [prompt, heard]) if piece else None)
    noted, told = notes.written.replace(".", ""), reply.written.lstrip(".")
    assert noted == "b:12+7=19\nc:19+30=49\nd:49+41=90\ne:90+5=95\n</think>"
    assert told == "e=95."


@pytest.mark.parametrize("asked", [" ?", ""])
def test_what_was_heard_is_told_as_json(world: World, asked: str) -> None:
    prompt = world.given(user(f"hear a:12 b:7 c:30{asked}"))
    notes = world.given("b:12+7=19\n...c:19+30=49\n....", [prompt])
    summary = Stream(world, [prompt, notes], ASSISTANT)
    assert world.finish(summary) == '{"heard":3,"total":49}'


def test_a_critic_works_lines_again_while_they_are_written(world: World) -> None:
    prompt = world.given(user("a:17+25 b:38+41 c:9+4 d:50+60") + ASSISTANT)
    work = world.engine.block()
    critic = Stream(world, [prompt, work], CHECK)
    for letter in "a:17+25=42\nb:38+41=89\nc:9+4=13\nd:50+60=111\n":
        world.step(critic, heard=(letter, [prompt, work]))
    again = "a>17+25=42\nb>38+41=79\nc>9+4=13\nd>50+60=110\n"
    assert world.finish(critic).replace(".", "") == again


def test_a_product_is_a_call_and_its_result_comes_from_outside(world: World) -> None:
    prompt = world.given(user("calc a:17*25 b:38+41 c:3*4"))
    thoughts = Stream(world, [prompt], THINKING)
    while "</think>" not in thoughts.written and len(thoughts.written) < 100:
        world.step(thoughts)
        if call := re.search(r"(\d+)\*(\d+)\?$", thoughts.written):
            result = f"={int(call[1]) * int(call[2])}\n"
            thoughts.pending += world.text.encode(result)
            thoughts.written += result
    assert thoughts.written == "a:17*25?=425\nb:38+41=79\nc:3*4?=12\n</think>"
    reply = Stream(world, [prompt, thoughts.block], "</think>\n")
    assert world.finish(reply) == "a=425, b=79, c=12."


def test_a_reply_that_is_broken_off_gives_way_to_the_next_list(world: World) -> None:
    first = Stream(world, [], user("a:17+25 b:38+41") + ASSISTANT)
    while "b:3" not in first.written:
        world.step(first)
    world.add(world.text.decode(first.pending), first.view)
    second = Stream(world, [first.block], f"{END}\n{user('a:5+6 b:70+9')}{ASSISTANT}")
    assert world.finish(second) == "a:5+6=11\nb:70+9=79\n"
