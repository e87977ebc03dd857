"""The pairs of docs/from-sglang.md: the same program for SGLang and for us."""

import json
from dataclasses import dataclass

from tests.docs.pages import DOCS, Block, blocks

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
