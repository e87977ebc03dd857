"""The runtime: a model, its cache, and what runs plans on them.

    embedded.py                     the runtime in this process: one thread for all runs
    scheduler/                      which rows run next, and what their results mean
    runner.py, sampling.py          a step on the engine; tokens from logits
    engine.py                       one step: rows in, logits out
    pages.py, blocks.py, views.py   who owns which page; what a row sees
    attention/                      concurrent attention over views
    model/, checkpoint/             the transformer and how it is loaded
    text/                           tokenizer, chat turns, stops
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
