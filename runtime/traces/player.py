"""Plays a trace: the same run on the same model, line by line.

The machine really runs every row, so that its cache is that of the run; what it chooses is compared
with the trace, and then the trace counts. So a run that is played is in the very state of the
recorded one after every line, down to its events.
"""

from collections.abc import Sequence
from math import isclose

from hogdsl import errors
from hogdsl.errors import TraceError
from hogdsl.events import Failed
from runtime.scheduler.run import Run
from runtime.scheduler.scheduler import Scheduler, Step
from runtime.scheduler.work import Chosen, Job, Machine, Result, Text
from runtime.traces.lines import (
    FailedLine,
    FinishedLine,
    LateLine,
    Line,
    Measured,
    RegionLine,
    RestoredLine,
    StepLine,
    SuspendedLine,
    Told,
    ToldLine,
    token_of,
)
from runtime.traces.reading import Trace
from runtime.traces.recorder import results_of

TOLERANCE = 1e-4
"""By so much a log-probability may differ from the recorded one: sums of floats depend on what
else was in a step."""


class Player:
    """Plays the lines of a trace on a run that nobody else steps.

    Attributes:
        now_s: the run's time at the line that was played last.
        n_steps, n_tokens: how many were played, and were the same.
    """

    def __init__(self, trace: Trace, run: Run, machine: Machine) -> None:
        self.now_s = 0.0
        self.n_steps = self.n_tokens = 0
        self._trace, self._run, self._machine = trace, run, machine
        self._scheduler = Scheduler(machine.cache)
        self._scheduler.add(run)
        self._n_played = 0

    @property
    def next_line(self) -> Line | None:
        """What is played next; None after the last line."""
        lines = self._trace.lines
        return lines[self._n_played] if self._n_played < len(lines) else None

    @property
    def where(self) -> str:
        """The place of the next line in the file."""
        return self._trace.where(self._n_played)

    def advance(self) -> None:
        """Play the next line.

        Raises:
            TraceError: what happens is not what the trace says; with both.
            HogError: the machine has no room for it, or failed otherwise.
        """
        line = self.next_line
        assert line is not None
        match line:
            case RegionLine(region=region, at_s=now_s):
                self._run.start(region, now_s)
            case ToldLine(command=command, at_s=now_s):
                self._run.tell(command, now_s)
            case LateLine(at_s=now_s):
                self._run.keep_time(now_s)
            case StepLine(at_s=now_s):
                self._step(line)
            case SuspendedLine():
                self._run.suspend()
            case RestoredLine():
                self._run.restore()
            case FailedLine():
                self._fail(line)
            case FinishedLine():
                pass
        self.now_s = getattr(line, "at_s", self.now_s)
        self._n_played += 1

    # ---------------------------------------------------------------- a step

    def _step(self, line: StepLine) -> None:
        step = self._next_step()
        while step.turns[0].is_prefill:
            self._scheduler.apply(step, self._machine.run(step.rows), line.at_s)
            step = self._next_step()
        self._compare(line, step, self._machine.run(step.rows))
        try:
            self._scheduler.apply(step, _results(line, step.jobs), line.at_s)
        except Exception as error:  # as `runtime.loop` does
            self._run.fail(error)
        self.n_steps += 1
        self.n_tokens += sum(token_of(result) is not None for _, result in line.results)

    def _next_step(self) -> Step:
        step = self._scheduler.next_step(self.now_s)
        if step is None:
            why = self._run if self._run.failure is None else self._run.failure.message
            raise self._differs("made a step", f"cannot make one ({why})")
        return step

    def _compare(self, line: StepLine, step: Step, results: Sequence[Result]) -> None:
        own = results_of(step.jobs, results)
        streams, wanted = ([stream for stream, _ in found] for found in (line.results, own))
        if streams != wanted:
            raise self._differs(f"has results for {streams}", f"has some for {wanted}")
        for (stream, told), (_, found) in zip(line.results, own, strict=True):
            if not _same(told, found):
                text = self._machine.text
                raise self._differs(
                    f"{_shown(told, text)} in the stream {stream!r}", _shown(found, text)
                )

    def _fail(self, line: FailedLine) -> None:
        """The run fails as it did, unless it has already, by itself."""
        if self._run.failure is None:
            self._run.fail(error_of(line))
        failure = self._run.failure
        assert failure is not None
        if (failure.error, failure.message) != (line.error, line.message):
            raise self._differs(
                f"failed with {line.error}: {line.message}",
                f"fails with {failure.error}: {failure.message}",
            )

    def _differs(self, told: str, found: str) -> TraceError:
        return TraceError(
            f"{self.where}: step {self.n_steps + 1} is another one: the recorded run {told}, and "
            f"this one {found}. Up to here {self.n_tokens} tokens were the same. Play it on the "
            "model, the device and the dtype that it was recorded on."
        )


_ERRORS: dict[str, type[errors.HogError]] = {
    "PlanError": errors.PlanError,
    "CapacityError": errors.CapacityError,
    "RunCancelled": errors.RunCancelled,
    "InternalError": errors.InternalError,
}


def error_of(failed: FailedLine | Failed) -> errors.HogError:
    """The error with which a run has failed."""
    return _ERRORS[failed.error](failed.message)


def _results(line: StepLine, jobs: Sequence[Job]) -> list[Result]:
    """The recorded results, in the places of the jobs that want them."""
    told = iter(line.results)
    results: list[Result] = []
    for job in jobs:
        if job.work.want is None:
            results.append(None)
            continue
        _, result = next(told)
        results.append(_result(result))
    return results


def _result(told: Told) -> Result:
    match told:
        case int():
            return Chosen(told)
        case Measured():
            return Chosen(told.token, told.logprob, told.top)
        case _:
            return [list(row) for row in told]


def _same(told: Told, found: Told) -> bool:
    if not (isinstance(told, tuple) and isinstance(found, tuple)):
        return token_of(told) == token_of(found)
    if [len(row) for row in told] != [len(row) for row in found]:
        return False
    pairs = zip(sum(told, ()), sum(found, ()), strict=True)
    return all(isclose(a, b, rel_tol=0.0, abs_tol=TOLERANCE) for a, b in pairs)


def _shown(result: Told, text: Text) -> str:
    if not isinstance(result, tuple):
        token, detokenizer = token_of(result), text.detokenizer()
        assert token is not None
        spelled = detokenizer.push(token) + detokenizer.flush()
        return f"chose {spelled!r} (token {token})"
    rows = ["[" + " ".join(f"{logprob:.5f}" for logprob in row) + "]" for row in result]
    return f"measured the log-probabilities {' '.join(rows)}"
