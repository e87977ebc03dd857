"""Text to tokens and back, for every kind of tokenizer that real checkpoints have."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE, WordLevel

from hogdsl.errors import ModelError
from runtime.text import Text
from runtime.text.codec import Codec
from tests.text.tiny_tokenizers import byte_level, save, sentencepiece

KINDS = {
    "byte-level": lambda: byte_level(),
    "sentencepiece": lambda: sentencepiece(old=False),
    "old sentencepiece": lambda: sentencepiece(old=True),
}
CODECS = {
    name: Codec(make().backend_tokenizer, source=name)  # small enough to make while collecting
    for name, make in KINDS.items()
}
any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\u2581"))


@pytest.mark.parametrize("kind", KINDS)
@given(text=any_text)
def test_decoding_gives_back_what_was_encoded(kind: str, text: str) -> None:
    codec = CODECS[kind]
    assert codec.decode(codec.encode(text)) == text


@pytest.mark.parametrize("kind", KINDS)
@given(pieces=st.lists(any_text, max_size=4))
def test_pieces_encoded_one_by_one_spell_the_whole(kind: str, pieces: list[str]) -> None:
    codec = CODECS[kind]
    tokens = [token for piece in pieces for token in codec.encode(piece)]
    assert codec.decode(tokens) == "".join(pieces)


@given(tokens=st.lists(st.integers(0, 299), max_size=12))
def test_broken_characters_come_out_as_the_tokenizer_itself_writes_them(tokens: list[int]) -> None:
    own = byte_level().backend_tokenizer.decode(tokens, skip_special_tokens=False)
    assert CODECS["byte-level"].decode(tokens) == own


@pytest.mark.parametrize("kind", KINDS)
@given(text=any_text)
def test_a_text_decodes_as_the_tokenizer_itself_decodes_it(kind: str, text: str) -> None:
    codec, own = CODECS[kind], KINDS[kind]().backend_tokenizer
    anchored = [*codec.encode("x"), *codec.encode(text)]  # it strips a space at the very start
    assert codec.decode(anchored) == own.decode(anchored, skip_special_tokens=False)


def test_no_space_is_put_in_front_of_a_text_in_the_middle() -> None:
    tokenizer = sentencepiece(old=True)
    assert tokenizer.tokenize("Hello") == ["\u2581Hello"]
    codec = CODECS["old sentencepiece"]
    assert [codec.bytes_of(token) for token in codec.encode(" Hello")] == [b" Hello"]
    assert b"".join(map(codec.bytes_of, codec.encode("Hello"))) == b"Hello"


def test_special_tokens_written_in_a_text_are_those_tokens() -> None:
    codec = CODECS["byte-level"]
    tokens = codec.encode("a<think>b")
    assert len(tokens) == 3
    assert codec.decode(tokens) == "a<think>b"


def test_a_token_outside_the_vocabulary_spells_nothing() -> None:
    codec = CODECS["byte-level"]
    assert codec.n_vocab == 300
    assert codec.bytes_of(300) == b""


def test_truncation_and_padding_set_in_a_tokenizer_are_switched_off() -> None:
    backend = byte_level().backend_tokenizer
    backend.enable_truncation(4)
    backend.enable_padding(length=10)
    assert len(Codec(backend, source="here").encode("xyzxyz")) == 6


def test_the_tokens_of_a_text_that_comes_again_are_the_callers_own() -> None:
    codec = Codec(byte_level().backend_tokenizer, source="here")
    tokens = codec.encode("Alice: ")
    tokens.clear()
    assert codec.decode(codec.encode("Alice: ")) == "Alice: "


def test_line_ends_that_are_one_token_stay_one() -> None:
    codec = CODECS["sentencepiece"]
    assert [codec.bytes_of(token) for token in codec.encode("\n\nx")] == [b"\n\n", b"x"]


def test_a_tokenizer_that_changes_text_is_refused() -> None:
    backend = byte_level().backend_tokenizer
    backend.normalizer = normalizers.Replace(" ", "")
    with pytest.raises(ModelError, match="must give back the text"):
        Codec(backend, source="here")


def test_a_tokenizer_with_a_space_before_each_text_still_gives_the_text_back() -> None:
    backend = byte_level().backend_tokenizer
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=True)
    codec = Codec(backend, source="here")
    assert codec.decode(codec.encode("word")) == "word"


def test_a_tokenizer_of_another_kind_is_refused_by_name() -> None:
    backend = Tokenizer(WordLevel({"a": 0}, unk_token="a"))
    backend.decoder = decoders.WordPiece()
    with pytest.raises(
        ModelError, match=r"here: the tokenizer's decoder must be .* found WordPiece"
    ):
        Codec(backend, source="here")


def test_a_vocabulary_with_holes_counts_up_to_its_last_token() -> None:
    letters = pre_tokenizers.ByteLevel.alphabet()
    backend = Tokenizer(BPE(vocab={x: 2 * i for i, x in enumerate(sorted(letters))}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    assert Codec(backend, source="here").n_vocab == 511


def test_only_the_first_text_gets_the_tokenizers_own_bos(tmp_path: Path) -> None:
    text = Text.load(save(sentencepiece(old=False), tmp_path))
    assert text.bos == 1
    assert text.encode("ab", first=True) == [1, *text.encode("ab")]
    assert text.encode("<s>ab", first=True) == text.encode("<s>ab")
    assert 1 not in text.encode("ab")


def test_a_tokenizer_that_adds_no_bos_has_none(tmp_path: Path) -> None:
    text = Text.load(save(byte_level(bos_token="<|endoftext|>"), tmp_path))
    assert text.bos is None
    assert text.encode("ab", first=True) == text.encode("ab")
