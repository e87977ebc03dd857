"""What `import hogdsl` gives, and what it does not load."""

import subprocess
import sys

import hogdsl as hog

_IMPORT = """
import sys
import hogdsl
print(*sorted({"torch", "transformers", "tokenizers", "numpy", "runtime"} & set(sys.modules)))
"""


def test_the_public_names_are_these_and_no_others():
    assert sorted(hog.__all__) == [
        "Batch",
        "CapacityError",
        "Channel",
        "Condition",
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
        "Shared",
        "Speaker",
        "Stats",
        "Stream",
        "Team",
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
        "conversation",
        "describe",
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
