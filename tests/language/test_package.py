"""What `import hogdsl` gives, and what it does not load."""

import subprocess
import sys

import hogdsl as hog

_IMPORT = """
import sys
import hogdsl
print(*sorted({"torch", "transformers", "tokenizers", "numpy", "runtime"} & set(sys.modules)))
"""

_FIRST_USE = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from hogdsl import events, plan
start = Barrier(8)
def use(n):
    start.wait()
    stream = plan.Stream(name="a", role="worker", view=("a",), pieces=(plan.Gen(),))
    until = plan.Until(condition=plan.Matches(streams=(("a", "b"), "c"), regex="x"))
    region = plan.Region(name="r", streams=(stream,), until=(until,))
    whole = plan.Plan(program="p", regions=(region,))
    assert plan.Plan.model_validate_json(whole.model_dump_json()) == whole
    return events.Token(seq=n, step=1, stream="a", token=5, text="x").model_dump_json()
with ThreadPoolExecutor(8) as pool:
    print(len(set(pool.map(use, range(8)))))
"""


def test_the_public_names_are_these_and_no_others():
    assert sorted(hog.__all__) == [
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
    assert all(hasattr(hog, name) for name in hog.__all__)


def test_importing_loads_no_model_library():
    told = subprocess.run(
        [sys.executable, "-c", _IMPORT], capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == []


def test_threads_may_use_wire_types_first_at_the_same_time():
    told = subprocess.run(
        [sys.executable, "-c", _FIRST_USE], capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["8"]
