"""Text of a stream, token by token."""

from hypothesis import given
from hypothesis import strategies as st

from runtime.text import Detokenizer
from runtime.text.codec import Codec
from tests.text.tiny_tokenizers import byte_level, sentencepiece

BYTE_LEVEL = Codec(byte_level().backend_tokenizer, source="byte-level")
SENTENCEPIECE = Codec(sentencepiece(old=True).backend_tokenizer, source="sentencepiece")


def stream(codec: Codec, tokens: list[int]) -> list[str]:
    detokenizer = Detokenizer(codec.bytes_of)
    return [*map(detokenizer.push, tokens), detokenizer.flush()]


@given(tokens=st.lists(st.integers(0, 310), max_size=30))
def test_the_pieces_together_are_the_text_decoded_at_once(tokens: list[int]) -> None:
    for codec in (BYTE_LEVEL, SENTENCEPIECE):
        assert "".join(stream(codec, tokens)) == codec.decode(tokens)


def test_a_character_comes_with_the_token_that_completes_it() -> None:
    tokens = BYTE_LEVEL.encode("né🙂.")
    assert stream(BYTE_LEVEL, tokens) == ["n", "", "é", "", "", "", "🙂", ".", ""]


def test_an_unfinished_character_comes_out_as_a_replacement_at_the_end() -> None:
    tokens = BYTE_LEVEL.encode("ok🙂")[:-1]
    assert stream(BYTE_LEVEL, tokens)[-1] == "\ufffd"


def test_a_stream_can_go_on_after_a_flush() -> None:
    detokenizer = Detokenizer(BYTE_LEVEL.bytes_of)
    half, whole = BYTE_LEVEL.encode("é"), BYTE_LEVEL.encode("b")
    assert detokenizer.push(half[0]) == ""
    assert detokenizer.flush() == "\ufffd"
    assert detokenizer.push(whole[0]) == "b"


def test_a_leading_space_is_kept() -> None:
    assert stream(SENTENCEPIECE, SENTENCEPIECE.encode(" Hello World")) == [" Hello", " World", ""]


def test_special_tokens_show() -> None:
    assert "".join(stream(BYTE_LEVEL, BYTE_LEVEL.encode("<think>"))) == "<think>"
