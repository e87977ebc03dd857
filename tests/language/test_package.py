"""What `import hogdsl` gives and what it costs."""

import subprocess
import sys

import hogdsl as hog

_TIMED_IMPORT = """
import sys, time
began = time.process_time()
import hogdsl
seconds = time.process_time() - began
heavy = {"torch", "transformers", "numpy", "runtime"} & set(sys.modules)
print(seconds, *sorted(heavy))
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


def test_importing_is_quick_and_loads_no_model_library():
    costs: list[float] = []
    for _ in range(3):  # seconds of CPU, the best of three: other processes may be busy
        told = subprocess.run(
            [sys.executable, "-c", _TIMED_IMPORT], capture_output=True, text=True, check=True
        )
        seconds, *heavy = told.stdout.split()
        assert heavy == []
        costs.append(float(seconds))
    assert min(costs) < 0.4
