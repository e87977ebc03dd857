"""Wire messages on a WebSocket."""

import asyncio
from contextlib import suppress

from fastapi import WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketDisconnected

from hogdsl.errors import CapacityError, PlanError
from hogdsl.wire import ERRORS, ClientMessage, Closed, Opened, Refused, read_client

GOODBYE_S = 10.0
"""A client that takes longer to read the last messages is left without them."""
GONE = (WebSocketDisconnect, WebSocketDisconnected)
"""What is raised when the client is not there any more."""

NORMAL, POLICY, TOO_LARGE, FAULT, RESTART = 1000, 1008, 1009, 1011, 1012
"""Codes of RFC 6455, section 7.4: why a socket is closed."""


class Socket:
    """One client's, accepted."""

    def __init__(self, socket: WebSocket, max_message_bytes: int) -> None:
        self._socket, self._max_message_bytes = socket, max_message_bytes

    async def read(self) -> ClientMessage:
        """The next message.

        Raises:
            HogError: it is none, or too long.
            WebSocketDisconnect: the client has left.
        """
        received = await self._socket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received["code"])
        text = received.get("text")
        if text is None:
            raise PlanError("a message is JSON in a text frame, and this frame is binary.")
        if (n_bytes := len(text.encode())) > self._max_message_bytes:
            raise CapacityError(
                f"a message may have {self._max_message_bytes} bytes, and this one has {n_bytes}. "
                "Send less at once, or start the server with a larger --max-message-bytes."
            )
        return read_client(text)

    async def send(self, message: Opened | Closed | Refused) -> None:
        await self.send_text(message.model_dump_json())

    async def send_text(self, text: str) -> None:
        await self._socket.send_text(text)

    async def end(self, last: Closed | Refused | None, code: int) -> None:
        """Say the last word, if there is one, and close; a client that is gone hears neither."""
        with suppress(*GONE, TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                if last is not None:
                    await self.send(last)
                await self._socket.close(code)


def refusal(error: BaseException) -> Refused:
    """What a client is told of an error; one that we do not know is a fault of ours."""
    for name, kind in ERRORS.items():
        if isinstance(error, kind):
            return Refused(error=name, message=str(error))
    return Refused(error="InternalError", message=f"{error!r}. Please report it.")
