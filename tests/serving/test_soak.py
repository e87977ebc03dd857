"""Law 7: whatever is done to runs, nothing of them stays behind."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

from hogdsl.commands import CloseInput, Command, Hear, Pause, Resume, Stop, Write
from hogdsl.errors import RunCancelled
from hogdsl.plan import (
    Ask,
    BargeIn,
    Commit,
    Gen,
    HistoryBlock,
    Input,
    Region,
    Sampling,
    Stream,
    StreamBlock,
    Text,
    TextBlock,
    Turn,
    Wait,
)
from runtime.embedded import EmbeddedRuntime, EmbeddedSession, start
from runtime.runner import EngineMachine

N_RUNS = 200
HOT = Sampling(temperature=2.0)
PROMPT = TextBlock(name="prompt", pieces=(Turn(role="user", prefix="a:17+25 b:38+41"),))
BLOCKS = (
    PROMPT,
    HistoryBlock(name="history"),
    *(StreamBlock(name=name) for name in ("mic", "think", "say", "work")),
)
OPENED = Turn(role="assistant")


def random_region(rng: random.Random) -> Region:
    """A listener, a thinker that is asked, one who speaks, and a worker with steps."""
    barge_ins: list[BargeIn] = ["ignore", "pause", "restart", "stop"]
    n = rng.randint(3, 20)
    gen = Gen(sampling=HOT, stop=("7",) if rng.random() < 0.3 else ())
    streams = (
        Stream(
            name="mic",
            role="listen",
            view=("prompt", "mic"),
            pieces=(),
            input=Input(background=True, barge_in=rng.choice(barge_ins), interrupts=("say",)),
        ),
        Stream(
            name="think",
            role="think",
            view=("prompt", "mic", "think"),
            pieces=(OPENED, gen),
            max_tokens=n,
        ),
        Stream(
            name="say",
            role="say",
            view=("prompt", "think", "mic", "say"),
            pieces=(OPENED, gen, Text(text="; "), gen),
            max_tokens=n,
        ),
        Stream(
            name="work",
            role="worker",
            view=("prompt", "history", "think", "work"),
            pieces=(OPENED, gen),
            max_tokens=n,
            commit=Commit(into="history", step="\n", header="{name} {step}: "),
        ),
    )
    return Region(
        name="first",
        blocks=BLOCKS,
        streams=streams,
        asks=(Ask(name="ask", stream="think", question="ahead? ", every=rng.randint(2, 9)),),
        waits=(Wait(stream="say", ask="ask", answer=rng.choice(["yes", "no"])),),
        keep=tuple(block.name for block in BLOCKS),
        max_seconds=0.6,
    )


AFTERWARDS = Region(
    name="second",
    blocks=(StreamBlock(name="main"),),
    streams=(
        Stream(
            name="main",
            role="main",
            view=("prompt", "history", "mic", "think", "say", "main"),
            pieces=(OPENED, Gen(sampling=HOT)),
            max_tokens=20,
        ),
    ),
)
"""Goes on behind what the first region kept."""


def random_command(rng: random.Random) -> Command:
    stream = rng.choice(["think", "say", "work"])
    return rng.choice(
        [
            Hear(stream="mic", text="b:1+2 ", final=rng.random() < 0.5),
            Hear(stream="mic", text="stop", at_step=rng.randint(0, 30)),
            CloseInput(stream="mic"),
            Write(stream=stream, text="(more) "),
            Pause(stream=stream),
            Resume(stream=stream),
            Stop(streams=(stream,)),
        ]
    )


def play(runtime: EmbeddedRuntime, seed: int) -> str:
    """A run with random commands, which may be cancelled or left at any event."""
    rng = random.Random(seed)
    session = runtime.open(seed=seed)
    try:
        last = follow(session, random_region(rng), rng)
        if last == "joined" and rng.random() < 0.3:
            last = follow(session, AFTERWARDS, rng)
    except RunCancelled:
        last = "closed"
    session.close()
    return last


def follow(session: EmbeddedSession, region: Region, rng: random.Random) -> str:
    ends_at = rng.randint(0, 60)
    how = rng.choice(["leave", "cancel", "close", "stay", "stay"])
    last = ""
    for n, event in enumerate(session.run(region)):
        last = event.kind
        if rng.random() < 0.05:
            session.send(random_command(rng))
        if n == ends_at and how == "leave":
            return "left"
        if n == ends_at and how == "cancel":
            session.cancel()
        if n == ends_at and how == "close":
            session.close()
    return last


def test_random_runs_leave_no_page_no_block_and_no_thread() -> None:
    runtime = start(n_cache_tokens=16_384)
    threads = threading.active_count()
    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(lambda seed: play(runtime, seed), range(N_RUNS)))
    machine = runtime.machine
    assert isinstance(machine, EngineMachine)
    machine.engine.check()
    assert machine.pages.n_used == 0
    assert runtime.stats().runs == 0
    assert {"left", "failed", "joined"} <= set(ends)
    runtime.close()
    assert threading.active_count() == threads
