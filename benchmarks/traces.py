"""What recording costs: `python -m benchmarks.traces --rounds 20`.

Two workers solve a list of sums on piglet, in turns without and with a trace. Times are seconds of
this thread on a processor, so other work on the machine does not count. Printed:

    step_us       microseconds per step without a trace, median of the rounds
    journal_us    microseconds per step in the recorder alone, median
    cost          journal_us / step_us
    recorded_us   microseconds per step with a trace, median
    bytes         of the trace, per step
"""

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from hogdsl.plan import Region
from programs.solve_together import solve_together
from runtime.loop import Loop
from runtime.runner import EngineMachine
from runtime.scheduler.run import Run
from runtime.scheduler.turn import Turn
from runtime.scheduler.work import Result
from runtime.traces.recorder import Recorder

PROBLEM = "a:17+25 b:38+41 c:9+66 d:52+13 e:80+7 f:6+31"


class TimedRecorder(Recorder):
    """A recorder that knows how long it took.

    Attributes:
        seconds: in all steps.
    """

    seconds = 0.0

    def stepped(self, turn: Turn, results: Sequence[Result], now_s: float) -> None:
        begin_s = time.thread_time()
        super().stepped(turn, results, now_s)
        self.seconds += time.thread_time() - begin_s


def play(machine: EngineMachine, regions: Sequence[Region], journal: Recorder | None) -> float:
    """Run regions; seconds of this thread per step."""
    loop = Loop(machine, time.monotonic)
    run = Run(machine, lambda event: None, seed=1)
    if journal is not None:
        run.journal = journal
    loop.add(run)
    begin_s = time.thread_time()
    for region in regions:
        run.start(region, loop.now_s())
        while loop.advance():
            pass
    seconds = (time.thread_time() - begin_s) / run.usage.steps
    loop.remove(run)
    return seconds


def main(rounds: Annotated[int, typer.Option(min=1)] = 20) -> None:
    """Measure and print."""
    machine = EngineMachine.load("piglet", device="cpu")
    machine.prepare_thread()
    regions = solve_together.compile(PROBLEM).regions
    plain: list[float] = []
    recorded: list[float] = []
    journal: list[float] = []
    n_bytes = 0
    with TemporaryDirectory() as folder:
        for n in range(rounds):
            path = Path(folder) / str(n)
            recorder = TimedRecorder(path, None, raise_)
            plain.append(play(machine, regions, None))
            recorded.append(play(machine, regions, recorder))
            n_steps = path.read_bytes().count(b'"kind":"step"')
            journal.append(recorder.seconds / n_steps)
            n_bytes = path.stat().st_size // n_steps
            recorder.leave()
    print(f"step_us      {1e6 * median(plain):.0f}")
    print(f"recorded_us  {1e6 * median(recorded):.0f}")
    print(f"journal_us   {1e6 * median(journal):.1f}")
    print(f"cost         {median(journal) / median(plain):.2%}")
    print(f"bytes        {n_bytes}")


def raise_(error: Exception) -> None:
    raise error


if __name__ == "__main__":
    typer.run(main)
