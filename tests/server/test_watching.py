"""A client says whether it wants events as they come."""

import hogdsl as hog
from hogdsl.testing import script
from runtime.embedded import EmbeddedRuntime
from runtime.server import Limits
from tests.server.places import Observed, served
from tests.traces.letters import LetterMachine


@hog.program
def writes(s: hog.Scope, max_tokens: int = 10) -> str:
    s += "go" + hog.gen("text", max_tokens=max_tokens)
    return s["text"]


@hog.program
def listens(s: hog.Scope, mic: hog.Channel) -> None:
    with s.concurrent(until=hog.closed("mic")) as now, now.listen("mic", mic):
        pass


def test_a_plain_run_lets_the_server_send_its_events_late_and_a_stream_does_not() -> None:
    runtime = Observed(script({"main": "one two", "mic": ""}))
    with served(runtime) as server:
        there = hog.connect(server.url)
        assert writes.on(there)() == "one two"
        assert writes.on(there).batch([()]).values == ("one two",)
        assert runtime.live == [False, False]
        assert list(writes.on(there).stream())
        mic = hog.Channel()
        mic.close()
        listens.on(there)(mic)
        assert runtime.live == [False, False, True, True]


def test_a_long_region_whose_events_may_be_late_does_not_look_like_a_slow_client() -> None:
    """Its events are more than twice what may wait for a client."""
    runtime = EmbeddedRuntime(LetterMachine(lambda whole: "x"))
    with served(runtime, Limits(max_waiting_bytes=100_000)) as server:
        run = writes.on(hog.connect(server.url)).run(3500)
    runtime.close()
    assert run.value == "x" * 3500
    assert sum(len(event.model_dump_json()) for event in run.events) > 200_000
