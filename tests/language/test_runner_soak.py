"""Many runs with callbacks, channels and sudden ends: none leaves a thread, a block or a text."""

import random
from collections.abc import Callable

import pytest

import hogdsl as hog
from hogdsl.testing import script
from tests.language.stage import own_threads

WORDS = "one 2 three 4 five 6 seven 8 nine 10"


class Broken(Exception):
    """Raised by a callback."""


@hog.program
def three_regions(s: hog.Scope, mic: hog.Channel, break_at: int | None, hold: bool) -> list[str]:
    """Hear, speak and call back in three regions, the inputs of which stay open."""
    s += "go "
    heard: list[str] = []
    for _ in range(3):
        with s.concurrent() as now:
            ear = now.listen("mic", mic)
            with now.say("reply") as reply:
                reply += hog.gen()

            @now.on_step(every=3)
            def look(live: hog.Live) -> None:
                if break_at is not None and live.step >= break_at:
                    raise Broken
                live.insert("reply", "! ")

            @reply.on(r"\d ", hold=hold)
            def answer(live: hog.Live, match: hog.Match) -> str:
                return asks(match.text)

        heard.append(ear.text)
    return heard


@hog.program
def asks(s: hog.Scope, question: str) -> str:
    s += question + hog.gen("answer")
    return s["answer"]


def run(seed: int, read: Callable[[hog.RunStream[list[str]], random.Random], None]) -> None:
    chance = random.Random(seed)
    runtime = script({"reply": [WORDS] * 3, "main": "well "})
    texts = [f"{i} " for i in range(chance.randint(0, 9))]
    with hog.Channel() as mic:
        for i, text in enumerate(texts):
            mic.send(text, at_step=chance.choice([None, i, 5 * i]))
        break_at = chance.choice([None, chance.randint(1, 40)])
        stream = three_regions.on(runtime).stream(mic, break_at, chance.random() < 0.5)
        try:
            read(stream, chance)
            heard = "".join(stream.run.value)
            assert "".join(texts[: len(texts) - len(mic)]) == heard
        except (Broken, hog.ProgramError):
            pass
    assert all(session.closed and session.n_blocks == 0 for session in runtime.sessions)
    assert own_threads() == []


def read_all(stream: hog.RunStream[list[str]], _: random.Random) -> None:
    assert list(stream)


@pytest.mark.parametrize("seed", range(6))
def test_runs_that_are_read_to_their_end_leave_nothing_behind(seed: int):
    run(seed, read_all)


@pytest.mark.parametrize("seed", range(6))
def test_runs_that_are_left_leave_nothing_behind(seed: int):
    def some(stream: hog.RunStream[list[str]], chance: random.Random) -> None:
        with stream:
            for _ in range(chance.randint(1, 60)):
                next(stream, None)

    run(seed, some)
