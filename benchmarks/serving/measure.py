"""Runs jobs on a runtime, and what was measured."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from statistics import quantiles

import hogdsl as hog
from benchmarks.serving.load import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One job.

    Attributes:
        first_word_s: from its arrival to the first token of the reply.
        first_word_steps: the same in steps of the engine.
    """

    kind: str
    usage: hog.Usage
    first_word_s: float | None = None
    first_word_steps: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All jobs of an experiment.

    Attributes:
        seconds: from the first arrival to the last end.
        processor_seconds: of the process meanwhile, all its threads together.
        n_steps: passes of the engine.
    """

    played: tuple[Played, ...]
    seconds: float
    processor_seconds: float
    n_steps: int

    def total(self, field: str) -> int:
        """The sum of a field of `Usage` over all jobs."""
        return sum(getattr(each.usage, field) for each in self.played)

    def figures(self) -> dict[str, float]:
        """For people and for JSON."""
        n_tokens = self.total("tokens_generated")
        return {
            "seconds": self.seconds,
            "processor_seconds": self.processor_seconds,
            "steps": self.n_steps,
            "ms_per_step": 1e3 * self.seconds / self.n_steps,
            "tokens": n_tokens,
            "tokens_per_second": n_tokens / self.seconds,
            "tokens_encoded": self.total("tokens_encoded"),
            "tokens_cached": self.total("tokens_cached"),
            "suspensions": self.total("suspensions"),
            "first_word_s_p50": _percentile(self._first("first_word_s"), 50),
            "first_word_s_p99": _percentile(self._first("first_word_s"), 99),
            "first_word_steps_p50": _percentile(self._first("first_word_steps"), 50),
            "first_word_steps_p99": _percentile(self._first("first_word_steps"), 99),
        }

    def _first(self, field: str) -> list[float]:
        found = (getattr(each, field) for each in self.played)
        return [value for value in found if value is not None]


def _percentile(values: Sequence[float], n: int) -> float:
    return quantiles(values, n=100, method="inclusive")[n - 1] if len(values) > 1 else values[0]


def play(runtime: hog.Runtime, job: Job) -> Played:
    """Run one job that arrives now; only one that speaks is watched."""
    program = job.program.on(runtime)
    if job.speaks is None:
        return Played(kind=job.kind, usage=program.run(job.text).usage)
    began_s, n_steps = time.perf_counter(), runtime.stats().steps
    first_s: float | None = None
    first_steps: int | None = None
    with program.stream(job.text) as events:
        for event in events:
            speaks = event.kind == "token" and event.stream == job.speaks
            if speaks and first_s is None:
                first_s = time.perf_counter() - began_s
                first_steps = runtime.stats().steps - n_steps
        usage = events.run.usage
    return Played(kind=job.kind, usage=usage, first_word_s=first_s, first_word_steps=first_steps)


def one_after_another(runtime: hog.Runtime, jobs: Iterable[Job]) -> Measured:
    """Each job when the one before it is over."""
    return _measured(runtime, lambda: [play(runtime, job) for job in jobs])


def as_they_arrive(runtime: hog.Runtime, jobs: Sequence[Job], at_s: Iterable[float]) -> Measured:
    """Every job at its time, in seconds from the first moment."""

    def all_of_them() -> list[Played]:
        began_s = time.perf_counter()
        with ThreadPoolExecutor(len(jobs)) as pool:
            playing: list[Future[Played]] = []
            for job, moment_s in zip(jobs, at_s, strict=True):
                time.sleep(max(0.0, began_s + moment_s - time.perf_counter()))
                playing.append(pool.submit(play, runtime, job))
            return [each.result() for each in playing]

    return _measured(runtime, all_of_them)


def _measured(runtime: hog.Runtime, run: Callable[[], list[Played]]) -> Measured:
    began_s, processor_s = time.perf_counter(), time.process_time()
    n_steps = runtime.stats().steps
    played = run()
    return Measured(
        played=tuple(played),
        seconds=time.perf_counter() - began_s,
        processor_seconds=time.process_time() - processor_s,
        n_steps=runtime.stats().steps - n_steps,
    )
