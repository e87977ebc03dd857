"""uvicorn around the app."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import cast

import uvicorn
from fastapi import FastAPI

from hogdsl.errors import ServerError
from hogdsl.ports import Runtime
from runtime.server.app import create_app
from runtime.server.door import Limits
from runtime.server.socket import GOODBYE_S

PING_S = 20.0
"""A ping to every client so often; one that takes as long to answer is gone."""
HARD_LIMIT = 2
"""Times `Limits.max_message_bytes`: a message beyond that is not even read, to be refused in words;
its socket is closed with code 1009."""


class Server(uvicorn.Server):
    """Says when it is ready, and sends all clients home before it closes their sockets."""

    def __init__(self, app: FastAPI, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                ws="websockets-sansio",
                ws_max_size=HARD_LIMIT * app.state.door.limits.max_message_bytes,
                ws_ping_interval=PING_S,
                ws_ping_timeout=PING_S,
                ws_per_message_deflate=False,  # many small messages, most of them near by
                timeout_graceful_shutdown=int(GOODBYE_S),  # then who does not read is left
            )
        )
        self._app, self._ready = app, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._app.state.door.close()
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):  # of those who do not read
            cast(asyncio.Transport, connection.transport).abort()
        await asyncio.sleep(0)  # they are closed then


def serve(
    runtime: Runtime,
    *,
    host: str = "127.0.0.1",
    port: int = 8642,
    limits: Limits | None = None,
    ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve a runtime until Ctrl-C or SIGTERM; then end all runs, each with `Failed`.

    Args:
        runtime: where programs run; it is not closed.
        host: name or address to listen on.
        port: 0 for any that is free.
        limits: what clients may take.
        ready: called with the URL when clients may connect.

    Raises:
        ServerError: the address cannot be listened on.
    """
    listener = listen(host, port)
    url = url_of(listener)
    with listener, suppress(KeyboardInterrupt):  # raised again when all has ended cleanly
        Server(create_app(runtime, limits), lambda: ready(url)).run([listener])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        ServerError: it cannot.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family)
    except (OSError, OverflowError) as error:
        raise ServerError(
            f"cannot listen on {host}:{port}: {error}. Give another --host or --port; with "
            "--port 0 any that is free is taken."
        ) from error


def url_of(listener: socket.socket) -> str:
    """Where clients reach a socket that listens."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
