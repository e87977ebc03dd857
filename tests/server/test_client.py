"""What a client is told when the server is not there, is another one, or goes away."""

import json
import socket
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

import hogdsl as hog
from hogdsl.commands import Hear
from hogdsl.testing import script
from hogdsl.wire import ServerInfo
from runtime.server import Limits, conversation
from tests.server.places import Chatter, Observed, Served, served
from tests.server.regions import endless, listening, writing

INFO = ServerInfo(
    package_version="9", model="m", device="cpu", context_length=None, max_message_bytes=9
)


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with served(script({"main": "one two"})) as server:
        yield server


@contextmanager
def answering(body: str) -> Generator[str]:
    """An HTTP server that answers every request so; gives its URL."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Tests say what matters."""

    with HTTPServer(("127.0.0.1", 0), Answer) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8642", "ftp://a", "http://", "http://a:b", "http://a?b"]
)
def test_what_is_no_url_of_a_server_is_said_at_once(url: str) -> None:
    with pytest.raises(hog.ServerError, match=r"is not the URL of a server\. Give the address"):
        hog.connect(url)


def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(hog.ServerError) as caught:
        hog.connect(url)
    assert str(caught.value).startswith(f"no server answers at {url}: ")
    assert "Start one with `hogdsl serve`" in str(caught.value)


def test_a_server_that_takes_too_long_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(hog.ServerError, match=r"no answer within 0\.1 seconds"):
            hog.connect(url, connect_seconds=0.1)


def test_a_wrong_path_is_no_server(server: Served) -> None:
    with pytest.raises(hog.ServerError, match=r"there is no hogdsl server at .*answered 404"):
        hog.connect(server.url + "/elsewhere")


@pytest.mark.parametrize("body", ["<html>", "[]", "{}", '{"server":"hogdsl"}'])
def test_another_server_is_none_of_ours(body: str) -> None:
    if "hogdsl" in body:  # of our version, and yet no answer of ours
        body = '{"server":"hogdsl","wire_version":1,"plan_version":1}'
    with (
        answering(body) as url,
        pytest.raises(hog.ServerError, match=f"there is no hogdsl server at {url}"),
    ):
        hog.connect(url)


@pytest.mark.parametrize("field", ["wire_version", "plan_version"])
def test_a_server_of_another_version_is_named_with_both_versions(field: str) -> None:
    document = INFO.model_dump() | {field: 99, "newer": "field"}
    with answering(json.dumps(document)) as url, pytest.raises(hog.ServerError) as caught:
        hog.connect(url)
    assert f"{field}: the server at {url} speaks 99, this client 1." in str(caught.value)


def test_a_server_that_speaks_http_only_opens_no_session() -> None:
    with answering(INFO.model_dump_json()) as url:
        runtime = hog.connect(url)
        with pytest.raises(hog.ServerError, match=r"there is no hogdsl server at .*/v1/session"):
            runtime.open()


def test_what_the_server_would_refuse_for_its_length_is_not_sent() -> None:
    with served(script({"main": "one two"}), Limits(max_message_bytes=1024)) as server:
        session = hog.connect(server.url).open()
        with pytest.raises(hog.CapacityError, match="may have 1024 bytes, and this 'run' has"):
            list(session.run(writing(name="x" * 400)))
        with pytest.raises(hog.CapacityError, match="and this 'command' has"):
            session.send(Hear(stream="mic", text="x" * 1024))
        session.close()


def test_a_server_that_is_stopped_fails_the_runs_and_says_why() -> None:
    with served(Chatter(pause_s=0.001)) as server:
        runtime = hog.connect(server.url)
        running, waiting = runtime.open(), runtime.open()
        events = running.run(endless())
        assert next(events).kind == "token"
        with ThreadPoolExecutor(1) as pool:  # a client that does not read is not waited for
            stopping = pool.submit(server.stop)
            *_, last = events
            stopping.result()
        assert last.kind == "failed"
        assert last.error == "RunCancelled"
        assert last.message.startswith("the server was stopped.")
        for session in (running, waiting):
            with pytest.raises(hog.RunCancelled, match="the server was stopped"):
                next(session.run(writing()))
            session.close()
        with pytest.raises(hog.ServerError, match="no server answers"):
            runtime.open()


def test_a_client_that_does_not_read_cannot_keep_a_server_from_stopping(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("socket", "conversation", "serving"):
        monkeypatch.setattr(f"runtime.server.{module}.GOODBYE_S", 1.0)
    monkeypatch.setattr("tests.server.places.PATIENCE_S", 20.0)  # pings take longer to find it out
    limits = Limits(max_waiting_bytes=1 << 24)  # more than the sockets hold
    chatter = Chatter()
    with served(chatter, limits) as server:
        session = hog.connect(server.url).open()
        events = session.run(endless())
        assert next(events).kind == "token"
        chatter.cancelled.wait(1.0)  # meanwhile all buffers on the way are filled
        server.stop()
    del events


def test_a_connection_that_breaks_ends_the_run_with_the_address(server: Served) -> None:
    runtime = hog.connect(server.url)
    session = runtime.open()
    events = session.run(listening())
    assert next(events).kind == "region_started"
    session._socket.socket.shutdown(socket.SHUT_RDWR)  # pyright: ignore
    with pytest.raises(hog.ServerError, match=f"the connection to {server.url} was lost"):
        next(events)
    session.cancel()
    session.close()


def test_a_fault_of_the_runtime_has_its_own_class_at_the_client() -> None:
    with served(Chatter(error=hog.InternalError("the thread broke"))) as server:
        session = hog.connect(server.url).open()
        with pytest.raises(hog.InternalError, match="the thread broke"):
            next(session.run(writing()))
        session.close()


def test_a_forgotten_session_is_closed(server: Served) -> None:
    session = hog.connect(server.url).open()
    hang_up = session._hang_up  # pyright: ignore
    assert hang_up.alive
    del session
    assert not hang_up.alive


def test_the_client_says_where_it_is_connected_to(server: Served) -> None:
    assert repr(hog.connect(server.url + "/")) == f"<RemoteRuntime script at {server.url}>"


def test_closing_does_not_wait_for_a_server_that_does_not_answer(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hogdsl.remote.session.CLOSE_S", 0.2)
    monkeypatch.setattr(conversation.Conversation, "_obey", _deaf)
    deaf = hog.connect(server.url).open()
    deaf.close()


async def _deaf(self: object, session: object) -> None:
    """Reads one message after the other and obeys none."""
    assert isinstance(self, conversation.Conversation)
    while True:
        await self._socket.read()


def test_a_server_is_told_whose_run_it_is() -> None:
    observed = Observed(script({"main": "one two"}))
    with served(observed) as server:
        runtime = hog.connect(server.url, tenant="ada")
        runtime.open().close()
        runtime.open(tenant="bob").close()
        runtime.close()
        hog.connect(server.url).open().close()
    assert observed.tenants == ["ada", "bob", ""]
