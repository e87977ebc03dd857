"""Tiny engines. Every test of attention runs on all implementations, and on one cut very small."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from runtime.attention import ATTENTION_KINDS, dense, pieces, torch_
from runtime.attention.flashinfer import requests
from runtime.attention.native import planning
from runtime.engine import Engine
from tests.engine.stand_ins import FlashInferInBuckets, FlashInferOnCpu
from tests.engine.tiny import tiny_engine

MakeEngine = Callable[..., Engine]

KINDS = {
    "reference": "reference",
    "torch": "torch",
    # With these limits ten tokens take all the ways that ten thousand take otherwise.
    "torch in crumbs": "torch",
    "native": "native",
    "native in crumbs": "native",
    # On stand-ins for what runs on a GPU.
    "flashinfer": "flashinfer",
    "flashinfer in buckets": "flashinfer",
    "flashinfer in crumbs": "flashinfer",
}


@pytest.fixture(params=KINDS)
def attention(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of one implementation, set up for the test."""
    with pytest.MonkeyPatch.context() as patch:
        in_buckets = request.param == "flashinfer in buckets"
        on_cpu = FlashInferInBuckets if in_buckets else FlashInferOnCpu
        patch.setitem(ATTENTION_KINDS, "flashinfer", on_cpu)
        if request.param == "flashinfer in crumbs":
            patch.setattr(requests, "SHORT_RUN_QUERIES", 6)
            patch.setattr(requests, "REQUEST_TOKENS_LEAST", 16)
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
        yield KINDS[request.param]


@pytest.fixture
def make_engine(attention: str) -> MakeEngine:
    """`tiny_engine` for one implementation of attention."""
    return partial(tiny_engine, attention=attention)
