"""Text: between what programs say and what models read.

    text.py         Text: the tokenizer, chat turns, end tokens and grammars of one checkpoint
    codec.py        text -> tokens -> bytes, in the middle of a sequence
    detokenizer.py  text of a stream, token by token
    turns.py        what opens and closes a chat turn, from the model's own template
    generation.py   end tokens and recommended sampling

No file here imports torch; transformers is loaded when a tokenizer is.
"""

from runtime.text.detokenizer import Detokenizer
from runtime.text.generation import Generation, read_generation
from runtime.text.text import Text
from runtime.text.turns import ChatTurns, Role

__all__ = [
    "ChatTurns",
    "Detokenizer",
    "Generation",
    "Role",
    "Text",
    "read_generation",
]
