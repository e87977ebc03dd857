"""How light the language is. Who may import whom is checked by import-linter (`make layers`)."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
HEAVY = {
    "flashinfer",
    "numpy",
    "runtime",
    "safetensors",
    "tokenizers",
    "torch",
    "transformers",
    "websockets",
}
IMPORT_LIMIT_S = 0.3

# Seconds of processor time, not of the clock: other work on the machine must not fail the test.
MEASURE = """
import sys, time
begin = time.process_time()
import hogdsl
print(time.process_time() - begin)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def import_hogdsl() -> tuple[float, set[str]]:
    """Seconds that `import hogdsl` takes in a fresh interpreter, and what it loads."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], cwd=ROOT, capture_output=True, text=True, check=True
    )
    seconds, modules = done.stdout.splitlines()
    return float(seconds), set(modules.split())


def test_importing_hogdsl_loads_no_model_library_and_no_runtime():
    _, modules = import_hogdsl()
    assert "hogdsl" in modules
    assert not modules & HEAVY


def test_importing_hogdsl_is_quick():
    import_hogdsl()  # writes the bytecode, if nothing has yet
    assert min(import_hogdsl()[0] for _ in range(3)) < IMPORT_LIMIT_S
