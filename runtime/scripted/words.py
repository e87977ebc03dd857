"""A tokenizer whose tokens are words, each with the space after it."""

import re

from hogdsl.plan import Constraint, TokenName
from runtime.grammar import GrammarMatcher, Grammars, Vocabulary
from runtime.scheduler.work import Role

END = 0
"""The end token; it spells nothing."""
_WORD = r"\s*\S+\s*|\s+"
_END_BYTE = 256


class Words:
    """A `runtime.scheduler.work.Text`. A word gets its number when it is first met.

    Chat turns have no text of their own, so that a script's texts are all that a stream writes.
    """

    end_tokens = frozenset({END})
    bos = END
    """A script needs no prompt: what a stream begins with has no part in what it writes."""

    def __init__(self) -> None:
        self._words = [""]
        self._numbers: dict[str, int] = {}
        self._named: dict[str, str] = {}
        """What finds each token that was asked for by name, as a whole."""
        self._grammars: Grammars | None = None

    def __repr__(self) -> str:
        return f"<Words {len(self._words)} words>"

    def encode(self, text: str, *, first: bool = False) -> list[int]:
        """The tokens of a text; tokens that were asked for by name stand for themselves."""
        if not self._named:
            return [self._number(word) for word in re.findall(_WORD, text)]
        tokens: list[int] = []
        for index, part in enumerate(re.split(f"({'|'.join(self._named.values())})", text)):
            words = [part] if index % 2 else re.findall(_WORD, part)  # every other one is a name
            tokens += [self._number(word) for word in words]
        return tokens

    def spell(self, token: int) -> str:
        """The text of a token."""
        return self._words[token]

    def detokenizer(self) -> "WordDetokenizer":
        return WordDetokenizer(self)

    def open_turn(self, role: Role, *, first: bool) -> str:
        return ""

    def close_turn(self, role: Role) -> str:
        return ""

    def token(self, name: TokenName) -> int:
        """The token of that text, from now on a token of its own wherever it stands.

        A token by its number n is written `<token n>` in a script.

        Raises:
            ValueError: the text is empty.
        """
        text = name if isinstance(name, str) else f"<token {name}>"
        if not text:
            raise ValueError("an empty text is no token")
        before = r"(?<!\w)" if text[0].isalnum() else ""
        behind = r"(?!\w)" if text[-1].isalnum() else ""
        self._named[text] = before + re.escape(text) + behind
        return self._number(text)

    def matcher(self, constraint: Constraint) -> "WordMatcher":
        """A matcher at the beginning of what the constraint allows.

        Raises:
            ValueError: the grammar engine refuses it, with the reason.
        """
        if self._grammars is None:
            self._grammars = Grammars(_BYTES)
        return WordMatcher(self, self._grammars.matcher(constraint))

    def _number(self, word: str) -> int:
        if word not in self._numbers:
            self._numbers[word] = len(self._words)
            self._words.append(word)
        return self._numbers[word]


class WordDetokenizer:
    """Words are complete characters, so nothing is ever held back."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def push(self, token: int) -> str:
        return self._words.spell(token)

    def flush(self) -> str:
        return ""


class WordMatcher:
    """Follows words through a grammar, byte by byte."""

    def __init__(self, words: Words, matcher: GrammarMatcher) -> None:
        self._words, self._matcher = words, matcher

    def allowed(self) -> bytes:
        """Nothing, for nobody looks: a script is checked as a whole before it is played."""
        return b""

    def push(self, token: int) -> None:
        if token == END:
            return
        for byte in self._words.spell(token).encode():
            self._matcher.push(byte)

    def misfit(self, text: str) -> str | None:
        """How much of a text the grammar takes, if it does not take it as a whole."""
        fits = bytearray()
        for byte in text.encode():
            if not _has(self._matcher.allowed(), byte):
                return fits.decode(errors="ignore")
            self._matcher.push(byte)
            fits.append(byte)
        return None if _has(self._matcher.allowed(), _END_BYTE) else text

    @property
    def is_complete(self) -> bool:
        return self._matcher.is_complete


def _has(mask: bytes, token: int) -> bool:
    return bool(mask[token // 8] >> (token % 8) & 1)


_BYTES = Vocabulary(
    tokens=[*(bytes([byte]) for byte in range(256)), b"<end>"],
    special=[_END_BYTE],
    end_tokens=[_END_BYTE],
    encode=lambda text: list(text.encode()),
)
