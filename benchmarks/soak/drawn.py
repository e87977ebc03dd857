"""Programs as lists of regions, drawn at random.

Prompts come from few texts, so that runs find in the radix cache what others have left there. Some
are longer than a chunk. A few programs are wrong on purpose: a plan that does not fit together,
streams that wait for ever, texts that are too long.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from hogdsl.commands import CloseInput, Command, Delivered, Hear, Pause, Resume, Stop, Write
from hogdsl.plan import (
    Ask,
    BargeIn,
    Commit,
    DetachedBlock,
    Gen,
    HistoryBlock,
    Input,
    JsonConstraint,
    Piece,
    RegexConstraint,
    Region,
    Sampling,
    Select,
    Stream,
    StreamBlock,
    Text,
    TextBlock,
    Turn,
    Wait,
)

SUMS = "a:17+25 b:38+41 c:9+66 d:52+13"
OPENED = Turn(role="assistant")
SCHEMA = JsonConstraint(
    document='{"type":"object","properties":{"total":{"type":"integer"}},"required":["total"],'
    '"additionalProperties":false}'
)
BARGE_INS: tuple[BargeIn, ...] = ("ignore", "pause", "restart", "stop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a run is to do.

    Attributes:
        kind: a name for the summary.
        regions: one after another.
        speaks: streams that commands may be sent to.
    """

    kind: str
    regions: tuple[Region, ...]
    speaks: tuple[str, ...] = ("main",)


def draw_program(rng: Random) -> Program:
    """A program of one of `KINDS`; wrong ones are rare."""
    kinds, weights = zip(*KINDS.items(), strict=True)
    [draw] = rng.choices(kinds, weights)
    return draw(rng)


def draw_command(rng: Random, program: Program) -> Command:
    """Something that a program may say at any time."""
    stream = rng.choice(program.speaks)
    return rng.choice(
        [
            Hear(stream="mic", text="b:1+2 ", final=rng.random() < 0.5),
            Hear(stream="mic", text="stop", at_step=rng.randint(0, 30)),
            CloseInput(stream="mic"),
            Delivered(stream="say", n_chars=rng.randint(0, 40)),
            Write(stream=stream, text="(more) "),
            Pause(stream=stream),
            Resume(stream=stream),
            Stop(streams=(stream,)),
        ]
    )


# ---------------------------------------------------------------- parts


def prompt(rng: Random, pieces_after: str = "") -> TextBlock:
    """A user's turn: mostly short, sometimes long enough for several chunks."""
    n_lists = rng.choice([1, 1, 1, 2, 12, 18])
    text = " ".join([f"list {rng.randint(0, 2)} {SUMS}"] * n_lists)
    return TextBlock(name="prompt", pieces=(Turn(role="user", prefix=text + pieces_after),))


def gen(rng: Random, most: int = 40) -> Gen:
    """Tokens at random, or the likeliest; mostly with a small budget."""
    sampling = Sampling(temperature=rng.choice([0.0, 1.0, 2.0]))
    stop = ("7",) if rng.random() < 0.2 else ()
    return Gen(sampling=sampling, stop=stop, max_tokens=rng.randint(1, most))


def writer(
    name: str, *pieces: Piece, sees: tuple[str, ...] = ("prompt",), **more: object
) -> Stream:
    """A stream with a block of its own name."""
    fields = {"name": name, "role": "worker", "view": (*sees, name), "pieces": pieces}
    return Stream.model_validate(fields | more)


def region(name: str, blocks: tuple[object, ...], *streams: Stream, **more: object) -> Region:
    """A region with these streams and their blocks."""
    own = tuple(StreamBlock(name=stream.name) for stream in streams)
    fields = {"name": name, "blocks": (*blocks, *own), "streams": streams}
    return Region.model_validate(fields | more)


def seconds(rng: Random) -> float | None:
    """Of a region."""
    return rng.choice([None, None, None, 0.05, 0.5])


# ---------------------------------------------------------------- kinds


def solo(rng: Random) -> Program:
    """One stream."""
    main = writer("main", OPENED, gen(rng, 80), role="main")
    return Program(kind="solo", regions=(region("solo", (prompt(rng),), main),))


def pair(rng: Random) -> Program:
    """Two or three workers who see one another and move their steps to a history."""
    names = ("A", "B", "C")[: rng.randint(2, 3)]
    commit = Commit(into="history", step="\n", header="{name} {step}: ")
    workers = [
        writer(
            name,
            gen(rng, 60),
            sees=("prompt", "history", *(other for other in names if other != name)),
            commit=commit,
        )
        for name in names
    ]
    blocks = (prompt(rng), HistoryBlock(name="history"))
    return Program(kind="pair", regions=(region("pair", blocks, *workers),), speaks=names)


def talker(rng: Random) -> Program:
    """A thinker who is asked, and one who speaks when the answer allows it."""
    think = writer("think", OPENED, gen(rng, 60), role="think")
    say = writer("say", OPENED, gen(rng), sees=("prompt", "think"), role="say")
    ask = Ask(name="ahead", stream="think", question="ahead? ", every=rng.randint(2, 9))
    wait = Wait(stream="say", ask="ahead", answer=rng.choice(["yes", "no"]))
    talk = region("talk", (prompt(rng),), think, say, asks=(ask,), waits=(wait,))
    return Program(kind="talker", regions=(talk,), speaks=("think", "say"))


def listener(rng: Random) -> Program:
    """Input that may break into what is said; often the program waits for it in vain."""
    background = rng.random() < 0.4
    heard = Input(background=background, barge_in=rng.choice(BARGE_INS), interrupts=("say",))
    mic = Stream(name="mic", role="listen", view=("prompt", "mic"), pieces=(), input=heard)
    say = writer(
        "say",
        OPENED,
        gen(rng),
        sees=("prompt", "mic"),
        role="say",
        reports_delivery=rng.random() < 0.3,
    )
    listening = region("listen", (prompt(rng),), mic, say, max_seconds=rng.choice([0.2, 1.0, 3.0]))
    return Program(kind="listener", regions=(listening,), speaks=("say",))


def readers(rng: Random) -> Program:
    """Two streams that see a detached text at different places, one of them behind a prompt."""
    after = rng.choice([(), ("prompt",)])
    note = DetachedBlock(name="note", text=f"note {rng.randint(0, 2)} {SUMS * 4}", after=after)
    near = writer("near", OPENED, gen(rng), sees=("note",))
    far = writer("far", OPENED, gen(rng), sees=("prompt", "note", "near"))
    reading = region("readers", (prompt(rng), note), near, far, max_seconds=seconds(rng))
    return Program(kind="readers", regions=(reading,), speaks=("near", "far"))


def fork(rng: Random) -> Program:
    """A stream, then three that go on behind it alone, then one that sees them all."""
    names = ("A", "B", "C")
    first = region(
        "first",
        (prompt(rng),),
        writer("main", OPENED, gen(rng), role="main"),
        keep=("prompt", "main"),
    )
    workers = [writer(name, gen(rng), sees=("prompt", "main")) for name in names]
    forked = region("fork", (), *workers, keep=names, max_seconds=seconds(rng))
    last = writer("end", gen(rng), sees=("prompt", "main", *names), role="main")
    return Program(
        kind="fork", regions=(first, forked, region("last", (), last)), speaks=(*names, "end")
    )


def select(rng: Random) -> Program:
    """Choices, with a text between them."""
    choices = rng.choice([("yes", "no"), ("41", "42", "142"), ("a longer choice", "b")])
    pieces = (OPENED, Select(choices=choices), Text(text=" and "), Select(choices=("1", "2")))
    main = writer("main", *pieces, gen(rng, 5), role="main")
    return Program(kind="select", regions=(region("select", (prompt(rng),), main),))


def schema(rng: Random) -> Program:
    """A text by a grammar."""
    constraint = rng.choice([SCHEMA, RegexConstraint(regex=r"(\d{1,3}[ ,;]){4}")])
    hot = Sampling(temperature=2.0)
    chosen = Gen(constraint=constraint, sampling=hot, max_tokens=rng.randint(1, 40))
    main = writer("main", OPENED, chosen, role="main")
    return Program(kind="schema", regions=(region("schema", (prompt(rng),), main),))


def wrong(rng: Random) -> Program:
    """What is to be refused, at once or when it is found out."""
    ask = Ask(name="never", stream="A", question="done? ", at="no such text")
    unknown = writer("main", gen(rng), sees=("nowhere",), role="main")
    held = [
        region(
            "held",
            (prompt(rng),),
            writer("A", Text(text="a"), gen(rng)),
            writer("B", gen(rng)),
            asks=(ask,),
            waits=(Wait(stream="A", ask="never"),),
        )
    ]
    long = TextBlock(name="prompt", pieces=(Text(text=SUMS * 120),))
    refused = [region("unknown", (), unknown), region("long", (long,), writer("main", gen(rng)))]
    return Program(kind="wrong", regions=(rng.choice(held + refused),))


KINDS: dict[Callable[[Random], Program], float] = {
    solo: 4,
    pair: 4,
    talker: 4,
    listener: 4,
    readers: 3,
    fork: 4,
    select: 2,
    schema: 2,
    wrong: 1,
}
"""With how often each is drawn."""
