"""What a server says to clients that are not ours, or do not behave; without a model."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

import hogdsl as hog
from hogdsl.testing import script
from hogdsl.wire import PLAN_VERSION, WIRE_VERSION, Open, RunRegion
from runtime.server import Limits, conversation
from tests.server.places import PATIENCE_S, Chatter, Observed, Served, served
from tests.server.regions import listening, writing

OPEN = Open().model_dump_json()
RUN = RunRegion(region=writing()).model_dump_json()
LISTEN = RunRegion(region=listening()).model_dump_json()


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    """Plays a script; takes messages of up to 4096 bytes."""
    with served(script({"main": "one two"}), Limits(max_message_bytes=4096)) as server:
        yield server


def dialled(server: Served, **settings: Any) -> ClientConnection:
    """A WebSocket of somebody who does not use `hog.connect`."""
    url = server.url.replace("http", "ws") + "/v1/session"
    return connect(url, compression=None, proxy=None, **settings).__enter__()


def heard(socket: ClientConnection) -> dict[str, Any]:
    return json.loads(socket.recv(PATIENCE_S))


def refused(server: Served, *messages: str | bytes) -> dict[str, Any]:
    """What a client is told that says this, after which the socket is closed."""
    with dialled(server) as socket:
        for message in messages:
            socket.send(message)
        said = [heard(socket)]
        while said[-1]["kind"] != "refused":
            said.append(heard(socket))
        with pytest.raises(ConnectionClosed):
            socket.recv(PATIENCE_S)
    return said[-1]


def test_a_session_from_its_beginning_to_its_end(server: Served) -> None:
    with dialled(server) as socket:
        socket.send(OPEN)
        assert heard(socket) == {"kind": "opened"}
        socket.send(RUN)
        events: list[dict[str, Any]] = []
        while not events or events[-1]["kind"] != "joined":
            message = heard(socket)
            assert message["kind"] == "events"
            events += message["events"]
        assert [event["seq"] for event in events] == list(range(len(events)))
        assert "".join(e["text"] for e in events if e["kind"] == "token") == "one two"
        socket.send('{"kind":"close"}')
        assert heard(socket) == {"kind": "closed"}


def test_a_client_that_does_not_say_when_it_wants_events_gets_them_as_they_come() -> None:
    runtime = Observed(script({"main": "one two"}))
    with served(runtime) as server, dialled(server) as socket:
        socket.send(OPEN)
        assert heard(socket) == {"kind": "opened"}
        socket.send(json.dumps({"kind": "run", "region": writing().model_dump()}))
        while heard(socket)["events"][-1]["kind"] != "joined":
            pass
    assert runtime.live == [True]


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        (["hello"], "a message is a JSON object, and this is no JSON"),
        (["[1]"], "a message is a JSON object, and here is [1]."),
        ([b"{}"], "a message is JSON in a text frame, and this frame is binary."),
        (['{"kind":"close"}'], "a session begins with 'open', and this is another message."),
        ([OPEN, "{}"], "the message.kind: must be given, and is missing. Add it."),
        ([OPEN, OPEN], "the session is open already. One socket is one session."),
        (
            [OPEN, '{"kind":"command","command":{"kind":"hear","stream":"mic","text":7}}'],
            "command.text: must be a valid string; found 7.",
        ),
        (
            [OPEN, RUN.replace('"max_tokens":60', '"max_tokens":-1')],
            "region.streams[0].pieces[1].max_tokens: must be greater than 0; found -1.",
        ),
        (
            [OPEN, LISTEN, LISTEN],
            "region 'listening': another one still runs. Wait for its event 'joined' or 'failed'.",
        ),
    ],
)
def test_a_message_that_is_broken_is_answered_with_what_is_wrong_and_where(
    server: Served, messages: list[str | bytes], told: str
) -> None:
    refusal = refused(server, *messages)
    assert refusal["error"] == "PlanError"
    assert told in refusal["message"]


@pytest.mark.parametrize("version", [WIRE_VERSION + 1, None])
def test_another_version_is_refused_before_anything_else_is_read(
    server: Served, version: int | None
) -> None:
    hello = {"kind": "open", "wire_version": version, "plan_version": PLAN_VERSION, "new": 1}
    refusal = refused(server, json.dumps(hello))
    assert refusal["error"] == "ServerError"
    assert f"wire_version: the client speaks {json.dumps(version)}" in refusal["message"]
    assert "Install the same release of hogdsl at both ends." in refusal["message"]


def test_a_message_that_is_too_long_is_refused_with_the_limit(server: Served) -> None:
    refusal = refused(server, OPEN, '{"kind":"' + "x" * 5000 + '"}')
    assert refusal["error"] == "CapacityError"
    assert "a message may have 4096 bytes, and this one has 5011" in refusal["message"]


def test_a_message_that_is_far_too_long_is_not_even_read(server: Served) -> None:
    with dialled(server) as socket:
        socket.send(OPEN)
        assert heard(socket) == {"kind": "opened"}
        socket.send("x" * 9000)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(PATIENCE_S)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


def test_a_client_that_says_nothing_does_not_stay(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "HELLO_S", 0.05)
    assert "within 0.05 seconds" in refused(server)["message"]


def test_the_events_of_a_broken_message_come_before_its_refusal(server: Served) -> None:
    """The run is cancelled, and that is told first."""
    with dialled(server) as socket:
        socket.send(OPEN)
        socket.send(LISTEN)
        assert heard(socket)["kind"] == "opened"
        assert heard(socket)["events"][0]["kind"] == "region_started"
        socket.send("?")
        assert heard(socket)["events"][-1]["kind"] == "failed"
        assert heard(socket)["kind"] == "refused"


def test_a_web_page_of_another_site_is_not_let_in(server: Served) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        dialled(server, origin="http://somewhere.example")
    own = dialled(server, origin=server.url)
    own.close()


def test_one_session_too_many_is_refused_and_has_room_when_another_has_ended() -> None:
    with served(script({"main": "one two"}), Limits(max_sessions=2)) as server:
        runtime = hog.connect(server.url)
        first, second = runtime.open(), runtime.open()
        with pytest.raises(hog.CapacityError, match="2 sessions are open"):
            runtime.open()
        first.close()
        third = runtime.open()
        assert list(third.run(writing()))[-1].kind == "joined"
        for session in (second, third):
            session.close()


def test_a_client_that_reads_no_events_has_its_run_cancelled_and_is_told() -> None:
    runtime = Observed(Chatter())
    with served(runtime, Limits(max_waiting_bytes=20_000)) as server:
        with dialled(server, max_queue=1) as socket:
            socket.send(OPEN)
            socket.send(RUN)
            chatter = runtime.inner
            assert isinstance(chatter, Chatter)
            assert chatter.cancelled.wait(PATIENCE_S)
            assert heard(socket)["kind"] == "opened"
            events: list[dict[str, Any]] = []
            while not events or events[-1]["kind"] != "failed":
                events += heard(socket)["events"]
        assert events[-1]["error"] == "RunCancelled"
        assert "left 20000 bytes of events unread" in events[-1]["message"]
        runtime.closed.get(timeout=PATIENCE_S)


def test_a_fault_of_the_runtime_is_told_as_one_of_ours() -> None:
    with served(Chatter(error=ZeroDivisionError("by nought"))) as server:
        refusal = refused(server, OPEN, RUN)
        assert refusal["error"] == "InternalError"
        assert "ZeroDivisionError('by nought'). Please report it." in refusal["message"]


def test_a_region_may_begin_as_soon_as_the_one_before_is_over() -> None:
    """The thread of a region may return after its last event was read."""
    with served(script({"main": ["one two"] * 50})) as server:
        session = hog.connect(server.url).open()
        ends = [list(session.run(writing(name=f"r{n}")))[-1].kind for n in range(50)]
        session.close()
    assert ends == ["joined"] * 50
