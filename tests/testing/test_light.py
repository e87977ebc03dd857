"""Tests of programs run where no model library is installed."""

import subprocess
import sys

CODE = """
import sys
from hogdsl.testing import script
from hogdsl.plan import Gen, Region, RegexConstraint, Stream, StreamBlock

main = Stream(
    name="main",
    role="main",
    view=("main",),
    pieces=(Gen(name="x", constraint=RegexConstraint(regex="a+")),),
)
region = Region(name="r", blocks=(StreamBlock(name="main"),), streams=(main,))
last = list(script({"main": "aaa"}).open().run(region))[-1]
assert last.kind == "joined", last
heavy = {"torch", "numpy", "transformers", "tokenizers", "safetensors"} & set(sys.modules)
assert not heavy, heavy
"""


def test_a_script_runs_without_torch_and_without_a_tokenizer() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_importing_the_package_loads_no_runtime() -> None:
    code = "import sys, hogdsl.testing; assert 'runtime' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
