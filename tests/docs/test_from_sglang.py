"""Every pair of docs/from-sglang.md is run, on the same texts, and prints the same."""

import json
import subprocess
import sys
from functools import cache
from importlib.util import find_spec

import pytest

import hogdsl as hog
from hogdsl.testing import script
from tests.docs.pages import DOCS, namespace, run
from tests.docs.pairs import PAGE, Pair, pairs

TIMEOUT_S = 60
PAIRS = pairs()


def section(pair: Pair) -> str:
    return pair.sglang.section


@cache
def sglang_prints() -> list[str]:
    """What SGLang's side of all pairs prints. Now and then one of its forks waits for ever; then it
    is run again."""
    command = [sys.executable, "-m", "tests.docs.sglang_side"]
    for attempt in (1, 2):
        try:
            done = subprocess.run(
                command, cwd=DOCS.parent, capture_output=True, text=True, timeout=TIMEOUT_S
            )
        except subprocess.TimeoutExpired:
            if attempt == 2:
                raise
            continue
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
    raise AssertionError


@pytest.mark.parametrize("pair", PAIRS, ids=section)
def test_the_hogdsl_side_prints_what_the_page_says(pair: Pair):
    runtime = script(pair.texts)
    with hog.use(runtime):
        printed = run(pair.hogdsl, PAGE, namespace({"hog": hog, "runtime": runtime}))
    assert printed == pair.printed


@pytest.mark.skipif(find_spec("sglang") is None, reason="needs the extra `sglang`")
@pytest.mark.parametrize("n", range(len(PAIRS)), ids=[section(pair) for pair in PAIRS])
def test_the_sglang_side_prints_the_same(n: int):
    assert sglang_prints()[n] == PAIRS[n].printed
