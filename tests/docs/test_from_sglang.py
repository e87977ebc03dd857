"""Every pair of docs/from-sglang.md is run, on the same texts, and prints the same."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

import hogdsl as hog
from hogdsl.testing import script
from tests.docs.pages import DOCS, Block, blocks, namespace, run

PAGE = DOCS / "from-sglang.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The same program on both sides, what the model writes in it, and what it prints."""

    texts: dict[str, list[str]]
    sglang: Block
    hogdsl: Block
    printed: str


def pairs() -> list[Pair]:
    """All pairs of the page: two blocks of code, one after another, and what they print."""
    found = blocks(PAGE)
    assert [b.info for b in found] == ["python sglang", "python hogdsl", "text"] * (len(found) // 3)
    return [
        Pair(texts=json.loads(left.note or ""), sglang=left, hogdsl=right, printed=printed.code)
        for left, right, printed in zip(found[::3], found[1::3], found[2::3], strict=True)
    ]


def ids(pair: Pair) -> str:
    return pair.sglang.section


@pytest.mark.parametrize("pair", pairs(), ids=ids)
def test_the_hogdsl_side_prints_what_the_page_says(pair: Pair):
    runtime = script(pair.texts)
    with hog.use(runtime):
        printed = run(pair.hogdsl, PAGE, namespace({"hog": hog, "runtime": runtime}))
    assert printed == pair.printed


@pytest.mark.parametrize("pair", pairs(), ids=ids)
def test_the_sglang_side_prints_the_same(pair: Pair, monkeypatch: pytest.MonkeyPatch):
    sgl: Any = pytest.importorskip("sglang", reason="needs SGLang's frontend: the extra `sglang`")
    from tests.docs.scripted_backend import ScriptedBackend, tell_of_forks

    tell_of_forks(monkeypatch)
    backend = ScriptedBackend(pair.texts)
    monkeypatch.setattr(sgl.global_config, "default_backend", backend)
    printed = run(pair.sglang, PAGE, namespace({"sgl": sgl, "backend": backend}))
    assert printed == pair.printed
