"""Text to tokens and back, adding nothing and taking nothing off.

The texts of a stream are pieces that follow one another, so what a tokenizer does at the start of a
prompt must not happen in the middle: no BOS, no space put in front by SentencePiece, none stripped
when decoding. And a token stands for *bytes*: characters may be split between tokens, so text is
what the bytes of all tokens together spell in UTF-8.
"""

import json
from collections.abc import Callable, Iterable
from functools import lru_cache

from tokenizers import Tokenizer

from hogdsl.errors import ModelError

_SPACE = "\u2581"
"""How SentencePiece vocabularies write a space."""
SHORT_CHARS = 32
N_SHORT = 1024
"""So many short texts are encoded once: headers of steps, questions and their answers come again
and again."""
_SAMPLES = ("a", " a", "  b", "1+1", "\n\nc", "ab cd\ne")


class Codec:
    """What one tokenizer makes of text in the middle of a sequence."""

    def __init__(self, tokenizer: Tokenizer, *, source: str) -> None:
        """
        Args:
            tokenizer: of the library `tokenizers`; its truncation and padding are switched off.
            source: where it came from, for messages.

        Raises:
            ModelError: it has no known way from tokens to bytes, or does not give back its text.
        """
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self._added = tokenizer.get_added_tokens_decoder()
        self._spell = _speller(tokenizer, source)
        self._spelled: dict[int, bytes] = {}
        self._known = lru_cache(N_SHORT)(lambda text: tuple(self._tokens_of(text)))
        self._lead, self._n_lead = self._find_lead(source)
        self.n_vocab: int = max(tokenizer.get_vocab(with_added_tokens=True).values()) + 1
        """Tokens are less than this; a model may have more rows, which mean nothing."""

    @property
    def special(self) -> frozenset[int]:
        """Tokens that are signs between texts, as the tokenizer says, and no text themselves."""
        return frozenset(token for token, added in self._added.items() if added.special)

    def encode(self, text: str) -> list[int]:
        """The tokens of `text`; special tokens that are written in it are those tokens."""
        return list(self._known(text)) if len(text) <= SHORT_CHARS else self._tokens_of(text)

    def _tokens_of(self, text: str) -> list[int]:
        return self._plain(self._lead + text)[self._n_lead :] if text else []

    def bytes_of(self, token: int) -> bytes:
        """What a token adds to the text, in UTF-8; nothing if the vocabulary does not have it."""
        known = self._spelled.get(token)
        if known is None:
            known = self._spelled[token] = self._new_bytes(token)
        return known

    def _new_bytes(self, token: int) -> bytes:
        if token in self._added:
            return self._added[token].content.encode()
        spelling = self._tokenizer.id_to_token(token)
        return self._spell(spelling) if spelling is not None else b""

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens, special ones too; bytes that are not UTF-8 become U+FFFD."""
        return b"".join(map(self.bytes_of, tokens)).decode(errors="replace")

    def _plain(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def _find_lead(self, source: str) -> tuple[str, int]:
        """Text to write in front of every piece, and its tokens to take off again.

        A tokenizer that puts a space in front of what it takes for the start of a text puts it
        before the lead instead. Most tokenizers need none.
        """
        special = [token.content for token in self._added.values() if token.special]
        for lead in ["", *special[:1], "\n"]:
            tokens = self._plain(lead)
            if all(self._gives_back(lead, tokens, sample) for sample in _SAMPLES):
                return lead, len(tokens)
        raise ModelError(
            f"{source}: the tokenizer must give back the text that it was given, but it changes or "
            f"loses some of {_SAMPLES!r}. Only tokenizers without normalisation or unknown "
            "characters are supported."
        )

    def _gives_back(self, lead: str, lead_tokens: list[int], sample: str) -> bool:
        tokens = self._plain(lead + sample)
        n_lead = len(lead_tokens)
        return tokens[:n_lead] == lead_tokens and self.decode(tokens[n_lead:]) == sample


def _speller(tokenizer: Tokenizer, source: str) -> Callable[[str], bytes]:
    """How the entries of a vocabulary are spelled, told by the tokenizer's own decoder."""
    state = json.loads(tokenizer.decoder.__getstate__()) if tokenizer.decoder else {}
    parts = state.get("decoders", [state])
    kinds = {part.get("type") for part in parts}
    if "ByteLevel" in kinds:
        letters = _byte_letters()
        return lambda spelling: b"".join(letters.get(x) or x.encode() for x in spelling)
    if kinds & {"ByteFallback", "Metaspace"}:
        return _sentencepiece_bytes
    raise ModelError(
        f"{source}: the tokenizer's decoder must be byte-level or SentencePiece with bytes, found "
        f"{', '.join(sorted(map(str, kinds)))}. Other ways from tokens to text are not known."
    )


def _byte_letters() -> dict[str, bytes]:
    """The letter that stands for each byte in byte-level vocabularies (GPT-2 and all since).

    Bytes that are visible in Latin-1 stand for themselves, the others for U+0100 and up, in order.
    """
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = [byte for byte in range(256) if byte not in visible]
    letters = {chr(byte): bytes([byte]) for byte in visible}
    return letters | {chr(0x100 + rank): bytes([byte]) for rank, byte in enumerate(hidden)}


def _sentencepiece_bytes(spelling: str) -> bytes:
    is_byte = len(spelling) == 6 and spelling.startswith("<0x") and spelling.endswith(">")
    if is_byte:
        return bytes.fromhex(spelling[3:5])
    return spelling.replace(_SPACE, " ").encode()
