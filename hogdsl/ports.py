"""The door between the language and whatever runs its plans.

The language knows these two protocols and nothing else of a runtime. The embedded runtime is
found by name on first use, so that `import hogdsl` stays light.
"""

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Protocol, cast

from hogdsl.commands import Command
from hogdsl.events import Event, Stats
from hogdsl.plan import Region


class Session(Protocol):
    """One run of one program: regions go in, events come out, blocks stay until `close`."""

    def run(
        self, region: Region, commands: Sequence[Command] = (), *, live: bool = True
    ) -> Iterator[Event]:
        """Run one region to its end; the last event is `Joined` or `Failed`.

        Leaving the iterator before its end cancels the run.

        Args:
            region: what to run.
            commands: are obeyed when the region starts, before its first step.
            live: the events are wanted as they come. If not, they may come late, all by the end of
                the region, and cost less.
        """
        ...

    def send(self, command: Command) -> None:
        """Tell the running region something, from any thread; see `hogdsl.commands`."""
        ...

    def cancel(self) -> None:
        """End the run within one step, from any thread; `run` then ends with `Failed`."""
        ...

    def close(self) -> None:
        """Free all that the run holds. Safe to call twice."""
        ...


class Runtime(Protocol):
    """A place where programs run: a model and its cache."""

    def open(
        self,
        *,
        seed: int = 0,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
        tenant: str = "",
    ) -> Session:
        """Begin a run.

        Args:
            seed: of all that is chosen at random.
            max_tokens: bounds every stream that has no smaller budget of its own.
            max_seconds: from now; a run that is not over by then fails with `RunCancelled`.
            tenant: whose run it is; texts are found again only among the runs of one.
        """
        ...

    def stats(self) -> Stats:
        """What the runtime is doing now."""
        ...

    def close(self) -> None:
        """Stop all runs and free the model. Safe to call twice."""
        ...


def local(
    model: str = "piglet",
    *,
    device: str | None = None,
    dtype: str | None = None,
    weights: str | None = None,
    attention: str | None = None,
) -> Runtime:
    """A runtime in this process.

    Args:
        model: `"piglet"`, the small model that comes with the package, or a folder with a
            Hugging Face checkpoint.
        device: `"cpu"` or `"cuda"`; by default CUDA if there is one.
        dtype: `"float32"`, `"bfloat16"` or `"float16"`; by default float32 on a CPU and the
            checkpoint's own type elsewhere.
        weights: `"float16"` or `"int8"` keeps the large matrices of a float32 model on a CPU in
            fewer bits, which are read in less time; see `docs/measured.md`.
        attention: name of the attention implementation; by default the fastest that runs here.

    Raises:
        ModelError: the folder is no checkpoint that can be run, or not with these settings.
    """
    start = import_module("runtime.embedded").start
    return cast(
        Runtime, start(model, device=device, dtype=dtype, weights=weights, attention=attention)
    )
