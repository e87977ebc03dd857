"""The runtime: a model, its cache, and what runs plans on them.

    embedded.py                     the runtime in this process: one thread for all runs
    server/                         a runtime for clients elsewhere: HTTP and WebSocket
    loop.py                         one step after the other on a machine, and its failures
    scheduler/                      which rows run next, and what their results mean
    runner.py                       the engine as a machine
    sampling.py                     tokens from logits, with masks.py and penalties.py
    scripted/                       a script as a machine, for tests of programs
    engine.py, block_store.py       one step: rows in, logits out; what is done with blocks between
    pages.py, blocks.py, views.py   who owns which page; what a row sees
    cache/                          the radix cache: texts that may be read again
    holdings.py, reuse.py           pages of blocks, own and shared; texts found and given
    history.py                      what every token saw when it was written
    suspension.py, restore.py, placement.py   suspended blocks, computed again in one pass
    attention/                      concurrent attention over views
    model/, checkpoint/             the transformer and how it is loaded
    text/, grammar.py               tokenizer and chat turns; constrained texts
    piglet/                         the embedded model, and how it is made

`Engine` is loaded on first use, so importing this package imports no torch.
"""

from typing import TYPE_CHECKING, Any

from runtime.blocks import Block, BlockPrefix, Row

if TYPE_CHECKING:
    from runtime.engine import Engine

__all__ = ["Block", "BlockPrefix", "Engine", "Row"]


def __getattr__(name: str) -> Any:
    if name == "Engine":
        from runtime.engine import Engine

        return Engine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
