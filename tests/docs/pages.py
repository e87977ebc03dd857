"""Pages of the documentation as tests see them: fenced blocks, run in order."""

import io
import linecache
import re
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent.parent / "docs"
_FENCE = re.compile(
    r"^(?:<!-- (?P<note>[^\n]*) -->\n)?```(?P<info>[^\n]+)\n(?P<code>.*?)^```$",
    flags=re.DOTALL | re.MULTILINE,
)
_HEADING = re.compile(r"^##? (.+)$", flags=re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block of a page."""

    info: str
    """What follows the opening fence: a language, and what it is an example of."""
    code: str
    line: int
    """Of its first line of code in the page, counted from 1."""
    section: str
    """The section's heading."""
    note: str | None
    """What the comment right above the fence says, which readers do not see."""

    @property
    def language(self) -> str:
        """The first word of `info`."""
        return self.info.split()[0]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```$", _blanked, text, flags=re.DOTALL | re.MULTILINE)
    headings = [(match.start(), match[1]) for match in _HEADING.finditer(prose)]
    return [
        Block(
            info=match["info"],
            code=match["code"],
            line=text.count("\n", 0, match.start("code")) + 1,
            section=[name for at, name in headings if at < match.start()][-1],
            note=match["note"],
        )
        for match in _FENCE.finditer(text)
    ]


def run(block: Block, page: Path, namespace: dict[str, Any]) -> str:
    """Run a block's code in a namespace; gives what it printed.

    Tracebacks, and the places of programs, name the line of the page; or, where the fence names a
    file after the language, the line of that file.
    """
    _, _, file = block.info.partition(" ")
    name, offset = (file, 0) if file.endswith(".py") else (str(page), block.line - 1)
    source = "\n" * offset + block.code
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(source, name, "exec", dont_inherit=True), namespace)
    return printed.getvalue()


def namespace(names: Mapping[str, Any]) -> dict[str, Any]:
    """A fresh one, as that of a module that is run."""
    return {"__name__": "__main__", **names}


def _blanked(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])
