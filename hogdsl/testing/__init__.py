"""A runtime that plays a script, for tests of programs.

    from hogdsl.testing import script

    @hog.program
    def greet(s: hog.Scope) -> str:
        s += "My name is " + hog.gen("name", stop=".")
        return s["name"]

    assert greet.on(script({"main": "Ada. How do you do?"}))() == "Ada"

Every stream is given the texts of its `gen` and `select` in order. They come in lock step, a word
per stream and step, through the very scheduler that serves real models: its events, budgets, stops,
steps, rules and commands are the real ones. What there is not: a model, so views have no effect on
what is written; and a clock, so seconds pass with the steps (`seconds_per_step`), or while all
streams wait for something from outside. A token is a word with the space after it, and chat turns
have no text of their own.

The same script gives the same events in every run: a step is made only when the program has taken
the events before it, and callbacks and tools take no steps.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Protocol, cast

from hogdsl.commands import Command
from hogdsl.events import Event, Stats, Usage
from hogdsl.plan import Region

__all__ = ["ScriptRuntime", "ScriptSession", "script"]


class ScriptSession(Protocol):
    """One run of a script: a `hogdsl.ports.Session` that remembers what it was told."""

    tenant: str
    """Whose run it is."""
    regions: list[Region]
    """What was run, in order."""
    commands: list[Command]
    """What was told to them, in order."""
    cancelled: bool
    """`cancel` was called."""
    closed: bool
    """`close` was called."""

    @property
    def usage(self) -> Usage:
        """What the run has used so far."""
        ...

    @property
    def n_blocks(self) -> int:
        """Blocks that the run holds; none after its end."""
        ...

    def run(
        self, region: Region, commands: Sequence[Command] = (), *, live: bool = True
    ) -> Iterator[Event]: ...
    def send(self, command: Command) -> None: ...
    def cancel(self) -> None: ...
    def close(self) -> None: ...


class ScriptRuntime(Protocol):
    """A `hogdsl.ports.Runtime` that plays the same script for every run."""

    @property
    def sessions(self) -> Sequence[ScriptSession]:
        """All that were opened, for tests that look at what programs leave behind."""
        ...

    def open(
        self,
        *,
        seed: int = 0,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
        tenant: str = "",
    ) -> ScriptSession: ...
    def stats(self) -> Stats: ...
    def close(self) -> None: ...


def script(
    texts: Mapping[str, str | Sequence[str]],
    *,
    answers: Mapping[str, str | Sequence[str]] | None = None,
    seconds_per_step: float = 0.0,
) -> ScriptRuntime:
    """A runtime that plays a script.

    Args:
        texts: by stream, what the model writes in each `gen` and `select`, in order; one text
            counts as a list of one. What follows a stop is left out. Texts of a constrained `gen`
            must fit it.
        answers: by asked stream, the answers to its asks in order, the last one from then on.
            Without it every ask gets its first answer.
        seconds_per_step: how long a step takes, for bounds in seconds.
    """
    scripted = import_module("runtime.scripted")
    runtime = scripted.script(texts, answers=answers, seconds_per_step=seconds_per_step)
    return cast(ScriptRuntime, runtime)
