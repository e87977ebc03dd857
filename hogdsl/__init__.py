"""A language for programs in which streams of one model run at the same time over one KV cache.

    import hogdsl as hog

    @hog.program
    def answer(s: hog.Scope, question: str) -> str:
        s += hog.user(question) + hog.assistant(hog.gen("answer", max_tokens=64))
        return s["answer"]

    language/  what programs are written with          compiler/  checks and lowers them
    plan       what the compiler gives to a runtime    events     what a runtime gives back
    commands   what a running region is told           ports      where a runtime is plugged in
    remote/    programs here, their runs on a server   wire       what a client and a server say
    traces     recorded runs
    testing    a runtime that plays a script           errors     all errors, by who caused them

Importing this package does no work: a model is loaded when a program first runs.
"""

from hogdsl.compiler.read import read_plan
from hogdsl.errors import (
    CapacityError,
    EngineError,
    HogError,
    InternalError,
    ModelError,
    PlanError,
    ProgramError,
    RunCancelled,
    ServerError,
    TraceError,
)
from hogdsl.events import ChosenToken, Event, Stats, TokenLogprob, Usage
from hogdsl.language import layouts
from hogdsl.language.batch import Batch, Outcome
from hogdsl.language.channel import Channel
from hogdsl.language.conditions import (
    Condition,
    Regex,
    all_workers,
    any_worker,
    closed,
    ended,
    first,
    quorum,
    regex,
)
from hogdsl.language.conversation import Conversation, conversation
from hogdsl.language.defaults import use
from hogdsl.language.gens import gen, select, token
from hogdsl.language.later import Later
from hogdsl.language.layouts import Shared, ViewItem
from hogdsl.language.listeners import Listener
from hogdsl.language.live import Live
from hogdsl.language.match import Match
from hogdsl.language.now import Now
from hogdsl.language.pieces import Piece, assistant, detached, system, turn, user
from hogdsl.language.program import Program, program
from hogdsl.language.run_stream import RunStream
from hogdsl.language.runner import Run
from hogdsl.language.scope import Scope
from hogdsl.language.speaker import Speaker
from hogdsl.language.streams import Stream
from hogdsl.language.team import Team, Worker
from hogdsl.language.tools import Tool, ToolError, describe, tool
from hogdsl.plan import Plan
from hogdsl.ports import Runtime, local
from hogdsl.remote import connect
from hogdsl.traces import record

__all__ = [
    "Batch",
    "CapacityError",
    "Channel",
    "ChosenToken",
    "Condition",
    "Conversation",
    "EngineError",
    "Event",
    "HogError",
    "InternalError",
    "Later",
    "Listener",
    "Live",
    "Match",
    "ModelError",
    "Now",
    "Outcome",
    "Piece",
    "Plan",
    "PlanError",
    "Program",
    "ProgramError",
    "Regex",
    "Run",
    "RunCancelled",
    "RunStream",
    "Runtime",
    "Scope",
    "ServerError",
    "Shared",
    "Speaker",
    "Stats",
    "Stream",
    "Team",
    "TokenLogprob",
    "Tool",
    "ToolError",
    "TraceError",
    "Usage",
    "ViewItem",
    "Worker",
    "all_workers",
    "any_worker",
    "assistant",
    "closed",
    "connect",
    "conversation",
    "describe",
    "detached",
    "ended",
    "first",
    "gen",
    "layouts",
    "local",
    "program",
    "quorum",
    "read_plan",
    "record",
    "regex",
    "select",
    "system",
    "token",
    "tool",
    "turn",
    "use",
    "user",
]
