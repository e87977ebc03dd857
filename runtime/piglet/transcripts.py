"""Left-to-right training text for piglet, as segments with a loss weight each.

A transcript is what one stream sees at one moment, written down as ordinary text. The weight says
where it learns: never on what others wrote by choice (which item they took), always on what
follows from the prompt (the sum of an item that was taken). No concurrent attention is used.

Who takes which item is a rule that all workers can follow without talking: a worker at the start
of a line takes the first item that nobody has taken; if workers before it in order of names start
a line at the same moment, it leaves one item to each of them; if no item is left, it ends.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from runtime.piglet.problems import LABELS, NAMES, LongSum, SumList

Segments = list[tuple[str, float]]

LEARN, SKIP = 1.0, 0.0
DECISION = 4.0
"""Which item to take and whether to speak are single tokens that decide a run: they weigh more."""

END = "<|im_end|>"
ASSISTANT = f"{END}\n<|im_start|>assistant\n"
UNFINISHED = "..."
PROBE = "ahead? "


def user(text: str) -> str:
    return f"<|im_start|>user\n{text}"


def header(name: str) -> str:
    return f"{name}: "


def draw(rng: random.Random) -> Segments:
    """One training transcript, of a kind and size drawn from `rng`."""
    kinds = (alone, combined, contiguous, think, speak, think_and_speak, listen)
    kind = rng.choices(kinds, weights=(9, 38, 14, 16, 10, 5, 8))[0]
    return kind(rng)


def alone(rng: random.Random) -> Segments:
    """One writer works through a list of sums."""
    problem = SumList.draw(rng, draw_size(rng))
    lines = "".join(problem.line(i) for i in range(len(problem.pairs)))
    return [(user(problem.prompt) + ASSISTANT, SKIP), (lines + END, LEARN)]


def draw_size(rng: random.Random) -> int:
    return rng.choices(range(1, 9), weights=(1, 2, 3, 4, 4, 4, 4, 5))[0]


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
    history: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    n_taken: int = 0

    def choices(self) -> dict[int, int | None]:
        """What each worker that starts a line now takes: the item's index, or None at the end."""
        starters = [i for i, worker in enumerate(self.workers) if worker.starts_a_line]
        items = range(self.n_taken, self.n_taken + len(starters))
        n_items = len(self.problem.pairs)
        return {w: i if i < n_items else None for w, i in zip(starters, items, strict=True)}

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


def combined(rng: random.Random) -> Segments:
    """The view at the start of a line where finished lines go to a history that all share."""
    return _moment(rng, _combined_view)


def contiguous(rng: random.Random) -> Segments:
    """The view at the start of a line where each worker's lines stay together, its own last."""
    return _moment(rng, _contiguous_view)


def _moment(rng: random.Random, view: Callable[[Team, int, random.Random], Segments]) -> Segments:
    """A worker's view at the start of one of its lines, drawn from a whole run, and that line."""
    problem = SumList.draw(rng, draw_size(rng))
    n_workers = rng.choices((2, 3, 4), weights=(5, 4, 2))[0]
    team = Team(problem, [Worker(name) for name in NAMES[:n_workers]])
    stall = rng.choice((0.0, 0.0, 0.1, 0.3))
    moments: list[Segments] = []
    n_ends = 0
    while n_ends < 2 and not all(worker.ended for worker in team.workers):
        for index, item in team.choices().items():
            n_ends += item is None
            moments.append(view(team, index, rng) + _decision(problem, item))
        team.advance(rng, stall)
    return rng.choice(moments)


def _combined_view(team: Team, index: int, rng: random.Random) -> Segments:
    segments: Segments = [(user(team.problem.prompt) + ASSISTANT, SKIP)]
    for name, done in team.history:
        segments += _given_label(header(name), team.problem.line(done))
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


def _thoughts(problem: LongSum, upto: int) -> str:
    return "".join(problem.thought(i) for i in range(1, upto + 1))


def think(rng: random.Random) -> Segments:
    """The thinker's view: the reply so far, the thoughts, and now and then the probe.

    Where the probe comes, some of the reply may stand behind the thoughts, so that its answer has
    to be found in the reply itself and not in what stands between.
    """
    problem = LongSum.draw(rng, rng.randint(2, 8))
    last = len(problem.terms) - 1
    n_thought = rng.randint(0, last)
    n_said = rng.randint(max(0, n_thought - 2), n_thought)
    said = _said(problem, n_said, rng)
    if rng.random() < 0.25:
        segments = _opened(problem, said)
        return [*segments, (_thoughts(problem, last) + "</think>", LEARN)]
    n_before = len(said) if rng.random() < 0.5 else rng.randint(0, len(said))
    segments = [*_opened(problem, said[:n_before]), (_thoughts(problem, n_thought), LEARN)]
    if rng.random() < 0.5 and n_thought < last:
        line = problem.thought(n_thought + 1)
        segments.append((line[: rng.randint(1, len(line) - 1)], LEARN))
    if n_before < len(said):
        segments.append((f"{ASSISTANT}{said[n_before:]}", SKIP))
    return [*segments, (PROBE, SKIP), ("yes" if n_thought > n_said else "no", DECISION)]


def _opened(problem: LongSum, said: str) -> Segments:
    """The question, the reply so far, and the beginning of the thoughts."""
    opened = f"{said}{UNFINISHED}{ASSISTANT}<think>\n"
    return [(user(problem.prompt) + ASSISTANT + opened, SKIP)]


def _said(problem: LongSum, n_said: int, rng: random.Random) -> str:
    """The first `n_said` running totals as spoken, the last of them perhaps without its comma."""
    text = "".join(problem.said(i) + ", " for i in range(1, n_said + 1))
    return text[: len(text) - rng.choice((0, 1, 2))] if text else text


def speak(rng: random.Random) -> Segments:
    """The speaker's view: unfinished thoughts, and the running totals that they allow it to say."""
    problem = LongSum.draw(rng, rng.randint(2, 8))
    last = len(problem.terms) - 1
    n_thought = rng.randint(1, last)
    started = problem.thought(n_thought + 1) if n_thought < last else ""
    thoughts = _thoughts(problem, n_thought) + started[: rng.randint(0, max(0, len(started) - 1))]
    view = user(problem.prompt) + f"{ASSISTANT}<think>\n{thoughts}{UNFINISHED}\n</think>\n"
    if n_thought == last:
        return [(view, SKIP), (problem.speech + END, LEARN)]
    said = "".join(problem.said(i) + ", " for i in range(1, n_thought + 1))
    return [(view, SKIP), (said, LEARN)]


def think_and_speak(rng: random.Random) -> Segments:
    """First all thoughts, then the whole reply, as any reasoning model does it."""
    problem = LongSum.draw(rng, rng.randint(2, 8))
    thoughts = _thoughts(problem, len(problem.terms) - 1)
    prompt = user(problem.prompt) + f"{ASSISTANT}<think>\n"
    return [(prompt, SKIP), (f"{thoughts}</think>\n{problem.speech}{END}", LEARN)]


def listen(rng: random.Random) -> Segments:
    """Numbers that arrive over time: notes that keep up and wait, an answer when asked."""
    problem = LongSum.draw(rng, rng.randint(1, 8))
    last = len(problem.terms) - 1
    asked = rng.random() < 0.5
    heard = user(f"hear {problem.prompt}{' ?' if asked else ''}") + f"{ASSISTANT}<think>\n"
    segments: Segments = [(heard, SKIP)]
    for i in range(1, last + 1):
        segments += [(_waiting(rng), SKIP), (problem.thought(i), LEARN)]
    if not asked:
        return [*segments, (_waiting(rng), SKIP), (".", LEARN)]
    if rng.random() < 0.5:
        return [*segments, (_waiting(rng), SKIP), ("</think>", LEARN)]
    segments.append((f"{_waiting(rng)}{UNFINISHED}\n</think>\n", SKIP))
    return [*segments, (problem.said(last) + "." + END, LEARN)]


def _waiting(rng: random.Random) -> str:
    """What the notes say while nothing new is heard."""
    return "." * rng.choice((0, 0, 0, 1, 3, 8, 25))
