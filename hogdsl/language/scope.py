"""The scope: a program's sequential code."""

from typing import Self, final

from hogdsl.language.conditions import Quorum, Regex
from hogdsl.language.layouts import Layout
from hogdsl.language.now import Now
from hogdsl.language.pieces import Piece
from hogdsl.language.regions import Keep
from hogdsl.language.source import here
from hogdsl.language.team import Team
from hogdsl.language.trace import Trace

_CONTIGUOUS = Layout()


@final
class Scope:
    """What a program writes to, one piece after another, and where it opens regions."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def __iadd__(self, content: str | Piece) -> Self:
        """Append text or a piece; it runs when a value is read, a region runs or the program ends.

        Raises:
            ProgramError: a region is open, or it is neither text nor a piece.
        """
        self._trace.write(content, here())
        return self

    def __getitem__(self, name: str) -> str:
        """The value of a named `gen` or `select` of the scope; waits for it.

        Raises:
            ProgramError: the scope has no such value.
        """
        return self._trace.read(name, here())

    def fork(
        self,
        *names: str | int,
        layout: Layout = _CONTIGUOUS,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
        keep: Keep = "all",
    ) -> Team:
        """Workers that run at the same time; all see the scope first.

        Args:
            names: names of the workers, or one number of workers.
            layout: how they see each other, from `hogdsl.layouts`.
            max_tokens: the most tokens that each writes.
            max_seconds: the longest that the region runs.
            keep: whose blocks the scope sees afterwards: `"all"`, names, or `()` for nobody.
                With the layout `combined` the history stays if anybody's block does.

        Raises:
            ProgramError: there is no worker, or an argument breaks a rule.
        """
        return Team(
            self._trace,
            names,
            layout=layout,
            max_tokens=max_tokens,
            max_seconds=max_seconds,
            keep=keep,
        )

    def concurrent(
        self,
        *,
        until: Regex | Quorum | None = None,
        max_seconds: float | None = None,
        keep: Keep = "all",
    ) -> Now:
        """Streams that think and speak at the same time; all see the scope first.

        Args:
            until: ends the region when it holds.
            max_seconds: the longest that the region runs.
            keep: whose blocks the scope sees afterwards: `"all"`, names, or `()` for nobody.
        """
        return Now(self._trace, until=until, max_seconds=max_seconds, keep=keep)
