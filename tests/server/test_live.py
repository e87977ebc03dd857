"""What a program does while its regions run on a server: channels, callbacks, batches, threads."""

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import hogdsl as hog
from hogdsl.testing import script
from programs.solo import solo
from tests.server.places import PATIENCE_S, Observed, Served, served

ROOT = Path(__file__).parent.parent.parent


@hog.program
def endless(s: hog.Scope) -> None:
    s += hog.user("a:1+2") + hog.turn("assistant")
    with s.fork("Alice", "Bob") as team:
        for worker in team:
            worker += hog.gen(max_tokens=100_000, temperature=5.0, ignore_eos=True)


@hog.program
def broken_into(s: hog.Scope, mic: hog.Channel) -> str:
    """Works on sums, and writes on, until somebody speaks."""
    s += hog.user("a:17+25 b:38+41 c:9+66 d:52+13") + hog.turn("assistant")
    with s.concurrent() as now:
        now.listen("mic", mic, barge_in="stop")
        with now.say("reply", max_tokens=1500) as reply:
            reply += hog.gen(ignore_eos=True)
        reply.sees()
    return reply.ended


@hog.program
def checked(s: hog.Scope, problem: str) -> str:
    """A callback stamps every result, and the model goes on behind the stamp."""
    s += hog.user(problem) + hog.turn("assistant")
    with s.concurrent() as now:
        with now.think("work", max_tokens=60) as work:
            work += hog.gen()

        @work.on(r"=\d+\n")
        def stamp(live: hog.Live, match: hog.Match) -> str:
            return f"[{match.text.strip()}]"

    return work.text


def test_a_text_that_is_sent_in_answer_to_an_event_breaks_in(remote: hog.Runtime) -> None:
    mic = hog.Channel()
    stream = broken_into.on(remote).stream(mic)
    for event in stream:
        if event.kind == "token" and "\n" in event.text and not mic.closed:
            mic.send("e:1+2")
            mic.close()
    assert stream.run.value == "interrupted"
    assert [e.text for e in stream.run.events if e.kind == "heard"] == ["e:1+2"]


def test_a_callback_here_writes_into_a_stream_there(
    embedded: hog.Runtime, remote: hog.Runtime
) -> None:
    here, there = checked.on(embedded)("a:17+25"), checked.on(remote)("a:17+25")
    assert "[=42]" in there
    assert there == here


def test_a_callback_that_raises_ends_the_run_on_the_server() -> None:
    @hog.program
    def faulty(s: hog.Scope) -> None:
        with s.fork("Alice") as team:
            for worker in team:
                worker += hog.gen(max_tokens=1000)

            @team.on_step
            def fall(live: hog.Live) -> None:
                raise LookupError("nothing there")

    runtime = script({"Alice": "one two three four five"})
    with served(runtime) as server, pytest.raises(LookupError, match="nothing there"):
        faulty.on(hog.connect(server.url))()
    assert [session.closed for session in runtime.sessions] == [True]


def test_a_batch_gives_the_same_values_as_here(embedded: hog.Runtime, remote: hog.Runtime) -> None:
    items = [(f"a:{n}+{n + 3}",) for n in range(11, 17)]
    here = solo.on(embedded).batch(items, at_once=3, progress=False)
    there = solo.on(remote).batch(items, at_once=3, progress=False)
    assert there.values == here.values
    assert len(there.values) == 6


def test_clients_do_not_disturb_each_other(server: Served) -> None:
    problems = [f"a:{n}+{n + 3}" for n in range(11, 15)]
    alone = [solo.on(hog.connect(server.url))(problem) for problem in problems]
    with ThreadPoolExecutor(5) as pool:
        cancelled = pool.submit(_begun_and_left, server.url)
        together = list(pool.map(lambda p: solo.on(hog.connect(server.url))(p), problems))
        cancelled.result(PATIENCE_S)
    assert together == alone


def _begun_and_left(url: str) -> None:
    with endless.on(hog.connect(url)).stream() as stream:
        for event in stream:
            if event.kind == "token" and event.step > 5:
                return


def test_a_run_is_cancelled_when_its_seconds_are_over(remote: hog.Runtime) -> None:
    with pytest.raises(hog.RunCancelled, match=r"the run had 0\.\d+ seconds and was not over"):
        endless.on(remote, max_seconds=0.3)()


def test_a_task_of_asyncio_that_is_cancelled_frees_its_run(remote: hog.Runtime) -> None:
    async def scene() -> None:
        async with endless.on(remote).stream() as stream:
            async for event in stream:
                if event.kind == "token":
                    task = asyncio.current_task()
                    assert task is not None
                    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(scene())
    assert remote.stats().pages_used == 0


CLIENT = """
import sys
import hogdsl as hog
from tests.server.regions import endless

session = hog.connect(sys.argv[1]).open()
for event in session.run(endless()):
    if event.kind == "token":
        print("writing", flush=True)
"""


def test_the_run_of_a_client_that_is_killed_ends_and_its_pages_come_back(
    embedded: hog.Runtime,
) -> None:
    runtime = Observed(embedded)
    with (
        served(runtime) as server,
        subprocess.Popen(
            [sys.executable, "-c", CLIENT, server.url], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as client,
    ):
        assert client.stdout is not None
        assert client.stdout.readline() == "writing\n"
        assert embedded.stats().pages_used > 0
        client.kill()
        runtime.closed.get(timeout=PATIENCE_S)
        assert embedded.stats().pages_used == 0
