"""The routes."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI, Response, WebSocket
from pydantic import BaseModel

from hogdsl.errors import HogError
from hogdsl.events import Stats
from hogdsl.ports import Runtime
from hogdsl.wire import HEALTH_PATH, MODEL_PATH, SESSION_PATH, STATS_PATH, ServerInfo
from runtime.server.door import Door, Limits


class Health(BaseModel):
    """Whether a run can begin."""

    ok: bool
    message: str


def create_app(runtime: Runtime, limits: Limits | None = None) -> FastAPI:
    """An ASGI app that serves a runtime.

    Args:
        runtime: where programs run; it is not closed with the app.
        limits: what clients may take.
    """
    door = Door(runtime, limits or Limits())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        yield
        await door.close()

    app = FastAPI(title="hogdsl", version=package_version(), lifespan=lifespan)
    app.state.door = door

    @app.get(HEALTH_PATH)
    def health(response: Response) -> Health:
        """Begins an empty run and ends it, so it is true only if runs can."""
        try:
            runtime.open().close()
        except HogError as error:
            response.status_code = 503
            return Health(ok=False, message=str(error))
        return Health(ok=True, message="runs can begin")

    @app.get(MODEL_PATH)
    def model() -> ServerInfo:
        stats = runtime.stats()
        return ServerInfo(
            package_version=package_version(),
            model=stats.model,
            device=stats.device,
            # a script has none, and so the protocol does not ask for it
            context_length=getattr(runtime, "context_length", None),
            max_message_bytes=door.limits.max_message_bytes,
        )

    @app.get(STATS_PATH)
    def stats() -> Stats:
        return runtime.stats()

    @app.websocket(SESSION_PATH)
    async def session(websocket: WebSocket) -> None:
        await door.receive(websocket)

    return app


def package_version() -> str:
    """Of what is installed; of a source folder that is not, nothing is known."""
    try:
        return version("hogdsl")
    except PackageNotFoundError:
        return "unknown"
