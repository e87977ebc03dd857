"""An async iterator as the source of a channel."""

import asyncio
from collections.abc import AsyncIterable
from contextlib import suppress
from contextvars import copy_context
from threading import Thread
from typing import final

from hogdsl.compiler.nodes import Place
from hogdsl.language.inbox import Inbox, Item
from hogdsl.language.sources import THREAD_NAME


@final
class FromAsync:
    """Reads an async iterator: in the event loop in which it was given, or in a thread of its own
    if there was none."""

    def __init__(self, texts: AsyncIterable[str]) -> None:
        self._texts = texts
        self._loop = _running_loop()
        self._context = copy_context()
        self._task: asyncio.Task[None] | None = None

    def start(self, inbox: Inbox, place: Place) -> None:
        if self._loop is None:
            whole = self._feed(inbox)
            Thread(target=asyncio.run, args=(whole,), name=THREAD_NAME, daemon=True).start()
            return
        if self._loop is _running_loop():
            raise place.error(
                "the program waits for an async iterator in the thread of its event loop, which "
                "cannot go on meanwhile. Run the program with `await program.arun(...)`.",
                code="channel-loop",
            )
        try:
            self._loop.call_soon_threadsafe(self._begin, inbox, context=self._context)
        except RuntimeError as error:  # the loop is closed
            inbox.end(fault=error)

    def stop(self) -> None:
        if self._task is not None:
            with suppress(RuntimeError):  # its loop is closed, so it has ended
                self._task.get_loop().call_soon_threadsafe(self._task.cancel)

    def _begin(self, inbox: Inbox) -> None:
        if not inbox.ended:
            self._task = asyncio.get_running_loop().create_task(self._feed(inbox))

    async def _feed(self, inbox: Inbox) -> None:
        self._task = asyncio.current_task()
        try:
            async for text in self._texts:
                if await inbox.aput(_item(text)) == "ended":
                    return
        except asyncio.CancelledError:
            if not inbox.ended:  # it was not `stop`
                inbox.end()
                raise
        except Exception as error:
            inbox.end(fault=error)
        else:
            inbox.end()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that runs in this thread."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _item(text: object) -> Item:
    if not isinstance(text, str):
        raise TypeError(f"a channel takes text, and its source gave {text!r}.")
    return Item(text=text)
