"""What the compiler gives to a runtime: pure data that travels as JSON.

    base.py     the base of all types that travel
    pieces.py   what a stream writes
    blocks.py   what views show
    streams.py  who writes, and what each sees
    rules.py    what paces them
    regions.py  regions and whole plans

A **plan** is a list of **regions** that run one after another. A region names the blocks that it
adds, the streams that run in it at the same time, and the rules that pace them. Sequential code is
a region with the single stream `main`. Names of blocks are unique in a plan, and a region may name
blocks of the regions before it; names of streams are unique in their region.

A view is a list of block names, the stream's own block last. Which tokens a text or a chat turn
becomes is decided by the runtime, whose model has the tokenizer and the chat template.
"""

from hogdsl.plan.base import Wire
from hogdsl.plan.blocks import (
    Block,
    DetachedBlock,
    EncodedBlock,
    HistoryBlock,
    StreamBlock,
    TextBlock,
)
from hogdsl.plan.pieces import (
    MAX_TOP_LOGPROBS,
    Bias,
    ChoicesConstraint,
    CloseTurn,
    Constraint,
    FixedPiece,
    Gen,
    JsonConstraint,
    Piece,
    RegexConstraint,
    Sampling,
    Select,
    Text,
    TokenName,
    Turn,
)
from hogdsl.plan.regions import PLAN_VERSION, Plan, Region
from hogdsl.plan.rules import (
    Ask,
    Condition,
    Ended,
    Hold,
    Insert,
    Matches,
    Until,
    Wait,
    Watch,
    Whole,
)
from hogdsl.plan.streams import BargeIn, Commit, Input, Stream

__all__ = [
    "MAX_TOP_LOGPROBS",
    "PLAN_VERSION",
    "Ask",
    "BargeIn",
    "Bias",
    "Block",
    "ChoicesConstraint",
    "CloseTurn",
    "Commit",
    "Condition",
    "Constraint",
    "DetachedBlock",
    "EncodedBlock",
    "Ended",
    "FixedPiece",
    "Gen",
    "HistoryBlock",
    "Hold",
    "Input",
    "Insert",
    "JsonConstraint",
    "Matches",
    "Piece",
    "Plan",
    "RegexConstraint",
    "Region",
    "Sampling",
    "Select",
    "Stream",
    "StreamBlock",
    "Text",
    "TextBlock",
    "TokenName",
    "Turn",
    "Until",
    "Wait",
    "Watch",
    "Whole",
    "Wire",
]
