"""What the torch attention promises of its work: what is shared is read once, in few products."""

import torch

from runtime.attention import Span, SpanRow
from runtime.attention.pieces import LONG_SPAN_TOKENS, TILE_TOKENS, batches_of, cut_pieces
from runtime.attention.torch_ import TorchAttention
from runtime.model.rope import Rope
from tests.engine.tiny import CONFIG

N_LONG = LONG_SPAN_TOKENS


def decoding_row(own_slot: int, *others: Span) -> SpanRow:
    """One new token, in an own block of 5."""
    spans = [*others, Span(own_slot, 5, 0)]
    return SpanRow(spans, sum(span.n_tokens for span in spans), 1)


def test_a_span_that_several_rows_see_is_one_piece_for_all_of_them() -> None:
    shared = Span(0, N_LONG, 0)
    rows = [decoding_row(1000 * i, shared) for i in range(1, 5)]
    pieces = cut_pieces(rows, CONFIG.n_heads)
    assert [(p.n_keys, p.n_queries) for p in pieces if p.in_place] == [(N_LONG, 4)]
    assert [(p.n_keys, p.n_queries) for p in pieces if not p.in_place] == [(5, 1)] * 4


def test_a_short_span_is_cut_into_tiles_that_hold_each_token_once() -> None:
    rows = [decoding_row(5000, Span(64, N_LONG - 1, 0))]
    slots = [
        slot
        for piece in cut_pieces(rows, CONFIG.n_heads)
        for slot in range(piece.slot, piece.slot + piece.n_keys)
    ]
    assert slots == [*range(64, 64 + N_LONG - 1), *range(5000, 5005)]
    assert max(p.n_keys for p in cut_pieces(rows, CONFIG.n_heads)) == TILE_TOKENS


def test_products_do_not_grow_with_the_number_of_rows_and_blocks() -> None:
    n_products = set()
    for n_rows in (2, 8, 32):
        shared = [Span(0, N_LONG, 0), *(Span(1000 + 100 * i, 40, 0) for i in range(10))]
        rows = [decoding_row(5000 + 100 * i, *shared) for i in range(n_rows)]
        n_products.add(len(batches_of(cut_pieces(rows, CONFIG.n_heads), on_cpu=True)))
    assert max(n_products) <= 3


def test_a_tile_that_one_row_sees_is_not_padded_to_those_that_many_see() -> None:
    shared = [Span(100 * i, 40, 0) for i in range(9)]
    rows = [decoding_row(5000 + 100 * i, *shared) for i in range(32)]
    pieces = cut_pieces(rows, CONFIG.n_heads)
    batches = batches_of(pieces, on_cpu=True)
    assert [[p.n_queries for p in batch] for batch in batches] == [[1] * 32, [32] * 9]
    assert len(batches_of(pieces, on_cpu=False)) == 1, "a GPU has room for the padding"


def test_a_prompt_is_read_in_place_and_neither_copied_nor_turned() -> None:
    attention = TorchAttention(
        CONFIG,
        Rope(CONFIG.rope, CONFIG.head_dim),
        4096,
        device=torch.device("cpu"),
        dtype=torch.float32,
    )
    step = attention.prepare([SpanRow([Span(64, 200, 0), Span(264, 100, 200)], 300, 100)])
    assert step.shared is None
    assert [(call.slots, call.turns) for call in step.dense] == [(slice(64, 364), None)]
