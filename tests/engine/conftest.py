"""Tiny engines. Every test of attention runs on all implementations, and on one cut very small."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runtime.attention import dense, pieces, torch_
from runtime.attention.native import planning
from runtime.engine import Engine
from tests.engine.tiny import tiny_engine

MakeEngine = Callable[..., Engine]

KINDS = {
    "reference": "reference",
    "torch": "torch",
    # With these limits ten tokens take all the ways that ten thousand take otherwise.
    "torch in crumbs": "torch",
    "native": "native",
    "native in crumbs": "native",
}


@pytest.fixture(params=KINDS)
def make_engine(request: pytest.FixtureRequest) -> Iterator[MakeEngine]:
    """`tiny_engine` for one implementation of attention."""

    def make(**settings: Any) -> Engine:
        return tiny_engine(attention=KINDS[request.param], **settings)

    with pytest.MonkeyPatch.context() as patch:
        if request.param == "torch in crumbs":
            patch.setattr(pieces, "LONG_SPAN_TOKENS", 7)
            patch.setattr(pieces, "BUSY_SPAN_SCORES", 12)
            patch.setattr(pieces, "MANY_ROWS", 3)
            patch.setattr(pieces, "TILE_TOKENS", 3)
            patch.setattr(pieces, "SCORES_MOST", 100)
            patch.setattr(pieces, "PADDED_FREELY_ON_CPU", 0)
            patch.setattr(dense, "CHUNK_QUERIES", 5)
            patch.setattr(dense, "SCORES_MOST", 300)
            patch.setattr(torch_, "FEW_NEW_TOKENS", 2)
        if request.param == "native in crumbs":
            patch.setattr(planning, "CHUNK_TOKENS", 3)
            patch.setattr(planning, "FOUND_MOST", 3000)
        yield make
