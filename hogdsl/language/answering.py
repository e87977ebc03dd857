"""Callbacks at work: every watch of a region is answered in a thread of its own.

    the run's thread             a watch's thread
    notice(event) ── queue ──▶   call the function, write what it returns, release what was held
    wait()  ◀───────────────────  all answered, or one has raised

So the run's thread only ever reads events: a cancelled run ends although a function does not
return. A function is called for one notice at a time, in order. A thread begins with the first
notice and ends with the region.
"""

import time
from collections.abc import Callable, Mapping
from contextvars import copy_context
from queue import SimpleQueue
from threading import Condition, Thread, current_thread
from typing import cast, final

from hogdsl.commands import Command, Release, Write
from hogdsl.errors import InternalError, RunCancelled
from hogdsl.events import Noticed
from hogdsl.language.bindings import Callback
from hogdsl.language.cancelling import CancelScope
from hogdsl.language.live import Live, Texts
from hogdsl.language.match import Match

THREAD_NAME = "hogdsl-callback"
GRACE_S = 1.0
"""A run that is cancelled or has failed waits so long for functions that are being called, so that
what they began can end, too; then it leaves them to themselves."""


@final
class Answering:
    """Answers the notices of one region. All but `give_up` is for the run's thread."""

    def __init__(
        self,
        callbacks: Mapping[str, Callback],
        texts: Texts,
        send: Callable[[Command], None],
        fail: Callable[[BaseException], None],
    ) -> None:
        self._callbacks, self._texts = callbacks, texts
        self._send_on, self._fail = send, fail
        self._queues: dict[str, SimpleQueue[Noticed | None]] = {}
        self._threads: list[Thread] = []
        self._changed = Condition()
        self._n_open = 0
        """Notices that are not answered."""
        self._given_up = False

    def notice(self, event: Noticed) -> None:
        """Have a notice answered.

        Raises:
            InternalError: the program has no such watch.
        """
        callback = self._callbacks.get(event.watch)
        if callback is None:
            raise InternalError(
                f"the runtime noticed {event.watch!r}, which nobody watches. Please report it."
            )
        with self._changed:
            self._n_open += 1
        if event.watch not in self._queues:
            self._queues[event.watch] = self._begin(callback)
        self._queues[event.watch].put(event)

    def wait(self, scope: CancelScope) -> None:
        """Wait until all notices are answered, or the run was given up.

        Raises:
            RunCancelled: the scope was cancelled, or has no time left.
        """
        with scope.watched(self._wake), self._changed:
            self._changed.wait_for(
                lambda: self._n_open == 0 or self._given_up or scope.cancelled, scope.left_s()
            )
            if self._n_open and not self._given_up:
                scope.check()

    def end(self) -> None:
        """End all threads: at once if all is answered, after `GRACE_S` at the latest."""
        self.give_up()
        for queue in self._queues.values():
            queue.put(None)
        until_s = time.monotonic() + GRACE_S
        for thread in self._threads:
            if thread is not current_thread() and thread.is_alive():
                thread.join(max(0.0, until_s - time.monotonic()))

    def give_up(self) -> None:
        """Answer no further notice; what a function still sends is refused. From any thread."""
        with self._changed:
            self._given_up = self._n_open > 0
            self._changed.notify_all()

    def _begin(self, callback: Callback) -> SimpleQueue[Noticed | None]:
        queue: SimpleQueue[Noticed | None] = SimpleQueue()
        run = copy_context().run
        thread = Thread(
            target=run, args=(self._serve, callback, queue), name=THREAD_NAME, daemon=True
        )
        self._threads.append(thread)
        thread.start()
        return queue

    # ---------------------------------------------------------------- a watch's thread

    def _serve(self, callback: Callback, queue: SimpleQueue[Noticed | None]) -> None:
        while (event := queue.get()) is not None and not self._given_up:
            try:
                self._answer(callback, event)
            except BaseException as error:  # whatever it is, it ends the run
                error.add_note(f"in the callback declared at {callback.place}")
                self._fail(error)
                return
            with self._changed:
                self._n_open -= 1
                self._changed.notify_all()

    def _answer(self, callback: Callback, event: Noticed) -> None:
        live = Live(event.step, self._texts, self._send)
        match = None if callback.regex is None else Match(callback.regex, event)
        text = cast(object, callback.function(live, match))
        if isinstance(text, str) and text and event.stream is not None:
            self._send(Write(stream=event.stream, text=text))
        elif text is not None and (not isinstance(text, str) or event.stream is None):
            raise callback.place.error(
                "a callback returns the text that is written into its stream, or None, not "
                f"{text!r}.",
                code="callback-result",
            )
        self._send(Release(watch=event.watch, n=event.n))

    def _send(self, command: Command) -> None:
        if self._given_up:
            raise RunCancelled("the run is over, and nothing more can be told to it.")
        self._send_on(command)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
