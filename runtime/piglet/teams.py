"""Workers who share out a list of sums, as each sees it at the start of one of its lines.

Who takes which item is a rule that all workers can follow without talking: a worker at the start
of a line takes the first item that nobody has taken; if workers before it in order of names start
a line at the same moment, it leaves one item to each of them; if no item is left, it ends.

In the layout `interleaved` nobody sees what the others have begun. There a worker leaves an item to
each worker before it in order of names, as long as there are enough that nobody has finished; the
last ones are done by several.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from runtime.piglet.lists import draw_size
from runtime.piglet.problems import LABELS, NAMES, SumList
from runtime.piglet.segments import ASSISTANT, DECISION, END, LEARN, SKIP, Segments, user


@dataclass(slots=True)
class Worker:
    """A worker of the lock-step simulation: the line that it writes now."""

    name: str
    item: int | None = None
    line: str = ""
    written: int = 0
    ended: bool = False
    finished: list[int] = field(default_factory=list[int])

    @property
    def starts_a_line(self) -> bool:
        return self.item is None and not self.ended

    @property
    def unfinished(self) -> str:
        return self.line[: self.written]


@dataclass(slots=True)
class Team:
    """Workers in lock step over one list of sums, each seeing what all wrote in the same step."""

    problem: SumList
    workers: list[Worker]
    sees_unfinished: bool = True
    history: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    n_taken: int = 0

    def choices(self) -> dict[int, int | None]:
        """What each worker that starts a line now takes: the item's index, or None at the end."""
        starters = [i for i, worker in enumerate(self.workers) if worker.starts_a_line]
        if not self.sees_unfinished:
            return {worker: self._of_unfinished(worker) for worker in starters}
        items = range(self.n_taken, self.n_taken + len(starters))
        n_items = len(self.problem.pairs)
        return {w: i if i < n_items else None for w, i in zip(starters, items, strict=True)}

    def _of_unfinished(self, worker: int) -> int | None:
        done = {item for _, item in self.history}
        left = [item for item in range(len(self.problem.pairs)) if item not in done]
        return left[min(worker, len(left) - 1)] if left else None

    def advance(self, rng: random.Random, stall: float) -> None:
        """One step: starters write the label they chose, the others one more character."""
        for index, item in self.choices().items():
            worker = self.workers[index]
            if item is None:
                worker.ended = True
            else:
                worker.item, worker.line, worker.written = item, self.problem.line(item), 0
                self.n_taken += 1
        for worker in self.workers:
            if worker.item is None or (worker.written and rng.random() < stall):
                continue
            worker.written += 1
            if worker.line[worker.written - 1] == "\n":
                self.history.append((worker.name, worker.item))
                worker.finished.append(worker.item)
                worker.item, worker.line, worker.written = None, "", 0


def header(name: str) -> str:
    return f"{name}: "


def combined(rng: random.Random) -> Segments:
    """The view at the start of a line where finished lines go to a history that all share."""
    return _moment(rng, _combined_view)


def interleaved(rng: random.Random) -> Segments:
    """The view at the start of a line where only the finished lines of all are seen."""
    return _moment(rng, _interleaved_view, sees_unfinished=False)


def contiguous(rng: random.Random) -> Segments:
    """The view at the start of a line where each worker's lines stay together, its own last."""
    return _moment(rng, _contiguous_view)


def _moment(
    rng: random.Random,
    view: Callable[[Team, int, random.Random], Segments],
    *,
    sees_unfinished: bool = True,
) -> Segments:
    """A worker's view at the start of one of its lines, drawn from a whole run, and that line."""
    problem = SumList.draw(rng, draw_size(rng))
    n_workers = rng.choices((2, 3, 4), weights=(5, 4, 2))[0]
    workers = [Worker(name) for name in NAMES[:n_workers]]
    team = Team(problem, workers, sees_unfinished=sees_unfinished)
    stall = rng.choice((0.0, 0.0, 0.1, 0.3))
    moments: list[Segments] = []
    n_ends = 0
    while n_ends < 2 and not all(worker.ended for worker in team.workers):
        for index, item in team.choices().items():
            n_ends += item is None
            moments.append(view(team, index, rng) + _decision(problem, item))
        team.advance(rng, stall)
    return rng.choice(moments)


def _interleaved_view(team: Team, index: int, rng: random.Random) -> Segments:
    return [*_finished(team), (header(team.workers[index].name), SKIP)]


def _finished(team: Team) -> Segments:
    segments: Segments = [(user(team.problem.prompt) + ASSISTANT, SKIP)]
    for name, done in team.history:
        segments += _given_label(header(name), team.problem.line(done))
    return segments


def _combined_view(team: Team, index: int, rng: random.Random) -> Segments:
    segments = _finished(team)
    *others, me = _in_view(team, index, rng)
    for worker in others:
        segments += _given_label(header(worker.name), worker.unfinished)
    return [*segments, (header(me.name), SKIP)]


def _contiguous_view(team: Team, index: int, rng: random.Random) -> Segments:
    segments: Segments = [(user(team.problem.prompt) + ASSISTANT, SKIP)]
    for worker in _in_view(team, index, rng):
        segments.append((header(worker.name), SKIP))
        for done in worker.finished:
            segments += _given_label("", team.problem.line(done))
        segments += _given_label("", worker.unfinished)
    return segments


def _in_view(team: Team, index: int, rng: random.Random) -> list[Worker]:
    """The other workers, in order or in any order, and the one itself last."""
    others = [worker for other, worker in enumerate(team.workers) if other != index]
    if rng.random() < 0.5:
        rng.shuffle(others)
    return [*others, team.workers[index]]


def _decision(problem: SumList, item: int | None) -> Segments:
    if item is None:
        return [(END, DECISION)]
    return [(LABELS[item], DECISION), (problem.line(item)[1:], LEARN)]


def _given_label(before: str, line: str) -> Segments:
    """A line of somebody else: which item it takes is not learned, the rest is."""
    return [(before + line[:1], SKIP), (line[1:], LEARN)]
