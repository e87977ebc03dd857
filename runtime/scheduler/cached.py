"""What the radix cache has of a region's texts, and what it is offered.

A text is found by all tokens of its view, from the first: those of the blocks that it is encoded
behind, and its own. At least its last token is left for the next step. So a region takes the same
steps, and its streams see the same of one another, whatever was found.

Nothing is found behind a text that is still to be encoded and will be so behind other blocks than
it is seen behind, a detached one for example: what follows it is no plain text.
"""

from collections.abc import Sequence

from hogdsl import plan
from runtime.blocks import Ahead, Block
from runtime.scheduler.accounts import Accounts
from runtime.scheduler.life import Phase
from runtime.scheduler.present import Present
from runtime.scheduler.work import Cache
from runtime.scheduler.writer import Writer


def find_texts(present: Present, accounts: Accounts) -> None:
    """Fill the region's text blocks with what is known of them."""
    for name, tokens in present.texts.items():
        before = present.before_text(name)
        n_found = _find(present, present.block(name), before, tokens)
        present.texts[name] = tokens[n_found:]
        accounts.tokens_encoded += len(tokens) - n_found


def find_beginning(present: Present, writer: Writer, accounts: Accounts) -> None:
    """Fill a stream that has just begun with what is known of its first text, unless it sees
    somebody who is writing."""
    *before, _ = writer.plan.view
    pending, writers = writer.written.pending, present.owners
    if pending and not any(_writes(writers[name]) for name in before if name in writers):
        n_found = _find(present, writer.block, before, pending)
        writer.written.appended(n_found)
        accounts.tokens_encoded -= n_found
        accounts.tokens_cached += n_found


def _writes(writer: Writer) -> bool:
    return writer.phase is not Phase.ENDED


def _find(present: Present, block: Block, before: Sequence[str], tokens: Sequence[int]) -> int:
    """Fill a block with what is known of its tokens behind the view `before`; says how many."""
    texts = [name for name in before if name not in present.owners]
    for i, name in enumerate(texts):
        if present.texts.get(name) and present.before_text(name) != tuple(texts[:i]):
            return 0
    ahead = [Ahead(present.block(name), present.texts.get(name, ())) for name in before]
    return present.cache.find(block, ahead, tokens[:-1])


def suspend(present: Present | None, blocks: list[Block], cache: Cache) -> None:
    """Suspend blocks of a run; what they lose by it is to be encoded again."""
    before = {block: list(block.tokens) for block in blocks}
    cache.suspend(*blocks)
    if present is None:
        return
    for name, rest in present.texts.items():
        block = present.block(name)
        present.texts[name] = (*before[block][block.n_tokens :], *rest)
    for writer in present.writers.values():
        lost = before[writer.block][writer.block.n_tokens :]
        writer.written.pending = [*lost, *writer.written.pending]


def remember_texts(present: Present) -> None:
    """Offer the region's texts, which have been encoded."""
    texts = [b.name for b in present.plan.blocks if isinstance(b, plan.EncodedBlock)]
    present.cache.remember(*map(present.block, texts))


def remember_streams(present: Present) -> None:
    """Offer what the region's streams have written, now that it is over."""
    present.cache.remember(*(writer.block for writer in present.writers.values()))
