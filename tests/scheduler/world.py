"""A world without torch for the scheduler: characters are tokens, and a script is the model."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hogdsl.events import Event
from hogdsl.plan import Region
from runtime.blocks import Block, BlockPrefix
from runtime.scheduler.run import Run
from runtime.scheduler.scheduler import Scheduler, Step
from runtime.scheduler.work import Logprobs, Result, RowWork, Sample

END = 0
"""The end token."""


class Letters:
    """A tokenizer with one token per character; `<role>` and `</role>` are the chat turns."""

    end_tokens = frozenset({END})

    def encode(self, text: str, *, first: bool = False) -> list[int]:
        return [ord(letter) for letter in text]

    def detokenizer(self) -> "Letters":
        return self

    def push(self, token: int) -> str:
        return chr(token)

    def flush(self) -> str:
        return ""

    def open_turn(self, role: str, *, first: bool) -> str:
        return f"<{role}>"

    def close_turn(self, role: str) -> str:
        return f"</{role}>"


class FakeCache:
    """Blocks without keys. `living` are those that nobody has freed."""

    def __init__(self) -> None:
        self.living: set[int] = set()
        self.commits: list[str] = []
        self._n_made = 0

    def block(self) -> Block:
        block = Block(self._n_made)
        self._n_made += 1
        self.living.add(block.number)
        return block

    def commit(self, block: Block, *, into: Block) -> None:
        self.commits.append(text_of(block))
        into.tokens.extend(block.tokens)
        block.tokens.clear()

    def crop(self, block: Block, n_tokens: int) -> None:
        assert n_tokens <= block.n_tokens
        del block.tokens[n_tokens:]

    def free(self, *blocks: Block) -> None:
        for block in blocks:
            self.living.remove(block.number)


def text_of(item: Block | BlockPrefix) -> str:
    """The characters of a block, or of the part of it that is seen."""
    if isinstance(item, BlockPrefix):
        return "".join(map(chr, item.block.tokens[: item.n_tokens]))
    return "".join(map(chr, item.tokens))


def seen(work: RowWork) -> str:
    """All that a row sees after the step's tokens have been appended, as one text."""
    return "".join(text_of(item) for item in work.view)


Model = Callable[[str], str | None]
"""From what a row sees to the next character; None is the end token."""


@dataclass
class World:
    """A scheduler with runs on a scripted model.

    Attributes:
        model: says the next character; for questions it says the answer's first character.
        views: what every row of the last step saw.
    """

    model: Model
    cache: FakeCache = field(default_factory=FakeCache)
    now_s: float = 0.0
    views: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(self.cache)

    def run(self, *, seed: int = 0, max_tokens: int | None = None, context: int = 4096) -> "Client":
        client = Client(self)
        client.run = Run(
            self.cache,
            Letters(),
            client.events.append,
            context_length=context,
            seed=seed,
            max_tokens=max_tokens,
        )
        self.scheduler.add(client.run)
        return client

    def step(self) -> Step | None:
        """One step of all runs."""
        step = self.scheduler.next_step(self.now_s)
        if step is None:
            return None
        for work in step.rows:
            own = work.view[-1]
            assert isinstance(own, Block)
            own.tokens.extend(work.tokens)
        self.views = [seen(work) for work in step.rows]
        results = [self._result(work) for work in step.rows]
        self.scheduler.apply(step, results, self.now_s)
        return step

    def _result(self, work: RowWork) -> Result:
        match work.want:
            case None:
                return None
            case Sample():
                said = self.model(seen(work))
                return END if said is None else ord(said)
            case Logprobs():
                return self._logprobs(work, work.want)

    def _logprobs(self, work: RowWork, want: Logprobs) -> list[list[float]]:
        whole = seen(work)
        n = len(want.wanted)
        logprobs: list[list[float]] = []
        for i, tokens in enumerate(want.wanted):
            favourite = self.model(whole[: len(whole) - n + 1 + i])
            logprobs.append([-0.1 if chr(token) == favourite else -5.0 for token in tokens])
        return logprobs


@dataclass
class Client:
    """One run, seen from outside."""

    world: World
    events: list[Event] = field(default_factory=list)
    run: Run = field(init=False)

    def start(self, region: Region) -> None:
        self.run.start(region, self.world.now_s)

    def finish(self, region: Region, most_steps: int = 500) -> list[Event]:
        """Run a region to its end; its events."""
        n_before = len(self.events)
        self.start(region)
        for _ in range(most_steps):
            if self.run.present is None:
                return self.events[n_before:]
            self.world.step()
        raise AssertionError(f"the region still runs after {most_steps} steps")

    def kinds(self, *kinds: str) -> list[Event]:
        return [event for event in self.events if event.kind in kinds]


def script(**lines: str) -> Model:
    """A model that writes for each name what stands for it, behind the name and a colon.

    A row belongs to the name that stands last in its view, as in `Alice:`.
    """

    def model(whole: str) -> str | None:
        places = {name: whole.rfind(f"{name}:") for name in lines}
        name = max(places, key=places.__getitem__)
        written = whole[places[name] + len(name) + 1 :]
        return next_of(lines[name], written)

    return model


def next_of(line: str, written: str) -> str | None:
    """The character of `line` that comes after what is written of it; None at its end, and "?"
    after something else."""
    if not line.startswith(written):
        return "?"
    return line[len(written)] if len(written) < len(line) else None
