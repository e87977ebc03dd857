"""The low-level engine: blocks of tokens in one cache, read by rows through views.

    engine = Engine.load("piglet")
    prompt = engine.encode(token_ids)
    a, b = engine.block(), engine.block()
    logits = engine.forward([Row([prompt, b, a], [5]), Row([prompt, a, b], [7])])

One call of `forward` is one step: the new tokens of all rows are written to their own blocks, then
all rows attend, so each sees what all wrote. Every call either does the whole of what it says or
raises and leaves blocks and pages as they were. An engine is used by one thread at a time.

Pages of plain texts may stay in the radix cache when their blocks are freed, until the room is
needed; `find` gives them to a block that is to hold the same text behind the same view.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hogdsl.errors import EngineError
from runtime.attention import Attention, SpanRow, fastest_kind, make_attention
from runtime.blocks import Ahead, Block, BlockPrefix, Row
from runtime.cache.plain import (
    Link,
    ViewItems,
    Written,
    chain_end,
    note_cropped,
    note_moved,
    note_written,
)
from runtime.checkpoint import load_transformer
from runtime.graphs import make_passes
from runtime.history import Log
from runtime.holdings import Holdings
from runtime.model.kernels import make_kernels
from runtime.model.transformer import Transformer
from runtime.reuse import Reuse
from runtime.sizing import default_cache_tokens, find_device
from runtime.suspension import Suspension
from runtime.transfer import send
from runtime.views import ResolvedRow, check_alive, check_here, resolve, span_rows

ENCODE_CHUNK_TOKENS = 1024
PIGLET_FOLDER = Path(__file__).parent / "piglet" / "checkpoint"


class Engine:
    """A model and its cache.

    Attributes:
        transformer: the model.
        config: its `ModelConfig`.
        device: where it is.
        dtype: of weights, keys and values.
        attention: which implementation reads the cache.
        pages: the `PagePool`; `pages.n_used`, `pages.n_free` and `pages.n_total` count pages.
        tree: the `RadixCache`; `tree.n_evictable` of the used pages are free when they are needed.
        radix: whether texts are found in the tree and given to it.
        page_size_tokens: tokens per page.
    """

    def __init__(
        self,
        transformer: Transformer,
        *,
        attention: str | None = None,
        n_cache_tokens: int | None = None,
        page_size_tokens: int = 16,
        radix: bool = True,
    ) -> None:
        """An engine with an empty cache.

        Args:
            transformer: the model.
            attention: a name in `runtime.attention.ATTENTION_KINDS`; by default the fastest that
                works here.
            n_cache_tokens: size of the cache, rounded down to whole pages; by default what
                `runtime.sizing.default_cache_tokens` says.
            page_size_tokens: tokens per page; a block holds whole pages.
            radix: read texts that were encoded before again, instead of encoding them.

        Raises:
            EngineError: no such attention, it cannot work here, or the cache has no page.
        """
        self.transformer = transformer
        self.config, self.device, self.dtype = (
            transformer.config,
            transformer.device,
            transformer.dtype,
        )
        if n_cache_tokens is None:
            n_cache_tokens = default_cache_tokens(self.config, self.dtype, self.device)
        if page_size_tokens < 1 or n_cache_tokens < page_size_tokens:
            raise EngineError(
                f"A cache has at least one page of at least one token, found {n_cache_tokens} "
                f"tokens in pages of {page_size_tokens}. Give it more memory."
            )
        self.page_size_tokens = page_size_tokens
        self.radix = radix
        self._holdings = Holdings(n_cache_tokens // page_size_tokens, page_size_tokens)
        self.pages, self.tree = self._holdings.pages, self._holdings.tree
        self.attention = attention or fastest_kind(self.config, self.dtype, self.device)
        self._attention: Attention[Any] = make_attention(
            self.attention,
            self.config,
            transformer.rope,
            self.pages.n_total * page_size_tokens,
            device=self.device,
            dtype=self.dtype,
        )
        transformer.kernels = make_kernels(self.attention, self.device)
        self._passes = make_passes(self._attention, self.device)
        self._reuse = Reuse(self._holdings, self._attention.move)
        self._blocks: dict[int, Block] = {}
        self._suspension = Suspension(self._blocks, self._holdings, self._hidden)
        self._n_blocks_ever = 0
        self._n_steps_ever = 0

    @classmethod
    def load(
        cls,
        model: str | Path,
        *,
        device: str | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
        attention: str | None = None,
        n_cache_tokens: int | None = None,
        page_size_tokens: int = 16,
        radix: bool = True,
    ) -> "Engine":
        """An engine for a checkpoint.

        Args:
            model: `"piglet"` for the model that comes with the package, or a folder with a
                Hugging Face checkpoint.
            device: by default CUDA if there is one, else the CPU.
            dtype: by default float32 on a CPU and the checkpoint's own type elsewhere.
            attention: see `Engine`.
            n_cache_tokens: see `Engine`.
            page_size_tokens: see `Engine`.
            radix: see `Engine`.

        Raises:
            ModelError: the folder is no checkpoint that can be run, or no such dtype.
            EngineError: no such device or attention, or no room for a cache.
        """
        folder = PIGLET_FOLDER if model == "piglet" else Path(model)
        transformer = load_transformer(folder, device=find_device(device), dtype=dtype)
        return cls(
            transformer,
            attention=attention,
            n_cache_tokens=n_cache_tokens,
            page_size_tokens=page_size_tokens,
            radix=radix,
        )

    def __repr__(self) -> str:
        return (
            f"<Engine {self.transformer!r}, {self.attention} attention, "
            f"{len(self._blocks)} blocks, {self.pages!r}>"
        )

    # ------------------------------------------------------------ blocks

    def block(self, *, base: int | None = None, namespace: str = "") -> Block:
        """A new open block without tokens or pages.

        Args:
            base: the position to rotate its first key for. Any gives the same results; by default
                the place where the block stands when it is first written, which saves rotations
                if it stays there, and is what the radix cache needs.
            namespace: texts are found again only within one, such as a tenant's.
        """
        block = Block(self._n_blocks_ever, base=base, namespace=namespace)
        self._n_blocks_ever += 1
        self._blocks[block.number] = block
        return block

    def encode(
        self,
        tokens: Sequence[int],
        after: Sequence[Block | BlockPrefix] = (),
        *,
        namespace: str = "",
    ) -> Block:
        """A sealed block with `tokens`, encoded as the continuation of the view `after`.

        What the radix cache has of it is not encoded again, and what it had not it has then.

        Raises:
            EngineError, CapacityError: as `forward`; then no block is left behind.
        """
        block = self.block(namespace=namespace)
        try:
            n_found = self.find(block, after, tokens)
            # All pages at once, so that they lie together and are read in place.
            place = sum(item.n_tokens for item in after)
            self._holdings.take(block, place, len(tokens) - n_found, grows=False)
            for start in range(n_found, len(tokens), ENCODE_CHUNK_TOKENS):
                chunk = tokens[start : start + ENCODE_CHUNK_TOKENS]
                self.forward([Row([*after, block], chunk, n_logits=0)])
            self.remember(block)
        except BaseException:
            self.free(block)
            raise
        self.seal(block)
        return block

    def find(
        self, block: Block, view: Sequence[Block | BlockPrefix | Ahead], tokens: Sequence[int]
    ) -> int:
        """Give an empty block the longest beginning of `tokens` that is in the radix cache.

        Args:
            block: open and without tokens.
            view: what `tokens` are to be encoded behind. What is still coming to a block of it
                must be encoded there, as plain text, when a row first writes to `block`.
            tokens: what the block is to hold.

        Returns:
            How many tokens the block now has: 0 if the view is no plain text, or the whole is too
            long for the model.

        Raises:
            EngineError: the block is not open or has tokens, or `forward` would raise it for a row
                with these tokens.
        """
        self._check_open(block, "find")
        if block.tokens:
            raise EngineError(
                f"find: block {block.number} has {block.n_tokens} tokens. Only an empty block can "
                "be given the beginning of a text; make a new one."
            )
        if not tokens:
            return 0
        blocks = [item.block if isinstance(item, Ahead) else item for item in view]
        if sum(block.n_tokens for block in blocks) + len(tokens) > self.config.context_length:
            return 0
        [row] = resolve([Row([*blocks, block], tokens, n_logits=0)], self._blocks, self.config)
        coming = {item.block: item.coming for item in view if isinstance(item, Ahead)}
        chain = [Link(b, n, coming.get(b, ())) for b, n in row.items[:-1]]
        end = chain_end(chain, block.namespace)
        if not self.radix or end is None or block.base is not None:
            return 0
        n_found = self._reuse.find(block, chain, end, tokens)
        if n_found and not any(link.coming for link in chain):
            self._log(row.items[:-1], block, n_found)
        return n_found

    def remember(self, *blocks: Block) -> None:
        """Give the full pages of the plain tokens of blocks, and of those before, to the tree.

        The blocks go on reading them; when they are freed the pages stay until the room is needed.

        Raises:
            EngineError: a block was freed or is not this engine's; then nothing is given.
        """
        for block in blocks:
            check_alive(block, self._blocks, "remember: ")
        if self.radix:
            for block in blocks:
                self._reuse.remember(block, self._blocks)

    def seal(self, block: Block) -> None:
        """Finish the text of an open block; a sealed one stays as it is."""
        check_here(block, self._blocks, "seal: ")
        block.state = "sealed"

    def crop(self, block: Block, n_tokens: int) -> None:
        """Keep the first `n_tokens` tokens of an open block and free the pages of the others.

        Raises:
            EngineError: the block is not open or has fewer tokens.
        """
        self._check_open(block, "crop")
        if not 0 <= n_tokens <= block.n_tokens:
            raise EngineError(
                f"crop: block {block.number} cannot keep {n_tokens} tokens, it has "
                f"{block.n_tokens}."
            )
        self._crop(block, n_tokens)

    def commit(self, block: Block, *, into: Block) -> None:
        """Move all tokens of `block` to the end of the block `into`; `block` is then empty.

        Keys are turned once to their new place, values are copied. Both blocks stay open. While
        it goes on both hold pages.

        Raises:
            EngineError: a block is not open, or they are one block.
            CapacityError: no pages for the copy.
        """
        self._check_open(block, "commit")
        self._check_open(into, "commit into")
        if block is into:
            raise EngineError(f"commit: block {block.number} cannot be moved into itself.")
        if not block.tokens:
            return
        # A history without keys takes over the base, and then nothing needs to be turned.
        base = block.base if into.base is None else into.base
        self._reuse.append(block, into, base or 0)
        into.base = base
        note_moved(block, into)
        into.tokens.extend(block.tokens)
        into.log.extend(block.log)
        self._crop(block, 0)

    def free(self, *blocks: Block) -> None:
        """Free blocks and their pages; they cannot be used any more.

        Raises:
            EngineError: a block was freed before or is not this engine's; then none is freed.
        """
        for block in blocks:
            check_alive(block, self._blocks, "free: ")
        for block in set(blocks):
            self._holdings.free(block)
            del self._blocks[block.number]
            self._suspension.forget(block)
            block.state = "freed"
            block.tokens, block.log = [], Log()

    # ------------------------------------------------------------ blocks without keys

    def suspend(self, *blocks: Block) -> None:
        """Free the pages of blocks that nobody reads for a while.

        They keep their tokens and what these saw, and can be restored or freed; until then no row
        may see or write them. Blocks that are suspended already stay so.

        Raises:
            EngineError: a block was freed or is not this engine's; then none is suspended.
        """
        for block in blocks:
            check_alive(block, self._blocks, "suspend: ")
        for block in blocks:
            self._suspension.suspend(block)

    @torch.inference_mode()
    def restore(self, *blocks: Block) -> None:
        """Give suspended blocks the keys and values that they had, computed in parallel.

        What their tokens saw when they were written is known (`runtime.history`). Text that was
        seen and is in no block any more needs pages while this goes on. Blocks that are not
        suspended stay as they are.

        Raises:
            EngineError: a block was freed or is not this engine's.
            CapacityError: fewer pages can be had than `n_pages_to_restore` says.
            In all cases, and if the model fails, all blocks stay suspended.
        """
        for block in blocks:
            check_alive(block, self._blocks, "restore: ")
        self._suspension.restore(blocks)

    def n_pages_to_restore(self, *blocks: Block) -> int:
        """Pages that `restore` needs for these blocks, those included that it gives back."""
        return self._suspension.n_pages(blocks)

    # ------------------------------------------------------------ steps

    @torch.inference_mode()
    def forward(self, rows: Sequence[Row]) -> Tensor:
        """One step: write the new tokens of all rows, then read.

        Returns:
            Logits after the last `n_logits` new tokens of each row, in the order of the rows,
            float32[sum of n_logits, n_vocab] (float64 for a float64 model).

        Raises:
            EngineError: a row breaks a rule; its index is in the message.
            CapacityError: not enough pages for the new tokens; texts that nobody reads may have
                been evicted.
        """
        resolved = resolve(rows, self._blocks, self.config)
        if not resolved:
            return torch.empty(0, self.config.n_vocab, device=self.device)
        taken: dict[int, int] = {}
        try:
            for row in resolved:
                self._reuse.leave_tree(row.own)
                taken[row.own.number] = self._holdings.take(row.own, row.base, len(row.tokens))
            logits = self._run(resolved)
        except BaseException:
            for number, n_pages in taken.items():
                self.pages.give(number, n_pages)
            raise
        for row in resolved:
            row.own.base = row.base
        note_written([Written(row.own, row.items[:-1], len(row.tokens)) for row in resolved])
        for row in resolved:
            n_found = row.own.n_tokens - row.own.log.n_tokens
            if n_found:  # what it saw is whole only now, see `find`
                self._log(row.items[:-1], row.own, n_found)
            row.own.tokens.extend(row.tokens)
            self._log(row.items[:-1], row.own, len(row.tokens))
        self._n_steps_ever += 1
        return logits

    def _log(self, before: ViewItems, own: Block, n_new: int) -> None:
        """Note what the last `n_new` tokens of a block saw."""
        seen = [(block.log, n_tokens) for block, n_tokens in before]
        seen.append((own.log, own.n_tokens))
        own.log.write(own.tokens[own.n_tokens - n_new :], seen, self._n_steps_ever)

    def _run(self, rows: Sequence[ResolvedRow]) -> Tensor:
        blocks = {block.number: block for row in rows for block, _ in row.items}
        runs = {number: self._holdings.runs(block) for number, block in blocks.items()}
        tokens = [token for row in rows for token in row.tokens]
        hidden = self._hidden(span_rows(rows, runs, self.page_size_tokens), tokens)
        wanted: list[int] = []
        end = 0
        for row in rows:
            end += len(row.tokens)
            wanted.extend(range(end - row.n_logits, end))
        if len(wanted) < len(hidden):
            hidden = hidden[send(torch.tensor(wanted, dtype=torch.int64), self.device)]
        return self.transformer.logits(hidden)

    def _hidden(self, rows: Sequence[SpanRow], tokens: Sequence[int]) -> Tensor:
        """Write and read in all layers; [n, width] for the new tokens of all rows."""
        step = self._attention.prepare(rows)
        attend = partial(self._attention.attend, step)
        shape = getattr(step, "bucket", None)  # of attention that pads steps to shapes
        return self._passes.run(shape, tokens, partial(self.transformer.hidden, attend=attend))

    # ------------------------------------------------------------ pages

    @property
    def n_tokens_most(self) -> int:
        """How many tokens the cache holds."""
        return self.pages.n_total * self.page_size_tokens

    def make_room(self, growth: Mapping[Block, int]) -> int:
        """Evict texts that nobody reads, the longest unused first, until blocks can grow.

        Args:
            growth: how many tokens each block is to get; a suspended one needs all its pages.

        Returns:
            How many pages are missing even if all that can be is evicted; then nothing was.
        """
        return self._holdings.make_room_for(growth)

    def check(self) -> None:
        """Prove that each page has exactly one owner and each block the pages that it needs.

        Raises:
            InternalError: the books do not agree.
        """
        self._holdings.check(self._blocks.values())

    def _crop(self, block: Block, n_tokens: int) -> None:
        if n_tokens < block.n_tokens:
            self._holdings.crop(block, n_tokens)
            block.log = block.log.first(n_tokens)
            note_cropped(block)

    def _check_open(self, block: Block, what: str) -> None:
        check_alive(block, self._blocks, f"{what}: ")
        if block.state != "open":
            raise EngineError(
                f"{what}: block {block.number} is {block.state}; only an open block can change."
            )
