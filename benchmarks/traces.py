"""What recording costs: `python -m benchmarks.traces --rounds 20`.

Two workers solve a list of sums on piglet, in turns without and with a trace. Times are seconds of
this thread on a processor, so other work on the machine does not count. Printed:

    step_us       microseconds of a step without a trace: median and mean of all steps
    recorded_us   of a step with a trace
    journal_us    of a step in the recorder alone
    cost          journal_us / step_us
    bytes         of the trace, per step
"""

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, median
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
        seconds: in every step.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, None, raise_)
        self.seconds: list[float] = []

    def stepped(self, turn: Turn, results: Sequence[Result], now_s: float) -> None:
        begin_s = time.thread_time()
        super().stepped(turn, results, now_s)
        self.seconds.append(time.thread_time() - begin_s)


def play(
    machine: EngineMachine, regions: Sequence[Region], journal: Recorder | None
) -> list[float]:
    """Run regions; seconds of this thread in every step."""
    loop = Loop(machine, time.monotonic)
    run = Run(machine, lambda event: None, seed=1)
    if journal is not None:
        run.journal = journal
    loop.add(run)
    seconds: list[float] = []
    for region in regions:
        run.start(region, loop.now_s())
        begin_s = time.thread_time()
        while loop.advance():
            seconds.append(time.thread_time() - begin_s)
            begin_s = time.thread_time()
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
            recorder = TimedRecorder(path)
            plain += play(machine, regions, None)
            recorded += play(machine, regions, recorder)
            journal += recorder.seconds
            n_bytes = path.stat().st_size // len(recorder.seconds)
            recorder.leave()
    for name, seconds in (("step", plain), ("recorded", recorded), ("journal", journal)):
        print(f"{name}_us".ljust(13) + f"{1e6 * median(seconds):8.1f} {1e6 * fmean(seconds):8.1f}")
    medians, means = median(journal) / median(plain), fmean(journal) / fmean(plain)
    print(f"{'cost':13}{medians:8.2%} {means:8.2%}")
    print(f"{'bytes':13}{n_bytes:8}")


def raise_(error: Exception) -> None:
    raise error


if __name__ == "__main__":
    typer.run(main)
