"""Programs here, their runs on a server (`hogdsl serve`).

    __init__.py  `connect`, without the network library, so that `import hogdsl` stays quick
    address.py   where a server is, and what it answers to a plain request
    runtime.py   the server as a `hogdsl.ports.Runtime`
    session.py   one WebSocket as a `hogdsl.ports.Session`

What the two ends say to each other is in `hogdsl.wire`.
"""

from hogdsl.ports import Runtime

__all__ = ["connect"]

DEFAULT_URL = "http://127.0.0.1:8642"


def connect(url: str = DEFAULT_URL, *, connect_seconds: float = 10.0, tenant: str = "") -> Runtime:
    """A runtime on a server: `program.on(hog.connect(url))` runs there.

    The program's function, its callbacks, tools and channels stay here; its regions run there. Each
    run has a connection of its own. When that breaks, the run is over, and raises `ServerError`.

    Args:
        url: of the server, as `hogdsl serve` prints it; `https` where something before the server
            speaks TLS.
        connect_seconds: so long the server may take to answer.
        tenant: whose runs they are, unless a run says so itself (`Program.on`).

    Raises:
        ServerError: nobody answers there, it is no hogdsl server, or one of another version.
    """
    from hogdsl.remote.runtime import RemoteRuntime

    return RemoteRuntime(url, connect_seconds=connect_seconds, tenant=tenant)
