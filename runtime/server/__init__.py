"""Serves a runtime to clients elsewhere: HTTP for questions, a WebSocket for every run.

    serving.py       uvicorn around the app: one line when it is ready, a clean end at Ctrl-C
    app.py           the routes
    door.py          who may come in, and how all are sent home
    conversation.py  one client's session: what it says goes in, events come out
    outbox.py        events on their way to one client, which may be slow
    socket.py        wire messages on a WebSocket

    event loop (one thread)                     a thread of the pool, per running region
    socket ─▶ Conversation ── run ───────────▶  for event in session.run(region):
                           ── command, cancel ─▶ session
    socket ◀── deliver ◀── Outbox ◀───────────      outbox.put(event)

The event loop never waits for a session: what may wait (`run`, `close`) is done by the pool. What
travels is `hogdsl.wire`; the client is `hogdsl.remote`.
"""

from runtime.server.app import create_app
from runtime.server.door import Limits
from runtime.server.serving import serve

__all__ = ["Limits", "create_app", "serve"]
