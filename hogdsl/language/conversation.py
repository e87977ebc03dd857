"""A scope outside of a function: chat loops, notebooks."""

from contextlib import ExitStack
from types import TracebackType
from typing import final

from hogdsl.language.runner import Run, Runner, Settings, checked_settings
from hogdsl.language.scope import Scope
from hogdsl.language.source import here
from hogdsl.language.trace import Trace
from hogdsl.ports import Runtime


@final
class Conversation:
    """A run whose program is the `with` block; see `conversation`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._trace: Trace | None = None
        self._left = ExitStack()
        self._run: Run[None] | None = None

    @property
    def run(self) -> Run[None]:
        """Usage, values, texts and events, after the `with` block.

        Raises:
            ProgramError: the block has not ended, or it raised.
        """
        if self._run is None:
            raise here().error(
                "the results of a conversation are read too early. Read them after the end of its "
                "`with` block.",
                code="too-early",
            )
        return self._run

    def __enter__(self) -> Scope:
        if self._trace is not None:
            raise here().error(
                "a conversation is opened once. Make a new one for the next `with`.",
                code="opened-twice",
            )
        self._runner = Runner(self._settings)
        self._trace = Trace(self._runner, context_length=self._settings.context_length)
        self._left.enter_context(self._runner.running())
        return Scope(self._trace)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._trace is not None
        with self._left:
            if kind is None:
                self._trace.finish()
                self._run = self._runner.result(None)


def conversation(
    runtime: Runtime | None = None,
    *,
    seed: int = 0,
    max_tokens: int | None = None,
    max_seconds: float | None = None,
    tenant: str = "",
    context_length: int | None = None,
) -> Conversation:
    """A scope outside of a function, in which turn after turn is written over one cache.

        with hog.conversation() as s:
            while question := input("> "):
                s += hog.user(question) + hog.assistant(hog.gen("answer"))
                print(s["answer"])

    At the end of the block all is free. Arguments and errors are those of `Program.on`.
    """
    settings = Settings(
        runtime=runtime,
        seed=seed,
        max_tokens=max_tokens,
        max_seconds=max_seconds,
        tenant=tenant,
        context_length=context_length,
    )
    return Conversation(checked_settings(settings, here()))
