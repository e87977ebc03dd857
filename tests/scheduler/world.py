"""A world without torch for the scheduler: characters are tokens, and a script is the model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hogdsl.commands import Command
from hogdsl.events import Event, StreamEnded
from hogdsl.plan import (
    ChoicesConstraint,
    Constraint,
    Piece,
    Region,
    Stream,
    StreamBlock,
    Text,
    TokenName,
)
from runtime.blocks import Block, BlockPrefix
from runtime.cache.counting import UNLIMITED_TOKENS, CountingCache
from runtime.scheduler.run import Run
from runtime.scheduler.scheduler import Scheduler, Step
from runtime.scheduler.work import Chosen, Logprobs, Pages, Result, RowWork, Sample

END = 0
"""The end token."""
HALF = "\x01"
"""The first half of a character; with the next letter it is that letter, large."""


class Spelling:
    """A `Detokenizer`."""

    def __init__(self) -> None:
        self._half = False

    def push(self, token: int) -> str:
        letter = chr(token)
        was_half, self._half = self._half, letter == HALF
        return "" if self._half else letter.upper() if was_half else letter

    def flush(self) -> str:
        was_half, self._half = self._half, False
        return "\ufffd" if was_half else ""


class Letters:
    """A tokenizer with one token per character; `<role>` and `</role>` are the chat turns."""

    end_tokens = frozenset({END})
    bos = None

    def encode(self, text: str, *, first: bool = False) -> list[int]:
        return [ord(letter) for letter in text]

    def detokenizer(self) -> "Spelling":
        return Spelling()

    def token(self, name: TokenName) -> int:
        if isinstance(name, str) and len(name) != 1:
            raise ValueError(f"{name!r} is {len(name)} tokens")
        return ord(name) if isinstance(name, str) else name

    def matcher(self, constraint: Constraint) -> "LetterMatcher":
        if not isinstance(constraint, ChoicesConstraint):
            raise ValueError("only choices are known here")
        return LetterMatcher(constraint.choices)

    def open_turn(self, role: str, *, first: bool) -> str:
        return f"<{role}>"

    def close_turn(self, role: str) -> str:
        return f"</{role}>"


class LetterMatcher:
    """A `Matcher` for choices, letter by letter."""

    def __init__(self, choices: Sequence[str]) -> None:
        self._rests = list(choices)

    def allowed(self) -> bytes:
        mask = bytearray(32)
        for rest in self._rests:
            token = ord(rest[0]) if rest else END
            mask[token // 8] |= 1 << token % 8
        return bytes(mask)

    def push(self, token: int) -> None:
        self._rests = [rest[1:] for rest in self._rests if rest[:1] == chr(token)]
        assert self._rests, "a token that is not allowed was chosen"

    @property
    def is_complete(self) -> bool:
        return self._rests == [""]


class FakeCache(CountingCache):
    """Blocks without keys. `living` are those that nobody has freed."""

    def __init__(self, n_tokens_most: int = UNLIMITED_TOKENS) -> None:
        super().__init__(n_tokens_most)
        self.commits: list[str] = []

    @property
    def living(self) -> set[int]:
        return set(self.blocks)

    def commit(self, block: Block, *, into: Block) -> None:
        self.commits.append(text_of(block))
        super().commit(block, into=into)


NO_PAGES = Pages()


@dataclass
class FakeMachine:
    """Only what a run takes from it; `World` runs the rows."""

    cache: FakeCache
    context_length: int
    name: str = "fake"
    device: str = "none"
    pages: Pages = NO_PAGES
    text: Letters = field(default_factory=Letters)

    def run(self, rows: Sequence[RowWork]) -> list[Result]:
        raise NotImplementedError("the world runs rows itself, see World.step")


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

    def run(
        self,
        *,
        seed: int = 0,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
        context: int = 4096,
    ) -> "Client":
        client = Client(self)
        client.run = Run(
            FakeMachine(self.cache, context),
            client.events.append,
            number=len(self.scheduler.runs),
            seed=seed,
            max_tokens=max_tokens,
            max_seconds=max_seconds,
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
            self.cache.append(own, work.tokens)
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
                return _chosen(END if said is None else ord(said), work.want)
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


def _chosen(token: int, want: Sample) -> Chosen:
    """The token, or another one if its grammar does not let it come, or it is forbidden."""
    mask = want.allowed
    if mask is not None and not mask[token // 8] >> token % 8 & 1:
        token = next(t for t in range(len(mask) * 8) if mask[t // 8] >> t % 8 & 1)
    if token in want.forbidden:
        token = ord("+")
    return Chosen(token) if want.n_top is None else Chosen(token, -0.5, ((token, -0.5),))


@dataclass
class Client:
    """One run, seen from outside."""

    world: World
    events: list[Event] = field(default_factory=list)
    run: Run = field(init=False)

    def start(self, region: Region) -> None:
        self.run.start(region, self.world.now_s)

    def tell(self, *commands: Command) -> None:
        for command in commands:
            self.run.tell(command, self.world.now_s)

    def go_on(self, n_steps: int = 500) -> None:
        """Step until nothing can go on, or for so many steps."""
        for _ in range(n_steps):
            if self.world.step() is None:
                return

    @property
    def texts(self) -> dict[str, str]:
        """Of the streams that have ended."""
        return {e.stream: e.text for e in self.events if isinstance(e, StreamEnded)}

    @property
    def reasons(self) -> dict[str, str]:
        """Why they ended."""
        return {e.stream: e.reason for e in self.events if isinstance(e, StreamEnded)}

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


def tape(**lines: str) -> Model:
    """A model that plays a line for each name, whatever was put between or taken back."""
    rests = {name: iter(line) for name, line in lines.items()}

    def model(whole: str) -> str | None:
        places = {name: whole.rfind(f"{name}:") for name in rests}
        return next(rests[max(places, key=places.__getitem__)], None)

    return model


def stream(name: str, *pieces: Piece, sees: Sequence[str] = (), **more: object) -> Stream:
    """A stream that writes its name and a colon, then the pieces, into the block of its name."""
    fields = {
        "name": name,
        "role": "listen" if "input" in more else "worker",
        "view": (*sees, name),
        "pieces": (Text(text=f"{name}:"), *pieces),
    }
    return Stream.model_validate(fields | more)


def region(*streams: Stream, **more: object) -> Region:
    """A region of streams, each with a block of its own."""
    blocks = tuple(StreamBlock(name=stream.view[-1]) for stream in streams)
    return Region.model_validate({"name": "r", "blocks": blocks, "streams": streams} | more)
