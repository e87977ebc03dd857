"""The region that runs now: its writers, its rules, its texts, and what each stream sees."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from hogdsl import plan
from hogdsl.errors import CapacityError
from runtime.blocks import Block
from runtime.scheduler.life import Phase
from runtime.scheduler.rules import Rules
from runtime.scheduler.turns import TurnState
from runtime.scheduler.work import Cache
from runtime.scheduler.writer import Writer

_IN_VIEW = (Phase.RUNNING, Phase.DELIVERING, Phase.FLUSHING)
"""While the length of a stream's view counts."""


@dataclass(slots=True, kw_only=True)
class Blocks:
    """The blocks of a run by their names in its plan, and how each moves a chat on.

    A block without an entry in `turns` leaves the chat as the blocks before it left it; those in
    `detached` are not even its beginning.
    """

    blocks: dict[str, Block]
    turns: dict[str, TurnState]
    detached: set[str] = field(default_factory=set[str])

    def state_after(self, names: tuple[str, ...], owners: dict[str, Writer]) -> TurnState:
        """Where in a chat a view of these blocks ends.

        Args:
            names: of the blocks.
            owners: the streams that write some of them now.
        """
        state = TurnState()
        for name in names:
            owner = owners.get(name)
            block = self.blocks[name] if owner is None else owner.block
            if owner is not None and owner.opens_turns and owner.has_begun:
                state = owner.pen.turns
            elif name in self.turns:
                state = self.turns[name]
            elif block.n_tokens and name not in self.detached:
                state = TurnState(first=False, role=state.role)
        return state


@dataclass(slots=True, kw_only=True)
class Present:
    """The state of a running region.

    Attributes:
        writers: by the names of their streams, in the order of the plan.
        owners: the same by the names of their blocks.
        texts: until the first step is made, the text blocks of the region, and their tokens that
            are still to be encoded.
        seen: blocks that any of the streams sees.
        n_steps: steps that it has made; passes that only prefill do not count.
        n_generated: tokens that the model chose in it.
        concluded: phases of the streams from which all was concluded that follows from them.
        is_interactive: somebody waits for what is said, heard or asked in it.
        is_timed: some stream has a deadline.
    """

    plan: plan.Region
    writers: dict[str, Writer]
    owners: dict[str, Writer]
    rules: Rules
    texts: dict[str, tuple[int, ...]]
    seen: frozenset[str]
    started_at_s: float
    blocks: Blocks
    cache: Cache
    n_steps: int = 0
    n_generated: int = 0
    concluded: list[Phase] = field(default_factory=list[Phase])
    is_interactive: bool = field(init=False)
    is_timed: bool = field(init=False)
    _counted: set[str] = field(default_factory=set[str])
    """Texts that were found by a stream for whom they are encoded."""
    _fitted: set[str] = field(default_factory=set[str])
    """Streams whose view fitted the context once."""
    _commits: bool = field(init=False)
    """Some stream moves finished steps to a history."""

    def __post_init__(self) -> None:
        roles = {stream.role for stream in self.plan.streams}
        self.is_interactive = bool(self.plan.asks) or not roles.isdisjoint(("say", "listen"))
        limits = [self.plan.max_seconds, *(stream.max_seconds for stream in self.plan.streams)]
        self.is_timed = any(limit is not None for limit in limits)
        self._commits = any(stream.commit is not None for stream in self.plan.streams)

    # ---------------------------------------------------------------- views

    def block(self, name: str) -> Block:
        """The block that a name means at this moment."""
        owner = self.owners.get(name)
        return owner.block if owner is not None else self.blocks.blocks[name]

    def view(self, writer: Writer) -> tuple[Block, ...]:
        """What a stream sees, its own block last. Finished steps that are on their way into a
        history stand at its end already."""
        return (*self._blocks_of(writer.plan.view[:-1]), writer.block)

    def turning_view(self, writer: Writer) -> tuple[Block, ...]:
        """What the end of a finished step sees: the view up to the step's place in the history."""
        assert writer.turning is not None
        assert writer.plan.commit is not None
        into = writer.plan.commit.into
        blocks = self._blocks_of(writer.plan.view[: writer.plan.view.index(into) + 1])
        return tuple(blocks[: blocks.index(writer.turning.block) + 1])

    def _blocks_of(self, names: Iterable[str]) -> list[Block]:
        turning, owners, others = self._turning(), self.owners, self.blocks.blocks
        blocks: list[Block] = []
        for name in names:
            owner = owners.get(name)
            blocks.append(others[name] if owner is None else owner.pen.written.block)
            if name in turning:
                blocks += turning[name]
        return blocks

    def _turning(self) -> dict[str, list[Block]]:
        """By histories, the finished steps on their way."""
        turning: dict[str, list[Block]] = {}
        if not self._commits:
            return turning
        for writer in self.writers.values():
            if writer.plan.commit is not None and writer.turning is not None:
                turning.setdefault(writer.plan.commit.into, []).append(writer.turning.block)
        return turning

    def before_text(self, name: str) -> tuple[str, ...]:
        """The blocks that a text block is encoded after: those being written count as empty."""
        for block in self.plan.blocks:
            if isinstance(block, plan.EncodedBlock) and block.name == name:
                return tuple(before for before in block.after if before not in self.owners)
        raise KeyError(name)

    def text_view(self, name: str) -> tuple[Block, ...]:
        """What a text block is encoded after, and the block itself."""
        return tuple(map(self.block, (*self.before_text(name), name)))

    # ---------------------------------------------------------------- who can go on

    @property
    def phases(self) -> list[Phase]:
        """Where the streams are in their lives, in the order of the plan."""
        return [writer.phase for writer in self.writers.values()]

    @property
    def awaits_program(self) -> bool:
        """The program will say something, for example that a text has been played."""
        delivering = any(w.phase is Phase.DELIVERING for w in self.writers.values())
        return delivering or self.rules.awaits_program

    def can_advance(self) -> bool:
        """Whether there is a row for the next step."""
        if self.rules.holds_region:
            return False
        for writer in self.writers.values():  # asked after every step: mostly the first one can
            if self._can_advance(writer):
                return True
        return any(self.texts.values()) or any(ask.due for ask in self.rules.asks.values())

    def _can_advance(self, writer: Writer) -> bool:
        match writer.phase:
            case Phase.RUNNING if writer.plan.name not in self.rules.held:
                own = writer.generation is not None or writer.choosing is not None
                return own or bool(writer.written.pending) or writer.turning is not None
            case Phase.RUNNING:
                return writer.turning is not None
            case Phase.DELIVERING:
                return bool(writer.written.pending) or writer.turning is not None
            case Phase.FLUSHING:
                return True
            case Phase.WAITING | Phase.ENDED:
                return False

    def must_wait(self, writer: Writer) -> bool:
        """A stream with nothing to append starts from what it sees last; it waits if that is only
        appended in the next step."""
        if any(name in self.texts for name in writer.plan.view):
            return True
        for name in reversed(writer.plan.view):
            owner = self.owners.get(name)
            heard = owner is not None and owner.plan.input is not None and owner.written.pending
            if heard and owner is not None and owner.plan.name not in self.rules.held:
                return True
            if self.block(name).n_tokens:
                return False
        return False

    def spend_token(self) -> None:
        """The model chose a token; when the region's budget is used up, all end."""
        self.n_generated += 1
        if self.plan.max_tokens is not None and self.n_generated >= self.plan.max_tokens:
            for writer in self.writers.values():
                writer.end("budget")

    # ---------------------------------------------------------------- lengths

    def find(self, writer: Writer) -> int:
        """Tokens that a stream finds in the cache when it begins: all that it sees, but every text
        of the region once, for whom it is encoded."""
        n_tokens = 0
        for name in writer.plan.view:
            n_tokens += self.block(name).n_tokens
            if name in self.texts and name not in self._counted:
                self._counted.add(name)
            else:
                n_tokens += len(self.texts.get(name, ()))
        return n_tokens

    def n_next(self) -> dict[str, int]:
        """For every stream, tokens in its view when all have appended what they append in the next
        step."""
        lengths: dict[str, int] = {}
        for name in self.seen:
            owner = self.owners.get(name)
            n_new = len(self.texts.get(name, ()))
            if owner is not None and not owner.is_over:
                n_new = len(owner.written.pending) or (owner.generation is not None)
            elif owner is not None:
                n_new = len(owner.written.pending)
            lengths[name] = self.block(name).n_tokens + n_new
        for history, blocks in self._turning().items():
            lengths[history] = lengths.get(history, 0) + sum(b.n_tokens + 1 for b in blocks)
        return {
            name: sum(map(lengths.__getitem__, writer.plan.view))
            for name, writer in self.writers.items()
        }

    def n_tried(self, writer: Writer) -> int:
        """Tokens that are tried out behind a stream and then taken away: questions, choices."""
        n_asked = self.rules.n_asked.get(writer.plan.name, 0)
        if writer.choosing is None:
            return n_asked
        encode = writer.pen.around.text.encode
        return max(n_asked, *(len(encode(choice)) for choice in writer.choosing.choices))

    def has_room(self, context_length: int) -> bool:
        """The whole region is shorter than the model's context, so every view is."""
        if self._n_most() >= context_length:
            return False
        if len(self._fitted) < len(self.writers):
            self._fitted.update(n for n, w in self.writers.items() if w.phase in _IN_VIEW)
        return True

    def check_length(self, context_length: int) -> bool:
        """End streams whose view has filled the model's context; say whether there are any.

        Raises:
            CapacityError: what a stream begins with is longer than the context.
        """
        n_next, ended = self.n_next(), False
        for name, writer in self.writers.items():
            n_tokens = n_next[name]
            if writer.phase not in _IN_VIEW:
                continue
            if n_tokens <= context_length:
                self._fitted.add(name)
            elif name not in self._fitted and writer.plan.input is None:
                raise CapacityError(
                    f"stream {name!r} begins with {n_tokens} tokens in view, and the model's "
                    f"context holds {context_length}. Waiting will not help: shorten it."
                )
            if n_tokens + self.n_tried(writer) >= context_length and not writer.is_over:
                writer.end("budget")
                ended = True
            if n_tokens > context_length and writer.phase is Phase.FLUSHING:
                writer.close()
        return ended

    def _n_most(self) -> int:
        """No stream has more in view in the next step, with all that is tried out behind it.

        It is all that there is, whoever sees it, with a token for every stream and for every step
        that is on its way: that is counted faster than each view.
        """
        n_tokens = self.rules.n_asked_most + 2 * len(self.writers)
        n_tokens += sum([len(block.tokens) for block in self._blocks_of(self.seen)])
        n_tokens += sum([len(tokens) for tokens in self.texts.values()])
        for writer in self.writers.values():
            n_tokens += len(writer.pen.written.pending)
            if writer.choosing is not None:
                n_tokens += self.n_tried(writer)
        return n_tokens
