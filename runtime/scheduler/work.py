"""What the scheduler asks of the world: a step of rows, and the cache's accounting.

The scheduler imports neither torch nor a tokenizer. It sees blocks, rows and results as plain
Python, and the two protocols here are all that it needs from the engine and the model's text.

What is made anew for every row of every step is a named tuple, which is made in half of the time
that a frozen dataclass takes.
"""

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol, TypeAlias

from hogdsl.plan import Constraint, Sampling, TokenName
from runtime.blocks import Ahead, Block, BlockPrefix

Role: TypeAlias = Literal["system", "user", "assistant"]


class Machine(Protocol):
    """What runs the rows of a step: an engine with its model, or a script."""

    @property
    def name(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def context_length(self) -> int: ...
    @property
    def pages(self) -> "Pages":
        """What they are used for now."""
        ...

    @property
    def cache(self) -> "Cache": ...
    @property
    def text(self) -> "Text": ...
    def run(self, rows: "Sequence[RowWork]", /) -> "list[Result]":
        """One forward pass; results in the order of the rows. If it raises, nothing was written."""
        ...


class Pages(NamedTuple):
    """How many pages a cache has, and for what."""

    n_used: int = 0
    """That runs hold."""
    n_cached: int = 0
    """That the radix cache could give up."""
    n_total: int = 0


Growth: TypeAlias = Mapping[Block, int]
"""Tokens that blocks are to get."""


class Cache(Protocol):
    """Blocks are made, moved and freed here; keys and values are the engine's business."""

    @property
    def n_tokens_most(self) -> int:
        """How many tokens it holds at most."""
        ...

    def block(self, *, namespace: str = "") -> Block:
        """A new one, whose text is found again only in the namespace."""
        ...

    def commit(self, block: Block, *, into: Block) -> None: ...
    def crop(self, block: Block, n_tokens: int) -> None: ...
    def free(self, *blocks: Block) -> None: ...

    def find(self, block: Block, after: Sequence[Ahead], tokens: Sequence[int], /) -> int:
        """Fill an empty block with the beginning of `tokens` that the radix cache has behind the
        view `after`; says how many tokens that are."""
        ...

    def remember(self, *blocks: Block) -> None:
        """Offer what these blocks hold to the radix cache, as far as a later `find` may use it."""
        ...

    def make_room(self, growth: Growth, /) -> int:
        """Evict what nobody holds until the blocks can grow; pages that are missing even then.

        A suspended block needs all its pages again.
        """
        ...

    def suspend(self, *blocks: Block) -> None:
        """Give up the pages of blocks that only their run sees; what they saw is kept.

        They lose tokens that were found behind others that are still coming, see `find`.
        """
        ...

    def restore(self, *blocks: Block) -> None:
        """Encode suspended blocks again, in one parallel pass.

        Raises:
            CapacityError: there is no room for it; they stay suspended.
        """
        ...


class Detokenizer(Protocol):
    """Turns the tokens of one stream into text, a character at a time."""

    def push(self, token: int, /) -> str: ...
    def flush(self) -> str: ...


class Matcher(Protocol):
    """Where one constrained `gen` stands in its grammar."""

    def allowed(self) -> bytes:
        """Which tokens may come next, as `Sample.allowed`; end tokens where it may end."""
        ...

    def push(self, token: int, /) -> None:
        """This token was chosen."""
        ...

    @property
    def is_complete(self) -> bool:
        """Nothing but an end token may come."""
        ...


class Text(Protocol):
    """The model's tokenizer and chat template."""

    @property
    def end_tokens(self) -> frozenset[int]: ...
    @property
    def bos(self) -> int | None:
        """Begins a sequence, if the model has such a token: a stream that is to write while all
        that it sees is empty appends it to its own block first. None: it cannot begin so."""
        ...

    def encode(self, text: str, /, *, first: bool = False) -> list[int]: ...
    def detokenizer(self) -> Detokenizer: ...
    def open_turn(self, role: Role, /, *, first: bool) -> str: ...
    def close_turn(self, role: Role, /) -> str: ...
    def token(self, name: TokenName, /) -> int:
        """The token of that name.

        Raises:
            ValueError: the text is not one token, or there is no such token.
        """
        ...

    def matcher(self, constraint: Constraint, /) -> Matcher:
        """A matcher at the beginning of what the constraint allows.

        Raises:
            ValueError: the grammar engine refuses it, with the reason.
        """
        ...


class Origin(NamedTuple):
    """For whom a row wants something; a model has no use for it, a script has."""

    run: int
    """Number of the run, in the order in which runs were opened."""
    region: str
    stream: str
    kind: Literal["gen", "select", "ask"]
    n: int
    """Which `gen` or `select` of the stream, counted from 0; which time the ask is put."""
    ask: str | None = None
    """Name of the ask."""


@dataclass(slots=True)
class Numbers:
    """A number for some tokens, in two arrays that a machine can read as they are.

    Attributes:
        tokens: int64, each at most once.
        values: float64, of each of them; a token whose number has become 0 stays there.
    """

    tokens: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float]" = field(default_factory=lambda: array("d"))
    _places: dict[int, int] = field(default_factory=dict[int, int])

    def __contains__(self, token: int) -> bool:
        return token in self._places

    def __len__(self) -> int:
        return len(self.tokens)

    def add(self, token: int, value: float) -> None:
        """Add to the number of a token; without one it had 0."""
        place = self._places.setdefault(token, len(self.tokens))
        if place == len(self.tokens):
            self.tokens.append(token)
            self.values.append(0.0)
        self.values[place] += value


class Sample(NamedTuple):
    """Choose one token after the last of the row.

    Attributes:
        sampling: how; of its tokens only what the next three say counts.
        uniform: in [0, 1), decides; it depends on the run's seed, the stream and the token's index
            alone, so the batch has no part in the choice.
        forbidden: tokens that are not chosen.
        allowed: the only tokens that may be chosen: token i if bit i % 8, counted from the lowest,
            of byte i // 8 is set; tokens beyond the end may not. None: all.
        bias: what is added to the logits of some tokens.
        counts: how often tokens were chosen for the same `gen`, for the penalties; to be read in
            the step itself, for they go on.
        n_top: the choice comes with its log-probability, and those of so many of the likeliest
            tokens. None: without.
    """

    sampling: Sampling
    uniform: float
    origin: Origin
    forbidden: tuple[int, ...] = ()
    allowed: bytes | None = None
    bias: Numbers | None = None
    counts: Numbers | None = None
    n_top: int | None = None


class Chosen(NamedTuple):
    """The token of a `Sample`.

    Attributes:
        token: it.
        logprob: of it in the model's own distribution; None unless asked for.
        top: the likeliest tokens there with their log-probabilities, the likeliest first.
    """

    token: int
    logprob: float | None = None
    top: tuple[tuple[int, float], ...] = ()


class Logprobs(NamedTuple):
    """Log-probabilities of `wanted[i]` after the i-th of the row's last `len(wanted)` tokens."""

    wanted: tuple[tuple[int, ...], ...]
    origin: Origin


Want: TypeAlias = Sample | Logprobs | None
Result: TypeAlias = Chosen | list[list[float]] | None
"""What comes back for a `Want`: the token, the log-probabilities, or nothing."""


class RowWork(NamedTuple):
    """New tokens for the last block of a view, and what is wanted of their logits."""

    view: tuple[Block | BlockPrefix, ...]
    tokens: tuple[int, ...]
    want: Want = None


class Job(NamedTuple):
    """A row, and whom to tell of its result. Nothing has changed until `done` is called."""

    work: RowWork
    done: Callable[[Result], None]
    scratch: Block | None = None
    """A block that is freed after the step, whatever comes of it."""
    moves_into: Block | None = None
    """The history to which the row's block is moved after the step."""
