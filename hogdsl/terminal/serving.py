"""`hogdsl serve`: a model for clients elsewhere."""

from importlib import import_module

from rich.console import Console
from rich.text import Text

from hogdsl.ports import Runtime
from hogdsl.terminal.running import needing_runtime


def serve(
    runtime: Runtime,
    console: Console,
    *,
    host: str,
    port: int,
    max_sessions: int,
    max_message_bytes: int,
) -> None:
    """Serve a runtime until Ctrl-C; one line on `console` says where, as soon as it can be used.

    Raises:
        MissingPackageError: a package of the extra `runtime` is not installed.
        ServerError: the address cannot be listened on.
    """
    with needing_runtime("serving"):
        server = import_module("runtime.server")
    model = runtime.stats().model

    def ready(url: str) -> None:
        console.print(Text(f"serving {model} on {url}"), soft_wrap=True)

    limits = server.Limits(max_sessions=max_sessions, max_message_bytes=max_message_bytes)
    server.serve(runtime, host=host, port=port, limits=limits, ready=ready)
