"""Programs: functions whose first argument is a scope."""

import inspect
from collections.abc import Callable, Iterable
from functools import update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast, final

from hogdsl.compiler.nodes import Place
from hogdsl.language.batch import Batch, Item, arguments, run_batch
from hogdsl.language.driver import ReadsValue, Recorder
from hogdsl.language.run_stream import RunStream
from hogdsl.language.runner import DEFAULTS, Run, Runner, Settings, checked_settings
from hogdsl.language.scope import Scope
from hogdsl.language.source import here
from hogdsl.language.trace import Trace
from hogdsl.plan import Plan
from hogdsl.ports import Runtime

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@final
class Program(Generic[P, R_co]):
    """A program. Calling it runs it and returns what its function returns.

    All methods but `on` take the function's arguments without the scope.
    """

    __wrapped__: Callable[Concatenate[Scope, P], R_co]

    def __init__(
        self,
        function: Callable[Concatenate[Scope, P], R_co],
        settings: Settings = DEFAULTS,
    ) -> None:
        self._function, self._settings = function, settings
        update_wrapper(self, function)

    @property
    def name(self) -> str:
        """Name of the function."""
        return self._function.__name__

    @property
    def signature(self) -> inspect.Signature:
        """The function's signature without the scope: what a call takes."""
        whole = inspect.signature(self._function)
        return whole.replace(parameters=list(whole.parameters.values())[1:])

    def on(
        self,
        runtime: Runtime | None = None,
        *,
        seed: int = 0,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
        tenant: str = "",
        context_length: int | None = None,
    ) -> "Program[P, R_co]":
        """The same program, bound to a runtime and settings.

        Args:
            runtime: where it runs; None for the default.
            seed: of the run; with the same seed, sampling chooses the same tokens.
            max_tokens: bounds every stream that has no smaller budget of its own.
            max_seconds: of the whole run, from its first region on; then it fails with
                `RunCancelled`.
            tenant: whose run it is; what it and the programs that it calls have in the cache is
                found again by runs of the same one only. Empty: that of the program that calls.
            context_length: of the model, in tokens; budgets that do not fit are then found when
                the program is compiled.

        Raises:
            ProgramError: a bound is not above 0.
        """
        settings = checked_settings(
            Settings(
                runtime=runtime,
                seed=seed,
                max_tokens=max_tokens,
                max_seconds=max_seconds,
                tenant=tenant,
                context_length=context_length,
            ),
            here(),
        )
        return Program(self._function, settings)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Run the program and return what its function returns; errors are those of `run`."""
        return self.run(*args, **kwargs).value

    def run(self, *args: P.args, **kwargs: P.kwargs) -> Run[R_co]:
        """Run the program.

        Raises:
            ProgramError: the program breaks a rule of the language.
            CapacityError: the runtime has no room.
            RunCancelled: the run was cancelled.
            HogError: the runtime failed otherwise.
        """
        return self._execute(Runner(self._settings), *args, **kwargs)

    def stream(self, *args: P.args, **kwargs: P.kwargs) -> RunStream[R_co]:
        """The events of a run, while it goes on; errors are those of `run`."""
        return self._started(False, *args, **kwargs)

    async def arun(self, *args: P.args, **kwargs: P.kwargs) -> Run[R_co]:
        """Run the program from asyncio; errors are those of `run`.

        The program runs in a thread of its own. When this task is cancelled, the run is cancelled
        within one step, and all of it is free before the task ends.
        """
        async with self._started(True, *args, **kwargs) as stream:
            async for _ in stream:
                pass
            return stream.run

    def batch(
        self,
        items: Iterable[Item],
        *,
        at_once: int = 16,
        progress: bool | None = None,
    ) -> Batch[R_co]:
        """Run the program for many items, several at a time.

        An item that fails does not end the others. Each gives what `run` gives for it alone.

        Args:
            items: a tuple has the arguments in order, a mapping has them by name.
            at_once: the most runs that go on at the same time.
            progress: whether to show a bar on the standard error stream; None: if that is a
                terminal.

        Raises:
            ProgramError: an item is neither, or `at_once` is less than 1.
            KeyboardInterrupt: Ctrl-C; all runs are cancelled, and all is free.
        """

        def run(item: Item) -> Run[R_co]:
            args, kwargs = arguments(item)
            return self._execute(Runner(self._settings), *args, **kwargs)

        return run_batch(run, items, at_once=at_once, progress=progress)

    def inline(self, s: Scope, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Run the function in the scope of another program, as a part of it.

        Raises:
            ProgramError: `s` is no scope.
        """
        if not isinstance(cast(object, s), Scope):
            raise here().error(
                f"a program is written into the scope of another one, and {s!r} is none. "
                f"Write {self.name}.inline(s, ...) in a program whose scope is `s`.",
                code="no-scope",
            )
        return self._function(s, *args, **kwargs)

    def compile(self, *args: P.args, **kwargs: P.kwargs) -> Plan:
        """The checked plan, without a model, up to the first value that the program reads.

        Raises:
            ProgramError: the program breaks a rule of the language.
        """
        recorder = Recorder()
        trace = Trace(recorder, context_length=self._settings.context_length)
        reads = None
        try:
            self._function(Scope(trace), *args, **kwargs)
            trace.finish()
        except ReadsValue as stop:
            reads = str(stop.place)
        return Plan(program=self.name, regions=tuple(recorder.regions), reads=reads)

    def explain(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """The plan as text: regions, each stream's view in order, what it writes, and the rules.

        Raises:
            ProgramError: the program breaks a rule of the language.
        """
        from hogdsl.compiler.explain import explain  # `import hogdsl` stays quick

        return explain(self.compile(*args, **kwargs))

    def __repr__(self) -> str:
        return f"<Program {self.name}{self.signature}>"

    def _started(self, silent: bool, *args: P.args, **kwargs: P.kwargs) -> RunStream[R_co]:
        """A run in a thread of its own, which begins when it is read."""
        return RunStream(
            lambda runner: self._execute(runner, *args, **kwargs), self._settings, silent=silent
        )

    def _execute(self, runner: Runner, *args: P.args, **kwargs: P.kwargs) -> Run[R_co]:
        trace = Trace(runner, context_length=self._settings.context_length)
        with runner.running():
            value = self._function(Scope(trace), *args, **kwargs)
            trace.finish()
            return runner.result(value)


def program(function: Callable[Concatenate[Scope, P], R]) -> Program[P, R]:
    """Make a program of a function whose first argument is the scope.

    Raises:
        ProgramError: the function has no first argument, or does not run from its beginning to
            its end in one go (a generator or a coroutine).
    """
    fault = _fault(cast(Callable[..., Any], function))
    if fault is not None:
        code = function.__code__
        raise Place(code.co_filename, code.co_firstlineno).error(fault, code="not-a-program")
    return Program(function)


def _fault(function: Callable[..., Any]) -> str | None:
    if not inspect.isfunction(function):
        return f"a program is made of a function, not of {function!r}. Decorate a `def`."
    if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
        return (
            f"the program {function.__name__!r} is a generator or a coroutine, and a program runs "
            "in one go. Make it a plain function."
        )
    if not inspect.signature(function).parameters:
        return (
            f"the program {function.__name__!r} has no argument, and the first one is the scope. "
            "Write `def f(s: hog.Scope, ...)`."
        )
    return None
