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

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hogdsl.errors import EngineError
from runtime.attention import Attention, SpanRow, fastest_kind, make_attention
from runtime.block_store import BlockStore
from runtime.blocks import Block, BlockPrefix, Row
from runtime.checkpoint import load_transformer
from runtime.graphs import make_passes
from runtime.holdings import Holdings
from runtime.model.kernels import make_kernels
from runtime.model.transformer import Transformer
from runtime.sizing import default_cache_tokens, find_device
from runtime.transfer import send
from runtime.views import ResolvedRow, check_alive, resolve, span_rows

ENCODE_CHUNK_TOKENS = 1024
PIGLET_FOLDER = Path(__file__).parent / "piglet" / "checkpoint"


class Engine(BlockStore):
    """A model and its cache. What is done with blocks without the model is `BlockStore`'s.

    Attributes:
        transformer: the model.
        device: where it is.
        dtype: of weights, keys and values.
        attention: which implementation reads the cache.
        config, pages, tree, radix, page_size_tokens: see `BlockStore`.
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
        self.device, self.dtype = transformer.device, transformer.dtype
        config = transformer.config
        if n_cache_tokens is None:
            n_cache_tokens = default_cache_tokens(config, self.dtype, self.device)
        if page_size_tokens < 1 or n_cache_tokens < page_size_tokens:
            raise EngineError(
                f"A cache has at least one page of at least one token, found {n_cache_tokens} "
                f"tokens in pages of {page_size_tokens}. Give it more memory."
            )
        holdings = Holdings(n_cache_tokens // page_size_tokens, page_size_tokens)
        self.attention = attention or fastest_kind(config, self.dtype, self.device)
        self._attention: Attention[Any] = make_attention(
            self.attention,
            config,
            transformer.rope,
            holdings.pages.n_total * page_size_tokens,
            device=self.device,
            dtype=self.dtype,
        )
        transformer.kernels = make_kernels(self.attention, self.device)
        self._passes = make_passes(self._attention, self.device)
        super().__init__(config, holdings, self._attention.move, self._hidden, radix=radix)

    @classmethod
    def load(
        cls,
        model: str | Path,
        *,
        device: str | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
        weights: str | None = None,
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
            weights: `"float16"` or `"int8"` keeps the large matrices in fewer bits, which are read
                in less time; see `runtime.model.matrices`. For float32 on a CPU.
            attention: see `Engine`.
            n_cache_tokens: see `Engine`.
            page_size_tokens: see `Engine`.
            radix: see `Engine`.

        Raises:
            ModelError: the folder is no checkpoint that can be run, or no such dtype, or no such
                weights.
            EngineError: no such device or attention, or no room for a cache.
        """
        folder = PIGLET_FOLDER if model == "piglet" else Path(model)
        transformer = load_transformer(
            folder, device=find_device(device), dtype=dtype, weights=weights
        )
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
        with self._room_for(resolved):
            logits = self._run(resolved)
        self._note_step(resolved)
        return logits

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

    def _run(self, rows: Sequence[ResolvedRow]) -> Tensor:
        tokens = [token for row in rows for token in row.tokens]
        hidden = self._hidden(span_rows(rows, self._holdings.layout), tokens)
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
