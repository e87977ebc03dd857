"""Small tokenizers of the kinds that real checkpoints have, saved as folders."""

from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast

from runtime.piglet.tokenizer import build

_WORDS = ("Hello", "World", "the", "and")


def byte_level(template: str | None = None, **settings: Any) -> PreTrainedTokenizerFast:
    """Bytes with a few merges, like Qwen's and Llama 3's."""
    tokenizer = build()
    tokenizer.chat_template = template
    for name, value in settings.items():
        setattr(tokenizer, name, value)
    return tokenizer


def sentencepiece(*, old: bool) -> PreTrainedTokenizerFast:
    """Characters with byte fallback; a space goes in front of a text.

    `old`: in front of the text after each special token too, as in Llama 2.
    """
    words = [*map(chr, range(0x21, 0x7F)), "\u2581"]
    vocab: dict[str, int] = {"<unk>": 0, "<s>": 1, "</s>": 2}
    for entry in [f"<0x{byte:02X}>" for byte in range(256)] + words:
        vocab[entry] = len(vocab)
    merges: list[tuple[str, str]] = []
    for word in _WORDS:
        head = "\u2581"
        for letter in word:
            merges.append((head, letter))
            head += letter
            vocab.setdefault(head, len(vocab))
    if not old:  # later ones have tokens of several line ends, which may not be cut apart
        merges.append(("\n", "\n"))
        vocab |= {"\n": len(vocab), "\n\n": len(vocab) + 1}
    core = Tokenizer(
        BPE(vocab=vocab, merges=merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    )
    parts = [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    if old:
        core.normalizer = normalizers.Sequence(
            [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
        )
        core.decoder = decoders.Sequence([*parts, decoders.Strip(" ", 1, 0)])
    else:
        core.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
        core.decoder = decoders.Sequence([*parts, decoders.Strip(" ", 1, 0)])
    core.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL])
    core.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<s>", eos_token="</s>")


SPECIAL = ("<unk>", "<s>", "</s>")


def save(tokenizer: PreTrainedTokenizerFast, folder: Path) -> Path:
    """Write the files of a tokenizer."""
    tokenizer.save_pretrained(folder)
    return folder
