"""The tokenizer of piglet: bytes, a few whole words, and the special tokens of a chat model.

Every byte is a token, so any text can be read. The words that its transcripts repeat (roles and
the names of workers) are merged into one token each. Digits and labels stay single characters.
"""

from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast

WORDS = (
    "user",
    "assistant",
    "system",
    "Alice",
    "Bob",
    "Carol",
    "Dave",
    "ahead",
    "hear",
    "yes",
    "no",
)
PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL = (PAD, START, END, "<think>", "</think>")

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def build() -> PreTrainedTokenizerFast:
    """Make the tokenizer from nothing; the result is always the same."""
    vocab = {byte: i for i, byte in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        head = word[0]
        for letter in word[1:]:
            if head + letter not in vocab:
                vocab[head + letter] = len(vocab)
                merges.append((head, letter))
            head += letter
    core = Tokenizer(BPE(vocab=vocab, merges=merges))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL])
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token=END,
        pad_token=PAD,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )
