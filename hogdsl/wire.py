"""What a client and a server say to each other, as JSON.

One WebSocket is one session, so one run of one program (`hogdsl.ports.Session`). The client speaks
first:

    client                          server
    open ───────────────────────▶
         ◀─────────────────────── opened
    run, command, cancel ───────▶
         ◀─────────────────────── events, as they come or late, as `run` wants them; the last of a
                                  region is joined or failed
    close ──────────────────────▶
         ◀─────────────────────── closed: all that the run held is free

Instead of any answer the server may say `refused`: then the session is over, its run is cancelled,
and the server closes the socket. A client that just leaves cancels its run, too.
"""

import json
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import Field, PositiveFloat, PositiveInt, TypeAdapter, ValidationError

from hogdsl.commands import Command
from hogdsl.errors import (
    CapacityError,
    HogError,
    InternalError,
    PlanError,
    RunCancelled,
    ServerError,
)
from hogdsl.events import Event
from hogdsl.faults import first_fault, shown
from hogdsl.plan import PLAN_VERSION, Region, Wire

WIRE_VERSION = 1
"""Of these messages, and of the commands and events in them."""

HEALTH_PATH = "/v1/health"
MODEL_PATH = "/v1/model"
STATS_PATH = "/v1/stats"
SESSION_PATH = "/v1/session"

T = TypeVar("T")

ErrorName = Literal["PlanError", "CapacityError", "RunCancelled", "InternalError", "ServerError"]
ERRORS: dict[ErrorName, type[HogError]] = {
    "PlanError": PlanError,
    "CapacityError": CapacityError,
    "RunCancelled": RunCancelled,
    "InternalError": InternalError,
    "ServerError": ServerError,
}


class Versions(Wire):
    """Both ends must speak the same ones."""

    wire_version: int = WIRE_VERSION
    plan_version: int = PLAN_VERSION


class ServerInfo(Versions):
    """What `GET /v1/model` answers."""

    server: Literal["hogdsl"] = "hogdsl"
    package_version: str
    model: str
    device: str
    context_length: int | None
    """Tokens that a view may hold; none where there is no such bound."""
    max_message_bytes: int
    """A longer message, as UTF-8, is refused."""


# ---------------------------------------------------------------- what a client says


class Open(Versions):
    """Begins the session; see `hogdsl.ports.Runtime.open`."""

    kind: Literal["open"] = "open"
    seed: int = 0
    max_tokens: PositiveInt | None = None
    max_seconds: PositiveFloat | None = None
    tenant: str = ""


class RunRegion(Wire):
    """Runs one region, after the one before is over."""

    kind: Literal["run"] = "run"
    region: Region
    commands: tuple[Command, ...] = ()
    """Are obeyed when the region starts, before its first step."""
    live: bool = True
    """The events are wanted as they come. If not, the server may send them late, all by the end of
    the region."""


class Tell(Wire):
    """Tells the region that runs; too late, it does nothing."""

    kind: Literal["command"] = "command"
    command: Command


class Cancel(Wire):
    """Ends the run within one step."""

    kind: Literal["cancel"] = "cancel"


class Close(Wire):
    """Ends the session; the answer `closed` comes when all is free."""

    kind: Literal["close"] = "close"


ClientMessage = Annotated[Open | RunRegion | Tell | Cancel | Close, Field(discriminator="kind")]


# ---------------------------------------------------------------- what a server says


class Opened(Wire):
    """The session is open."""

    kind: Literal["opened"] = "opened"


class Events(Wire):
    """What came about since the last such message, in order."""

    kind: Literal["events"] = "events"
    events: Annotated[tuple[Event, ...], Field(min_length=1)]


class Refused(Wire):
    """The session is over, for this reason."""

    kind: Literal["refused"] = "refused"
    error: ErrorName
    message: str


class Closed(Wire):
    """The client's `close` is done."""

    kind: Literal["closed"] = "closed"


ServerMessage = Annotated[Opened | Events | Refused | Closed, Field(discriminator="kind")]


# ---------------------------------------------------------------- reading

_CLIENT: TypeAdapter[ClientMessage] = TypeAdapter(ClientMessage)
_SERVER: TypeAdapter[ServerMessage] = TypeAdapter(ServerMessage)


def read_client(text: str | bytes) -> ClientMessage:
    """What a client says.

    Raises:
        PlanError: it is no message; names the field at fault.
        ServerError: it opens a session in versions that are not ours.
    """
    document = _document(text)
    if document.get("kind") == "open":
        check_versions(document, found="the client", here="this server")
    return _read(_CLIENT, text, document)


def read_server(text: str | bytes) -> ServerMessage:
    """What a server says.

    Raises:
        PlanError: it is no message; names the field at fault.
    """
    try:
        return _SERVER.validate_json(text)
    except ValidationError:
        return _read(_SERVER, text, _document(text))  # again, for the words


def check_versions(document: dict[str, Any], *, found: str, here: str) -> None:
    """Whether the other end speaks our versions; to be asked before anything else is read.

    Raises:
        ServerError: it does not.
    """
    for name, ours in (("wire_version", WIRE_VERSION), ("plan_version", PLAN_VERSION)):
        theirs = document.get(name)
        if theirs != ours:
            raise ServerError(
                f"{name}: {found} speaks {shown(theirs)}, {here} {ours}. Install the same "
                "release of hogdsl at both ends."
            )


def _read(adapter: TypeAdapter[T], text: str | bytes, document: dict[str, Any]) -> T:
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        raise PlanError(first_fault(error, document, whole="the message")) from error


def _document(text: str | bytes) -> dict[str, Any]:
    try:
        document = cast(object, json.loads(text))
    except ValueError as error:
        raise PlanError(f"a message is a JSON object, and this is no JSON: {error}.") from error
    if not isinstance(document, dict):
        raise PlanError(f"a message is a JSON object, and here is {shown(document)}.")
    return cast(dict[str, Any], document)
