"""The region that runs now: its writers, its rules, its texts, and what each stream sees."""

from collections.abc import Callable
from dataclasses import dataclass

from hogdsl import plan
from hogdsl.errors import CapacityError, PlanError
from runtime.blocks import Block
from runtime.scheduler.rules import AskState, Rules, WaitState, first_tokens
from runtime.scheduler.turns import TurnState, begins_plainly, render
from runtime.scheduler.work import Cache, Text
from runtime.scheduler.writer import Phase, Surroundings, Writer


@dataclass(slots=True, kw_only=True)
class Blocks:
    """The blocks of a run by their names in its plan, and how each moves a chat on.

    A block without an entry in `turns` leaves the chat as the blocks before it left it.
    """

    blocks: dict[str, Block]
    turns: dict[str, TurnState]

    def state_after(self, names: tuple[str, ...]) -> TurnState:
        """Where in a chat a view of these blocks ends."""
        state = TurnState()
        for name in names:
            if name in self.turns:
                state = self.turns[name]
            elif self.blocks[name].n_tokens:
                state = TurnState(first=False, role=state.role)
        return state


@dataclass(slots=True, kw_only=True)
class Present:
    """The state of a running region.

    Attributes:
        writers: by the names of their streams, in the order of the plan.
        texts: text blocks that are still to be encoded, and their tokens.
    """

    plan: plan.Region
    writers: dict[str, Writer]
    rules: Rules
    texts: dict[str, tuple[int, ...]]
    started_at_s: float
    _blocks: Blocks
    _owners: dict[str, Writer]

    def block(self, name: str) -> Block:
        """The block that a name means at this moment."""
        owner = self._owners.get(name)
        return owner.block if owner is not None else self._blocks.blocks[name]

    def view(self, writer: Writer) -> tuple[Block, ...]:
        """What a stream sees, its own block last. Finished steps that are on their way into a
        history stand at its end already."""
        blocks: list[Block] = []
        for name in writer.plan.view[:-1]:
            blocks += (self.block(name), *self._turning_into(name))
        return (*blocks, writer.block)

    def turning_view(self, writer: Writer) -> tuple[Block, ...]:
        """What the end of a finished step sees: the view up to the step's place in the history."""
        assert writer.turning is not None
        assert writer.plan.commit is not None
        into = writer.plan.commit.into
        blocks: list[Block] = []
        for name in writer.plan.view[: writer.plan.view.index(into) + 1]:
            blocks += (self.block(name), *self._turning_into(name))
        return tuple(blocks[: blocks.index(writer.turning.block) + 1])

    def _turning_into(self, history: str) -> list[Block]:
        return [
            writer.turning.block
            for writer in self.writers.values()
            if writer.turning and writer.plan.commit and writer.plan.commit.into == history
        ]

    @property
    def n_found(self) -> int:
        """Tokens that the streams find in the cache when they begin: all that they see, but every
        text of the region once, for whom it is encoded."""
        seen = [name for writer in self.writers.values() for name in writer.plan.view]
        n_new = sum(len(self.texts.get(name, ())) for name in set(seen))
        return sum(map(self._n_tokens, seen)) - n_new

    def _n_tokens(self, name: str) -> int:
        return len(self.texts[name]) if name in self.texts else self.block(name).n_tokens

    def n_next(self, writer: Writer) -> int:
        """Tokens in a stream's view when all have appended what they append in the next step."""
        n_tokens = sum(block.n_tokens for block in self.view(writer))
        for name in writer.plan.view:
            n_tokens += len(self.texts.get(name, ()))
            owner = self._owners.get(name)
            if owner is not None:
                n_tokens += len(owner.pending) or owner.phase is Phase.RUNNING
        return n_tokens

    def n_tried(self, writer: Writer) -> int:
        """Tokens that are tried out behind a stream and then taken away: questions, choices."""
        asks = [ask for ask in self.rules.asks.values() if ask.plan.stream == writer.plan.name]
        choices = writer.choosing.choices if writer.choosing is not None else ()
        lengths = [len(ask.question) for ask in asks]
        lengths += [len(writer.around.text.encode(choice)) for choice in choices]
        return max(lengths, default=0)

    def text_view(self, name: str) -> tuple[Block, ...]:
        """What a text block is encoded after: blocks that are being written count as empty."""
        for block in self.plan.blocks:
            if isinstance(block, plan.TextBlock) and block.name == name:
                before = [self.block(b) for b in block.after if b not in self._owners]
                return (*before, self.block(name))
        raise KeyError(name)


def open_region(
    region: plan.Region,
    blocks: Blocks,
    *,
    cache: Cache,
    text: Text,
    seed: int,
    max_tokens: int | None,
    now_s: float,
    emit: Callable[..., None],
    count_encoded: Callable[[int], None],
) -> Present:
    """Make a checked region's blocks, writers and rules; nothing is encoded yet.

    Raises:
        PlanError: the answers of an ask cannot be told apart by this model.
    """
    rules = _rules(region, text)
    texts: dict[str, tuple[int, ...]] = {}
    for block in region.blocks:
        blocks.blocks[block.name] = cache.block()
    for block in region.blocks:
        if isinstance(block, plan.TextBlock):
            texts[block.name] = _encode(block, blocks, text)
            count_encoded(len(texts[block.name]))
    around = Surroundings(
        cache=cache,
        text=text,
        seed=f"{seed}/{region.name}",
        emit=emit,
        count_encoded=count_encoded,
    )
    writers = {
        stream.name: Writer(
            plan=stream,
            block=blocks.blocks[stream.view[-1]],
            around=around,
            turns=blocks.state_after(stream.view),
            max_tokens=_smaller(stream.max_tokens, max_tokens),
        )
        for stream in region.streams
    }
    return Present(
        plan=region,
        writers=writers,
        rules=rules,
        texts=texts,
        started_at_s=now_s,
        _blocks=blocks,
        _owners={writer.plan.view[-1]: writer for writer in writers.values()},
    )


def _encode(block: plan.TextBlock, blocks: Blocks, text: Text) -> tuple[int, ...]:
    before = blocks.state_after(block.after)
    rendered, after = render(text, block.pieces, before)
    blocks.turns[block.name] = after
    first = begins_plainly(block.pieces, before)
    return tuple(text.encode(rendered, first=first))


def _rules(region: plan.Region, text: Text) -> Rules:
    asks: dict[str, AskState] = {}
    for ask in region.asks:
        try:
            begins = first_tokens(text, ask.answers)
        except ValueError as error:
            raise PlanError(
                f"region {region.name!r}: asks[{ask.name!r}].answers: {error} of this model. "
                "Choose answers that begin differently."
            ) from error
        question = tuple(text.encode(ask.question))
        asks[ask.name] = AskState(plan=ask, question=question, first_tokens=begins)
    waits = tuple(WaitState(plan=wait) for wait in region.waits)
    return Rules(asks=asks, waits=waits, untils=region.until)


def _smaller(a: int | None, b: int | None) -> int | None:
    return min((x for x in (a, b) if x is not None), default=None)


def check_length(present: Present, context_length: int) -> None:
    """End streams whose view has filled the model's context.

    Raises:
        CapacityError: what a stream begins with is longer than the context.
    """
    for writer in present.writers.values():
        if writer.phase is Phase.ENDED:
            continue
        n_tokens = present.n_next(writer)
        if n_tokens > context_length and not writer.n_generated:
            raise CapacityError(
                f"stream {writer.plan.name!r} begins with {n_tokens} tokens in view, and the "
                f"model's context holds {context_length}. Waiting will not help: shorten it."
            )
        if n_tokens + present.n_tried(writer) >= context_length:
            writer.end("budget")
