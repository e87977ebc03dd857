"""The tokenizer, the chat turns, the end tokens and the grammars of one checkpoint."""

from collections.abc import Iterable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from hogdsl.errors import ModelError
from hogdsl.plan import Constraint, TokenName
from runtime.grammar import GrammarMatcher, Grammars, Vocabulary
from runtime.text.codec import Codec
from runtime.text.detokenizer import Detokenizer
from runtime.text.generation import Generation, read_generation
from runtime.text.turns import ChatTurns, Message, Role


class Text:
    """All that turns a program's texts into tokens of a model and back."""

    def __init__(
        self,
        codec: Codec,
        turns: ChatTurns,
        *,
        bos: int | None = None,
        generation: Generation,
    ) -> None:
        self._codec = codec
        self._turns = turns
        self.bos = bos
        """The token that the tokenizer puts in front of a text by itself, if it does."""
        self.end_tokens: frozenset[int] = generation.end_tokens
        """Tokens with which the model says that it has finished."""
        self.sampling = generation.sampling
        """How the model's makers recommend to sample."""
        self.n_vocab: int = codec.n_vocab
        """Tokens are less than this; a model may have more rows, which mean nothing."""

    @classmethod
    def load(cls, folder: Path | str) -> "Text":
        """Read the tokenizer, chat template and generation config of a checkpoint.

        A missing chat template is an error only when a turn is asked for.

        Raises:
            ModelError: there is no tokenizer that can be used.
        """
        folder = Path(folder)
        loaded = _load_tokenizer(folder)
        codec = Codec(_backend(loaded, folder), source=str(folder))
        generation = read_generation(folder)
        own_end = set() if loaded.eos_token_id is None else {int(loaded.eos_token_id)}
        return cls(
            codec,
            ChatTurns(partial(_render, loaded, folder), source=str(folder)),
            bos=_bos(loaded),
            generation=Generation(
                end_tokens=generation.end_tokens | own_end, sampling=generation.sampling
            ),
        )

    def encode(self, text: str, *, first: bool = False) -> list[int]:
        """The tokens of a text; special tokens that are written in it are those tokens.

        Args:
            text: any text.
            first: it is plain text that begins a sequence: BOS is put in front if the tokenizer
                does that by itself and the text does not begin with it. A chat turn brings its own.
        """
        tokens = self._codec.encode(text)
        if first and self.bos is not None and tokens[:1] != [self.bos]:
            return [self.bos, *tokens]
        return tokens

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens, special ones included; bytes that are not UTF-8 become U+FFFD."""
        return self._codec.decode(tokens)

    def detokenizer(self) -> Detokenizer:
        """For the text of one stream, token by token."""
        return Detokenizer(self._codec.bytes_of)

    def bytes_of(self, token: int) -> bytes:
        """What a token adds to the text, in UTF-8; nothing if the vocabulary does not have it."""
        return self._codec.bytes_of(token)

    def token(self, name: TokenName) -> int:
        """The token of that text, which must be exactly one token, or of that number.

        Raises:
            ValueError: the text is none or several tokens, or no token has the number.
        """
        if isinstance(name, int):
            if not self.bytes_of(name):
                raise ValueError(f"the model has no token {name}; there are {self.n_vocab}")
            return name
        tokens = self._codec.encode(name)
        if len(tokens) != 1:
            raise ValueError(f"{name!r} is {len(tokens)} tokens of this model, not one")
        return tokens[0]

    def matcher(self, constraint: Constraint) -> GrammarMatcher:
        """A matcher at the beginning of what the constraint allows.

        Raises:
            ValueError: the grammar engine refuses it, with the reason.
        """
        return self._grammars.matcher(constraint)

    @cached_property
    def _grammars(self) -> Grammars:
        """Made when first needed: a large vocabulary takes about a second."""
        return Grammars(
            Vocabulary(
                tokens=[self.bytes_of(token) for token in range(self.n_vocab)],
                special=self._codec.special,
                end_tokens=[token for token in self.end_tokens if token < self.n_vocab],
                encode=self._codec.encode,
            )
        )

    def open_turn(self, role: Role, *, first: bool) -> str:
        """The text that opens a chat turn; see `ChatTurns.open`."""
        return self._turns.open(role, first=first)

    def close_turn(self, role: Role) -> str:
        """The text that closes a chat turn; see `ChatTurns.close`."""
        return self._turns.close(role)


def _load_tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer  # it takes a second to import

    if not folder.is_dir():
        raise ModelError(f"{folder}: there is no such folder to read a tokenizer from.")
    try:
        return AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:  # a tokenizer's files can break the library in many ways
        reason = " ".join(str(error).split())
        raise ModelError(
            f"{folder}: has no tokenizer that can be read: {reason} "
            "Copy tokenizer.json and tokenizer_config.json from the original checkpoint."
        ) from error


def _backend(loaded: Any, folder: Path) -> Tokenizer:
    backend = getattr(loaded, "backend_tokenizer", None)
    if not isinstance(backend, Tokenizer):
        raise ModelError(
            f"{folder}: the tokenizer {type(loaded).__name__} has no fast form. Use a checkpoint "
            "with a tokenizer.json."
        )
    return backend


def _bos(loaded: Any) -> int | None:
    """BOS, if it comes with every text that is encoded as a whole."""
    bos = loaded.bos_token_id
    return bos if bos is not None and loaded("a").input_ids[:1] == [bos] else None


def _render(loaded: Any, folder: Path, messages: list[Message], prompt: bool) -> str:
    if loaded.chat_template is None:
        raise ModelError(
            f"{folder}: has no chat template, so it has no chat turns. Use a checkpoint of a chat "
            "model, or put its template into the folder as chat_template.jinja."
        )
    return loaded.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt)
