"""Text of a stream while its tokens come in.

A character may be split between tokens. Its text comes with the token that completes it, and every
token costs the same however long the stream is.
"""

import codecs
from collections.abc import Callable


class Detokenizer:
    """For one stream. All that `push` and then `flush` give is what decoding all at once gives."""

    def __init__(self, bytes_of: Callable[[int], bytes]) -> None:
        """
        Args:
            bytes_of: what a token adds to the text, in UTF-8.
        """
        self._bytes_of = bytes_of
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def push(self, token: int) -> str:
        """The text that this token completes; empty in the middle of a character."""
        return self._utf8.decode(self._bytes_of(token))

    def flush(self) -> str:
        """The stream has ended: an unfinished character comes out as U+FFFD."""
        return self._utf8.decode(b"", final=True)
