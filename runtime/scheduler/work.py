"""What the scheduler asks of the world: a step of rows, and the cache's accounting.

The scheduler imports neither torch nor a tokenizer. It sees blocks, rows and results as plain
Python, and the two protocols here are all that it needs from the engine and the model's text.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from hogdsl.plan import Sampling
from runtime.blocks import Block, BlockPrefix

Role: TypeAlias = Literal["system", "user", "assistant"]


class Cache(Protocol):
    """Blocks are made, moved and freed here; keys and values are the engine's business."""

    def block(self) -> Block: ...
    def commit(self, block: Block, *, into: Block) -> None: ...
    def crop(self, block: Block, n_tokens: int) -> None: ...
    def free(self, *blocks: Block) -> None: ...


class Detokenizer(Protocol):
    """Turns the tokens of one stream into text, a character at a time."""

    def push(self, token: int, /) -> str: ...
    def flush(self) -> str: ...


class Text(Protocol):
    """The model's tokenizer and chat template."""

    @property
    def end_tokens(self) -> frozenset[int]: ...
    def encode(self, text: str, /, *, first: bool = False) -> list[int]: ...
    def detokenizer(self) -> Detokenizer: ...
    def open_turn(self, role: Role, /, *, first: bool) -> str: ...
    def close_turn(self, role: Role, /) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Choose one token after the last of the row.

    `uniform` in [0, 1) decides; it depends on the run's seed, the stream and the token's index
    alone, so the batch has no part in the choice.
    """

    sampling: Sampling
    uniform: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Logprobs:
    """Log-probabilities of `wanted[i]` after the i-th of the row's last `len(wanted)` tokens."""

    wanted: tuple[tuple[int, ...], ...]


Want: TypeAlias = Sample | Logprobs | None
Result: TypeAlias = int | list[list[float]] | None
"""What comes back for a `Want`: the token, the log-probabilities, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowWork:
    """New tokens for the last block of a view, and what is wanted of their logits."""

    view: tuple[Block | BlockPrefix, ...]
    tokens: tuple[int, ...]
    want: Want = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A row, and whom to tell of its result. Nothing has changed until `done` is called."""

    work: RowWork
    done: Callable[[Result], None]
    scratch: Block | None = None
    """A block that is freed after the step, whatever comes of it."""
