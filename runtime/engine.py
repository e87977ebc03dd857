"""The low-level engine: blocks of tokens in one cache, read by rows through views.

    engine = Engine.load("piglet")
    prompt = engine.encode(token_ids)
    a, b = engine.block(), engine.block()
    logits = engine.forward([Row([prompt, b, a], [5]), Row([prompt, a, b], [7])])

One call of `forward` is one step: the new tokens of all rows are written to their own blocks, then
all rows attend, so each sees what all wrote. Every call either does the whole of what it says or
raises and leaves blocks and pages as they were. An engine is used by one thread at a time.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hogdsl.errors import CapacityError, EngineError, InternalError
from runtime.attention import Attention, Span, SpanRow, make_attention
from runtime.blocks import Block, BlockPrefix, BlockState, Row
from runtime.checkpoint import load_transformer
from runtime.history import Log
from runtime.model.transformer import Transformer
from runtime.pages import PagePool
from runtime.placement import Placement
from runtime.restore import Restoration, Scratch
from runtime.sizing import default_cache_tokens, find_device
from runtime.views import ResolvedRow, block_spans, check_alive, check_here, resolve, span_rows

ENCODE_CHUNK_TOKENS = 1024
PIGLET_FOLDER = Path(__file__).parent / "piglet" / "checkpoint"


class Engine:
    """A model and its cache.

    Attributes:
        transformer: the model.
        config: its `ModelConfig`.
        device: where it is.
        dtype: of weights, keys and values.
        pages: the `PagePool`; `pages.n_used` and `pages.n_total` count pages.
        page_size_tokens: tokens per page.
    """

    def __init__(
        self,
        transformer: Transformer,
        *,
        attention: str = "torch",
        n_cache_tokens: int | None = None,
        page_size_tokens: int = 16,
    ) -> None:
        """An engine with an empty cache.

        Args:
            transformer: the model.
            attention: a name in `runtime.attention.ATTENTION_KINDS`.
            n_cache_tokens: size of the cache, rounded down to whole pages; by default what
                `runtime.sizing.default_cache_tokens` says.
            page_size_tokens: tokens per page; a block holds whole pages.

        Raises:
            EngineError: no such attention, or the cache has not even one page.
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
        self.pages = PagePool(n_cache_tokens // page_size_tokens)
        self._attention: Attention[Any] = make_attention(
            attention,
            self.config,
            transformer.rope,
            self.pages.n_total * page_size_tokens,
            device=self.device,
            dtype=self.dtype,
        )
        self._blocks: dict[int, Block] = {}
        self._suspended: dict[int, BlockState] = {}
        """By number of a suspended block: the state that it comes back to."""
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
    ) -> "Engine":
        """An engine for a checkpoint.

        Args:
            model: `"piglet"` for the model that comes with the package, or a folder with a
                Hugging Face checkpoint.
            device: by default CUDA if there is one, else the CPU.
            dtype: by default float32 on a CPU and the checkpoint's own type elsewhere.
            attention: by default the fastest that runs here.
            n_cache_tokens: see `Engine`.
            page_size_tokens: see `Engine`.

        Raises:
            ModelError: the folder is no checkpoint that can be run, or no such dtype.
            EngineError: no such device or attention, or no room for a cache.
        """
        folder = PIGLET_FOLDER if model == "piglet" else Path(model)
        transformer = load_transformer(folder, device=find_device(device), dtype=dtype)
        return cls(
            transformer,
            attention=attention or "torch",
            n_cache_tokens=n_cache_tokens,
            page_size_tokens=page_size_tokens,
        )

    def __repr__(self) -> str:
        return f"<Engine {self.transformer!r}, {len(self._blocks)} blocks, {self.pages!r}>"

    # ------------------------------------------------------------ blocks

    def block(self, *, base: int | None = None) -> Block:
        """A new open block without tokens or pages.

        Args:
            base: the position to rotate its first key for. Any gives the same results; by default
                the place where the block stands when it is first written, which saves rotations
                if it stays there.
        """
        block = Block(self._n_blocks_ever, base=base)
        self._n_blocks_ever += 1
        self._blocks[block.number] = block
        return block

    def encode(self, tokens: Sequence[int], after: Sequence[Block | BlockPrefix] = ()) -> Block:
        """A sealed block with `tokens`, encoded as the continuation of the view `after`.

        Raises:
            EngineError, CapacityError: as `forward`; then no block is left behind.
        """
        block = self.block()
        try:
            # All pages at once, so that they lie together and are read in place.
            self.pages.take(block.number, self._n_pages(len(tokens)), grows=False)
            for start in range(0, len(tokens), ENCODE_CHUNK_TOKENS):
                chunk = tokens[start : start + ENCODE_CHUNK_TOKENS]
                self.forward([Row([*after, block], chunk, n_logits=0)])
        except BaseException:
            self.free(block)
            raise
        self.seal(block)
        return block

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
        self._move(block, into, base or 0)
        into.base = base
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
            self.pages.give_all(block.number)
            del self._blocks[block.number]
            self._suspended.pop(block.number, None)
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
            if block.state != "suspended":
                self.pages.give_all(block.number)
                self._suspended[block.number] = block.state
                block.state = "suspended"

    @torch.inference_mode()
    def restore(self, *blocks: Block) -> None:
        """Give suspended blocks the keys and values that they had, computed in parallel.

        What their tokens saw when they were written is known (`runtime.history`). Text that was
        seen and is in no block any more needs pages while this goes on. Blocks that are not
        suspended stay as they are.

        Raises:
            EngineError: a block was freed or is not this engine's.
            CapacityError: fewer pages are free than `n_pages_to_restore` says.
            In all cases, and if the model fails, all blocks stay suspended.
        """
        returning, restoration = self._restoration(blocks)
        n_scratch = restoration.n_scratch_pages(self.page_size_tokens)
        n_all = n_scratch + sum(self._n_pages(block.n_tokens) for block in returning)
        if n_all > self.pages.n_free:
            raise CapacityError(
                f"restore: {n_all} pages are needed, {n_scratch} of them only meanwhile, for text "
                f"that was seen and is gone; {self.pages.n_free} of {self.pages.n_total} are free. "
                "Free, crop or suspend other blocks first."
            )
        try:
            for block in returning:
                grows = self._suspended[block.number] == "open"
                self.pages.take(block.number, self._n_pages(block.n_tokens), grows=grows)
            self._recompute(restoration)
        except BaseException:
            for block in returning:
                self.pages.give_all(block.number)
            raise
        for block in returning:
            block.state = self._suspended.pop(block.number)

    def n_pages_to_restore(self, *blocks: Block) -> int:
        """Free pages that `restore` needs for these blocks, those included that it gives back."""
        returning, restoration = self._restoration(blocks)
        n_scratch = restoration.n_scratch_pages(self.page_size_tokens)
        return n_scratch + sum(self._n_pages(block.n_tokens) for block in returning)

    # ------------------------------------------------------------ steps

    @torch.inference_mode()
    def forward(self, rows: Sequence[Row]) -> Tensor:
        """One step: write the new tokens of all rows, then read.

        Returns:
            Logits after the last `n_logits` new tokens of each row, in the order of the rows,
            float32[sum of n_logits, n_vocab] (float64 for a float64 model).

        Raises:
            EngineError: a row breaks a rule; its index is in the message.
            CapacityError: not enough free pages for the new tokens.
        """
        resolved = resolve(rows, self._blocks, self.config)
        if not resolved:
            return torch.empty(0, self.config.n_vocab, device=self.device)
        taken: dict[int, int] = {}
        try:
            for row in resolved:
                taken[row.own.number] = self._make_room(row.own, len(row.tokens))
            logits = self._run(resolved)
        except BaseException:
            for number, n_pages in taken.items():
                self.pages.give(number, n_pages)
            raise
        for row in resolved:
            row.own.base = row.base
            row.own.tokens.extend(row.tokens)
            seen = [(block.log, n_tokens) for block, n_tokens in row.items]
            row.own.log.write(row.tokens, seen, self._n_steps_ever)
        self._n_steps_ever += 1
        return logits

    def _run(self, rows: Sequence[ResolvedRow]) -> Tensor:
        runs = {b.number: self.pages.runs(b.number) for row in rows for b, _ in row.items}
        tokens = [token for row in rows for token in row.tokens]
        hidden = self._hidden(span_rows(rows, runs, self.page_size_tokens), tokens)
        wanted: list[int] = []
        end = 0
        for row in rows:
            end += len(row.tokens)
            wanted.extend(range(end - row.n_logits, end))
        if len(wanted) < len(hidden):
            hidden = hidden[wanted]
        return self.transformer.logits(hidden)

    def _hidden(self, rows: Sequence[SpanRow], tokens: Sequence[int]) -> Tensor:
        """Write and read in all layers; [n, width] for the new tokens of all rows."""
        step = self._attention.prepare(rows)
        ids = torch.tensor(tokens, device=self.device)
        return self.transformer.hidden(ids, partial(self._attention.attend, step))

    # ------------------------------------------------------------ pages

    def check(self) -> None:
        """Prove that each page has exactly one owner and each block the pages that it needs.

        Raises:
            InternalError: the books do not agree.
        """
        self.pages.check()
        if strangers := self.pages.owners() - set(self._blocks):
            raise InternalError(f"Pages belong to blocks {strangers}, which do not exist.")
        for block in self._blocks.values():
            n_with_keys = 0 if block.state == "suspended" else block.n_tokens
            needed, held = self._n_pages(n_with_keys), self.pages.n_held(block.number)
            if needed != held:
                raise InternalError(f"{block!r} holds {held} pages and needs {needed}.")

    def _n_pages(self, n_tokens: int) -> int:
        return -(-n_tokens // self.page_size_tokens)

    def _make_room(self, block: Block, n_new: int) -> int:
        """Take the pages that `n_new` more tokens need; returns how many."""
        n_needed = self._n_pages(block.n_tokens + n_new)
        n_missing = max(0, n_needed - self.pages.n_held(block.number))
        self.pages.take(block.number, n_missing)
        return n_missing

    def _restoration(self, blocks: Sequence[Block]) -> tuple[list[Block], Restoration]:
        """Those of the blocks that are suspended, and the plan to restore them."""
        for block in blocks:
            check_alive(block, self._blocks, "restore: ")
        returning = [b for b in dict.fromkeys(blocks) if b.state == "suspended"]
        present = [b for b in self._blocks.values() if b.state != "suspended"]
        return returning, Restoration(returning, present)

    def _recompute(self, restoration: Restoration) -> None:
        """Write the keys and values of all tokens that are needed."""
        blocks = {home.block for home in restoration.homes.values()}
        spans = {b: self._spans(b, b.base or 0, 0, b.n_tokens) for b in blocks}
        placement = Placement(restoration.homes, spans)
        scratch: dict[Scratch, Block] = {}
        try:
            for part in restoration.passes:
                for new in part.begins:
                    block = scratch[new] = self.block(base=0)
                    self.pages.take(block.number, self._n_pages(new.n_tokens), grows=False)
                    placement.place(new.runs, self._spans(block, 0, 0, new.n_tokens))
                rows = [placement.row(r.run, r.n_held, r.n_tokens) for r in part.runs]
                self._hidden(rows, [token for r in part.runs for token in r.tokens])
                self.free(*(scratch.pop(old) for old in part.ends))
        finally:
            self.free(*scratch.values())

    def _crop(self, block: Block, n_tokens: int) -> None:
        del block.tokens[n_tokens:]
        block.log = block.log.first(n_tokens)
        n_spare = self.pages.n_held(block.number) - self._n_pages(n_tokens)
        self.pages.give(block.number, n_spare)
        if not block.tokens:
            block.base = None

    def _move(self, block: Block, into: Block, base: int) -> None:
        """Copy the keys and values of `block` behind those of `into`, whose base is `base`."""
        n_pages = self._make_room(into, block.n_tokens)
        try:
            end = into.n_tokens + block.n_tokens
            sources = self._spans(block, block.base or 0, 0, block.n_tokens)
            self._attention.move(sources, self._spans(into, base, into.n_tokens, end))
        except BaseException:
            self.pages.give(into.number, n_pages)
            raise

    def _spans(self, block: Block, base: int, start: int, end: int) -> list[Span]:
        """Where the tokens `start … end - 1` of a block are."""
        runs = self.pages.runs(block.number)
        spans = block_spans(runs, self.page_size_tokens, base, end)
        found: list[Span] = []
        for span in spans:
            skipped = min(start, span.n_tokens)
            start -= skipped
            if skipped < span.n_tokens:
                rest = span.n_tokens - skipped
                found.append(Span(span.slot + skipped, rest, span.rotated_for + skipped))
        return found

    def _check_open(self, block: Block, what: str) -> None:
        check_alive(block, self._blocks, f"{what}: ")
        if block.state != "open":
            raise EngineError(
                f"{what}: block {block.number} is {block.state}; only an open block can change."
            )
