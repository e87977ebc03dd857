"""From rows, as a caller writes them, to spans, as attention reads them. No tensors.

`resolve` checks a step as a whole and changes nothing; an error names the row by its index.
Lengths in a resolved row are those after all rows of the step have appended, so that each sees
what all append.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from hogdsl.errors import EngineError
from runtime.attention.base import Span, SpanRow
from runtime.blocks import Block, BlockPrefix, Row
from runtime.model.config import ModelConfig
from runtime.pages import Run


class ResolvedRow(NamedTuple):
    """A row that can be run.

    Attributes:
        own: the block that it writes.
        tokens: what it writes there.
        n_logits: how many of the last tokens logits are wanted after.
        items: blocks of the view with the number of tokens visible of each, own last.
        n_tokens: tokens of the whole view.
        base: position that the first key of `own` is, or will be, rotated for.
    """

    own: Block
    tokens: list[int]
    n_logits: int
    items: tuple[tuple[Block, int], ...]
    n_tokens: int
    base: int


class Layout(NamedTuple):
    """The slots of a block's pages, from that of its first token on, as spans without holes.

    Attributes:
        spans: in the order in which tokens fill them.
        n_tokens: how many there is room for.
    """

    spans: tuple[Span, ...]
    n_tokens: int


def resolve(
    rows: Sequence[Row], blocks: Mapping[int, Block], config: ModelConfig
) -> list[ResolvedRow]:
    """Check all rows of a step.

    Args:
        rows: the step.
        blocks: the engine's living blocks by number.
        config: of the model that will run it.

    Raises:
        EngineError: a row breaks a rule; the message says which row, which rule and what to do.
    """
    lengths: dict[int, int] = {}
    for index, row in enumerate(rows):
        own = _own_block(index, row, blocks)
        if own.number in lengths:
            raise EngineError(
                f"Row {index}: block {own.number} is the own block of an earlier row too. One row "
                "per step may write to a block; put the tokens into one row or into two steps."
            )
        _check_tokens(index, row, config)
        lengths[own.number] = own.n_tokens + len(row.tokens)
    return [_resolve_row(index, row, lengths, blocks, config) for index, row in enumerate(rows)]


def block_spans(
    runs: Sequence[Run], page_size_tokens: int, base: int, n_tokens: int
) -> tuple[Span, ...]:
    """The first `n_tokens` tokens of a block that holds the pages `runs`.

    A key that is rotated for position p lies in slot p % page_size_tokens of its page, so that
    pages of one text fit together whatever blocks it was cut into. The first page of a block has a
    hole where its base is in the middle of a page.
    """
    spans: list[Span] = []
    hole = base % page_size_tokens
    for run in runs:
        if n_tokens <= 0:
            break
        n = min(n_tokens, run.n_pages * page_size_tokens - hole)
        spans.append(Span(run.start * page_size_tokens + hole, n, base))
        base += n
        n_tokens -= n
        hole = 0
    return tuple(spans)


def span_rows(
    rows: Sequence[ResolvedRow], layout_of: Callable[[Block, int], Layout]
) -> list[SpanRow]:
    """The step as attention reads it; neighbours in slots and in rotated positions are one span.

    Args:
        rows: the step.
        layout_of: gives the slots of a block that has this base, those for new tokens included.
    """
    bases = {row.own.number: row.base for row in rows}
    found: list[SpanRow] = []
    for row in rows:
        spans: list[Span] = []
        end = turned_to = -1  # slot and position that go on from the last span
        for block, n_left in row.items:
            base = bases.get(block.number, block.base) or 0
            for slot, n_room, rotated_for in layout_of(block, base).spans:
                if n_left <= 0:
                    break
                n = n_room if n_room < n_left else n_left
                if slot == end and rotated_for == turned_to:
                    last = spans[-1]
                    spans[-1] = Span(last.slot, last.n_tokens + n, last.rotated_for)
                else:
                    spans.append(Span(slot, n, rotated_for))
                end, turned_to = slot + n, rotated_for + n
                n_left -= n
        found.append(SpanRow(spans, row.n_tokens, len(row.tokens)))
    return found


def _own_block(index: int, row: Row, blocks: Mapping[int, Block]) -> Block:
    if not row.view:
        raise EngineError(f"Row {index}: the view is empty. It must end in an open block.")
    own = row.view[-1]
    if isinstance(own, BlockPrefix):
        raise EngineError(
            f"Row {index}: the view ends in a prefix of block {own.block.number}. It must end in "
            "an open block; crop the block, or let the row write to a new one."
        )
    if blocks.get(own.number) is own and own.state == "open":
        return own
    check_here(own, blocks, f"Row {index}: ")
    if own.sealed:
        raise EngineError(
            f"Row {index}: the view ends in block {own.number}, which is sealed. It must end in "
            "an open block; let the row write to a new one."
        )
    return own


def _check_tokens(index: int, row: Row, config: ModelConfig) -> None:
    if not row.tokens:
        raise EngineError(f"Row {index}: no new tokens. Give at least one, or leave the row out.")
    if not 0 <= row.n_logits <= len(row.tokens):
        raise EngineError(
            f"Row {index}: {row.n_logits} logits are wanted of {len(row.tokens)} new tokens. Ask "
            "for 0 up to as many as there are new tokens."
        )
    if min(row.tokens) < 0 or max(row.tokens) >= config.n_vocab:
        wrong = next(token for token in row.tokens if not 0 <= token < config.n_vocab)
        raise EngineError(
            f"Row {index}: token id {wrong} is out of range. The model has ids 0 to "
            f"{config.n_vocab - 1}."
        )


def _resolve_row(
    index: int,
    row: Row,
    lengths: Mapping[int, int],
    blocks: Mapping[int, Block],
    config: ModelConfig,
) -> ResolvedRow:
    items: list[tuple[Block, int]] = []
    n_total = 0
    seen: set[int] = set()
    for item in row.view:
        block = item.block if isinstance(item, BlockPrefix) else item
        number = block.number
        if blocks.get(number) is not block or block.state == "suspended":
            check_here(block, blocks, f"Row {index}: ")
        n_tokens = lengths[number] if number in lengths else len(block.tokens)
        if isinstance(item, BlockPrefix):
            _check_prefix(index, item, n_tokens)
            n_tokens = item.n_tokens
        items.append((block, n_tokens))
        n_total += n_tokens
        seen.add(number)
    if len(seen) < len(items):
        raise _block_twice(index, items)
    own, n_own = items[-1]
    if n_total > config.context_length:
        raise EngineError(
            f"Row {index}: its view has {n_total} tokens with the {len(row.tokens)} new ones; the "
            f"model's context length is {config.context_length}. Show it less, or end the stream."
        )
    base = n_total - n_own if own.base is None else own.base
    return ResolvedRow(own, list(row.tokens), row.n_logits, tuple(items), n_total, base)


def check_alive(block: Block, blocks: Mapping[int, Block], place: str) -> None:
    """Raise EngineError unless `block` is one of `blocks`; `place` begins the message."""
    if block.state == "freed":
        raise EngineError(f"{place}block {block.number} was freed and cannot be used any more.")
    if blocks.get(block.number) is not block:
        raise EngineError(f"{place}block {block.number} belongs to another engine.")


def check_here(block: Block, blocks: Mapping[int, Block], place: str) -> None:
    """As `check_alive`, and the block has keys."""
    check_alive(block, blocks, place)
    if block.state == "suspended":
        raise EngineError(f"{place}block {block.number} is suspended and has no keys. Restore it.")


def _check_prefix(index: int, prefix: BlockPrefix, n_tokens: int) -> None:
    if prefix.n_tokens > n_tokens:
        raise EngineError(
            f"Row {index}: the view has the first {prefix.n_tokens} tokens of block "
            f"{prefix.block.number}, which was cropped to {n_tokens}. Take a new prefix."
        )


def _block_twice(index: int, items: Sequence[tuple[Block, int]]) -> EngineError:
    numbers = [block.number for block, _ in items]
    twice = next(number for i, number in enumerate(numbers) if number in numbers[:i])
    return EngineError(f"Row {index}: the view has block {twice} twice. A view shows a block once.")
