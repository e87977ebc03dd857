"""The trace of one run of a program: from what is written to regions that a driver runs.

It owns the scope's state: pieces that have not run yet, the blocks that the scope sees, and the
names of its values. Sequential code becomes a region of the one stream `main`. Its block stays open
and grows on until a region in between adds blocks of its own to the scope.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import ValidationError

from hogdsl.compiler.check import check
from hogdsl.compiler.ir import RegionIR, StreamIR
from hogdsl.compiler.lower import kept_blocks, lower
from hogdsl.compiler.nodes import Gen, Node, Place, Select, merge_texts
from hogdsl.compiler.writers import check_pen
from hogdsl.language.driver import Driver
from hogdsl.language.pieces import as_piece

MAIN = "main"


@dataclass(frozen=True, slots=True)
class _Named:
    region: str
    place: Place


class Trace:
    """What a program has written so far; one per run, used by one thread."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self._pending: list[Node] = []
        self._blocks: tuple[str, ...] = ()
        self._main: str | None = None
        """The scope's open block, the last of `_blocks`."""
        self._n_regions = 0
        self._values: dict[str, _Named] = {}
        self._lent: Place | None = None
        """Where the open region was opened, if one is."""

    def write(self, content: object, place: Place) -> None:
        """Append text or a piece to the scope.

        Raises:
            ProgramError: a region is open, or it is neither.
        """
        check_pen("open" if self._lent is None else "lent", "the scope", place)
        self._pending.extend(merge_texts(as_piece(content, place).nodes))

    def read(self, name: str, place: Place) -> str:
        """The value of that name; runs what is pending if it is there.

        Raises:
            ProgramError: the scope has no such value.
        """
        if any(isinstance(n, Gen | Select) and n.name == name for n in self._pending):
            self.flush()
        named = self._values.get(name)
        if named is None:
            raise place.error(
                f"the scope has no value {name!r}. Write hog.gen({name!r}) to it before reading; "
                "a value of a stream is read from its handle, after its region."
            )
        return self.driver.value(named.region, MAIN, name, place)

    def lend(self, kind: str, place: Place) -> str:
        """Open a region: until it is given back, the scope cannot be written to.

        Returns: the region's name.

        Raises:
            ProgramError: another region is open.
        """
        if self._lent is not None:
            raise place.error(
                f"regions do not nest: the one at {self._lent} is still being declared. "
                "Open this one after the other's `with` block."
            )
        self._lent = place
        return f"{kind}.{self._n_regions + bool(self._pending)}"

    def give_back(self) -> None:
        """The region is declared, or given up."""
        self._lent = None

    def run(self, build: Callable[[tuple[str, ...]], RegionIR]) -> None:
        """Check a region and what is pending before it, then run both.

        Args:
            build: makes the region, given the blocks that the scope sees.

        Raises:
            ProgramError: one of them breaks a rule; then neither has run.
        """
        main = self._sequential()
        region = build(self._blocks if main is None else _own_view(main))
        check(region, {})
        self.flush()
        self._submit(region)
        if kept := kept_blocks(region):
            self._blocks, self._main = self._blocks + kept, None

    def flush(self) -> None:
        """Run what is pending.

        Raises:
            ProgramError: it breaks a rule.
        """
        main = self._sequential()
        if main is None:
            return
        self._pending.clear()
        self._submit(main)
        self._blocks, self._main = _own_view(main), main.streams[0].block
        for node in main.streams[0].writes:
            if isinstance(node, Gen | Select) and node.name is not None:
                self._values[node.name] = _Named(main.name, node.place)

    def finish(self) -> None:
        """The program's function has returned: run what is still pending.

        Raises:
            ProgramError: it breaks a rule, or a region is still open.
        """
        if self._lent is not None:
            raise self._lent.error(
                "the program ends while this region is open, so it never runs. "
                "Open it with a `with` block."
            )
        self.flush()

    def _sequential(self) -> RegionIR | None:
        if not self._pending:
            return None
        name = f"{MAIN}.{self._n_regions}"
        place = self._pending[0].place
        main = StreamIR(
            name=MAIN,
            role="main",
            block=self._main or name,
            continues=self._main is not None,
            writes=tuple(self._pending),
            place=place,
        )
        scope = self._blocks if self._main is None else self._blocks[:-1]
        region = RegionIR(name=name, scope=scope, streams=(main,), place=place)
        check(region, {name: named.place for name, named in self._values.items()})
        return region

    def _submit(self, region: RegionIR) -> None:
        try:
            lowered = lower(region)
        except ValidationError as error:
            fault = error.errors()[0]
            setting = ".".join(map(str, fault["loc"]))
            raise region.place.error(
                f"the setting {setting} of the region is of the wrong type: {fault['input']!r}. "
                f"{fault['msg']}."
            ) from error
        self._n_regions += 1
        self.driver.run(lowered)


def _own_view(main: RegionIR) -> tuple[str, ...]:
    return (*main.scope, main.streams[0].block)
