"""A server as a runtime."""

from threading import Lock
from typing import final
from weakref import WeakSet

from pydantic import ValidationError

from hogdsl.errors import RunCancelled
from hogdsl.events import Stats
from hogdsl.remote.address import Address
from hogdsl.remote.session import RemoteSession
from hogdsl.wire import MODEL_PATH, STATS_PATH, Open, ServerInfo, check_versions


@final
class RemoteRuntime:
    """A `hogdsl.ports.Runtime` on a server; see `hogdsl.connect`. For any thread.

    Attributes:
        info: what the server has said of itself.
    """

    def __init__(self, url: str, *, connect_seconds: float, tenant: str) -> None:
        self._address = Address.parse(url, seconds=connect_seconds)
        self.info = _ask_for_info(self._address)
        self._tenant = tenant
        self._sessions: WeakSet[RemoteSession] = WeakSet()
        self._lock = Lock()
        self._closed = False

    def __repr__(self) -> str:
        return f"<RemoteRuntime {self.info.model} at {self._address.url}>"

    @property
    def context_length(self) -> int | None:
        """How many tokens a view of the model may hold; None if the server knows no bound."""
        return self.info.context_length

    def open(
        self,
        *,
        seed: int = 0,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
        tenant: str = "",
    ) -> RemoteSession:
        """Begin a run; see `hogdsl.ports.Runtime.open`. Without a tenant it is that of `connect`.

        Raises:
            ServerError: the server does not answer.
            CapacityError: it has no room for a further session.
            RunCancelled: the runtime is closed, or the server is being stopped.
        """
        if self._closed:
            raise RunCancelled("the runtime is closed. Open another one to run programs.")
        hello = Open(
            seed=seed,
            max_tokens=max_tokens,
            max_seconds=max_seconds,
            tenant=tenant or self._tenant,
        )
        session = RemoteSession(self._address, hello, self.info.max_message_bytes)
        with self._lock:
            self._sessions.add(session)
        if self._closed:  # meanwhile
            session.close()
        return session

    def stats(self) -> Stats:
        """What the server is doing now, for all its clients; one request.

        Raises:
            ServerError: the server does not answer.
        """
        document = self._address.get(STATS_PATH)
        try:
            return Stats.model_validate(document)
        except ValidationError as error:
            raise self._address.no_server(f"its {STATS_PATH} are none of ours") from error

    def close(self) -> None:
        """End the runs that were begun here; the server goes on. Safe to call twice."""
        self._closed = True
        with self._lock:
            sessions = list(self._sessions)
        for session in sessions:
            session.close()


def _ask_for_info(address: Address) -> ServerInfo:
    document = address.get(MODEL_PATH)
    if document.get("server") != "hogdsl":
        raise address.no_server(f"{address.url}{MODEL_PATH} is none of ours")
    check_versions(document, found=f"the server at {address.url}", here="this client")
    try:
        return ServerInfo.model_validate(document)
    except ValidationError as error:
        raise address.no_server(f"its {MODEL_PATH} is none of ours") from error
