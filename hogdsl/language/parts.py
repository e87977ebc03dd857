"""Names of the parts of a stream.

A worker that forks is written in parts, which are streams of their own in the plan: `Alice`, then
`Alice#2` and so on. Those who were forked inside of it are `Alice/x`. No name that a program gives
has either sign.
"""

import re

_PART = re.compile(r"#\d+")


def whole_name(stream: str) -> str:
    """The name that the program knows: without the numbers of parts."""
    return _PART.sub("", stream) if "#" in stream else stream
