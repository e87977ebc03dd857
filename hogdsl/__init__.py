"""A language for programs in which streams of one model run at the same time over one KV cache.

    import hogdsl as hog

    @hog.program
    def answer(s: hog.Scope, question: str) -> str:
        s += hog.user(question) + hog.assistant(hog.gen("answer", max_tokens=64))
        return s["answer"]

    language/  what programs are written with          compiler/  checks and lowers them
    plan       what the compiler gives to a runtime    events     what a runtime gives back
    ports      where a runtime is plugged in           testing    a runtime that plays a script
    errors     all errors, sorted by who caused them

Importing this package does no work: a model is loaded when a program first runs.
"""

from hogdsl.errors import (
    CapacityError,
    EngineError,
    HogError,
    InternalError,
    ModelError,
    PlanError,
    ProgramError,
    RunCancelled,
)
from hogdsl.events import Event, Stats, Usage
from hogdsl.language import layouts
from hogdsl.language.conditions import all_workers, any_worker, regex
from hogdsl.language.defaults import use
from hogdsl.language.pieces import Piece, assistant, gen, select, system, turn, user
from hogdsl.language.program import Program, program
from hogdsl.language.run_stream import RunStream
from hogdsl.language.runner import Run
from hogdsl.language.scope import Scope
from hogdsl.plan import Plan
from hogdsl.ports import Runtime, local

__all__ = [
    "CapacityError",
    "EngineError",
    "Event",
    "HogError",
    "InternalError",
    "ModelError",
    "Piece",
    "Plan",
    "PlanError",
    "Program",
    "ProgramError",
    "Run",
    "RunCancelled",
    "RunStream",
    "Runtime",
    "Scope",
    "Stats",
    "Usage",
    "all_workers",
    "any_worker",
    "assistant",
    "gen",
    "layouts",
    "local",
    "program",
    "regex",
    "select",
    "system",
    "turn",
    "use",
    "user",
]
