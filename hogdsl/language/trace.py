"""The trace of one run of a program: from what is written to regions that a driver runs.

It owns the scope's state: pieces that have not run yet, the blocks that the scope sees, and the
names of its values. Sequential code becomes a region of the one stream `main`. Its block stays open
and grows on until a region in between adds blocks of its own to the scope, or a detached text does,
which begins a further region.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import ValidationError

from hogdsl import plan
from hogdsl.compiler.check import check
from hogdsl.compiler.ir import NestedIR, RegionIR, StreamIR
from hogdsl.compiler.lower import lower
from hogdsl.compiler.nodes import Detached, Gen, Node, PieceNode, Place, Select, merge_texts
from hogdsl.compiler.writers import check_pen
from hogdsl.events import Value
from hogdsl.language.draft import Draft
from hogdsl.language.driver import Driver
from hogdsl.language.pieces import as_piece
from hogdsl.language.regions import still_open

MAIN = "main"
NOBODY: Mapping[str, Place] = MappingProxyType({})


@dataclass(slots=True)
class _Named:
    """A value of the scope."""

    region: str
    place: Place
    read: bool = False
    """It was read; then its name may be given again."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """A region that has passed all checks."""

    declared: RegionIR
    lowered: plan.Region


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What is written to one block of the scope, and the detached texts right before it."""

    detached: tuple[Detached, ...]
    writes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class _Sequence:
    """What is pending, as regions, and what the scope sees when they have run."""

    regions: tuple[_Ready, ...]
    blocks: tuple[str, ...]
    detached: tuple[Detached, ...]
    """Texts behind which nothing has been written: the next region has them."""


class Trace:
    """What a program has written so far; one per run, used by one thread."""

    def __init__(self, driver: Driver, *, context_length: int | None = None) -> None:
        """Begin a trace.

        Args:
            driver: runs the regions.
            context_length: of the model, in tokens, if budgets are to be checked against it.
        """
        self.driver, self._context_length = driver, context_length
        self._pending: list[PieceNode] = []
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

    def read(self, name: str, place: Place) -> Value:
        """The newest value of that name; runs what is pending if it is there.

        Raises:
            ProgramError: the scope has no such value.
        """
        if any(isinstance(n, Gen | Select) and n.name == name for n in self._pending):
            self.flush()
        named = self._values.get(name)
        if named is None:
            raise place.error(
                f"the scope has no value {name!r}. Write hog.gen({name!r}) to it before reading; "
                "a value of a stream is read from its handle, after its region.",
                code="no-value",
            )
        named.read = True
        return self.driver.value_event(named.region, (MAIN,), name, place)

    def run_node(self, node: Gen | Select) -> Value:
        """Append a `gen` or `select`, run what is pending, and give the value.

        Raises:
            ProgramError: a region is open, or something that is pending breaks a rule.
        """
        check_pen("open" if self._lent is None else "lent", "the scope", node.place)
        self._pending.append(node)
        stretches = list(_stretches(self._pending))
        index = sum(isinstance(n, Gen | Select) for n in stretches[-1].writes) - 1
        region = f"{MAIN}.{self._n_regions + len(stretches) - 1}"
        self.flush()
        if node.name is not None:
            self._values[node.name].read = True
        return self.driver.value_event(region, (MAIN,), index, node.place)

    def lend(self, kind: str, place: Place) -> str:
        """Open a region: until it is given back, the scope cannot be written to.

        Returns: the region's name.

        Raises:
            ProgramError: another region is open.
        """
        if self._lent is not None:
            raise place.error(
                f"regions do not nest: the one at {self._lent} is still being declared. Open this "
                "one after the other's `with` block, or fork from one of its workers.",
                code="region-in-region",
            )
        self._lent = place
        n_before = sum(bool(stretch.writes) for stretch in _stretches(self._pending))
        return f"{kind}.{self._n_regions + n_before}"

    def give_back(self) -> None:
        """The region is declared, or given up."""
        self._lent = None

    def take(self, declared: NestedIR, draft: Draft) -> None:
        """Check a region and what is pending before it, then run both.

        Raises:
            ProgramError: one of them breaks a rule; then neither has run.
        """
        before = self._sequence()
        region = self._ready(
            RegionIR(
                name=declared.name,
                scope=before.blocks,
                detached=before.detached,
                streams=declared.streams,
                asks=tuple(draft.rules.asks),
                waits=tuple(draft.rules.waits),
                until=declared.until,
                holds=tuple(draft.rules.holds),
                inserts=declared.inserts,
                watches=tuple(draft.rules.watches),
                keep=declared.keep,
                max_tokens=draft.rules.max_tokens,
                max_seconds=declared.max_seconds,
                place=declared.place,
            )
        )
        self._pending.clear()
        self._run_main(before.regions)
        self.driver.bind(declared.name, draft.rules.bindings)
        self._run(region)
        draft.done(tuple(stream.name for stream in region.lowered.streams))
        if kept := region.lowered.keep:
            self._blocks, self._main = self._blocks + kept, None

    def flush(self) -> None:
        """Run what is pending.

        Raises:
            ProgramError: it breaks a rule.
        """
        before = self._sequence()
        self._pending = list(before.detached)
        self._run_main(before.regions)

    def finish(self) -> None:
        """The program's function has returned: run what is still pending.

        Raises:
            ProgramError: it breaks a rule, or a region is still open.
        """
        if self._lent is not None:
            raise still_open(self._lent)
        self.flush()

    def _sequence(self) -> _Sequence:
        """What is pending; detached texts at its end are left over."""
        taken = {name: named.place for name, named in self._values.items() if not named.read}
        blocks, main = self._blocks, self._main
        regions: list[_Ready] = []
        left: tuple[Detached, ...] = ()
        for stretch in _stretches(self._pending):
            if not stretch.writes:
                left = stretch.detached
                continue
            name = f"{MAIN}.{self._n_regions + len(regions)}"
            main = None if stretch.detached else main
            stream = StreamIR(
                name=MAIN,
                role="main",
                block=main or name,
                continues_block=main is not None,
                writes=stretch.writes,
                place=stretch.writes[0].place,
            )
            region = RegionIR(
                name=name,
                scope=blocks if main is None else blocks[:-1],
                detached=stretch.detached,
                streams=(stream,),
                place=stream.place,
            )
            regions.append(self._ready(region, taken))
            taken |= _names(stream)
            (lowered,) = regions[-1].lowered.streams
            blocks, main = lowered.view, stream.block
        return _Sequence(tuple(regions), blocks, left)

    def _ready(self, region: RegionIR, taken: Mapping[str, Place] = NOBODY) -> _Ready:
        check(region, taken, self._context_length)
        try:
            return _Ready(region, lower(region))
        except ValidationError as error:
            fault = error.errors()[0]
            setting = ".".join(map(str, fault["loc"]))
            raise region.place.error(
                f"the setting {setting} of the region is of the wrong type: {fault['input']!r}. "
                f"{fault['msg']}.",
                code="setting",
            ) from error

    def _run_main(self, regions: Iterable[_Ready]) -> None:
        for region in regions:
            self._run(region)
            (stream,) = region.declared.streams
            (lowered,) = region.lowered.streams
            self._blocks, self._main = lowered.view, stream.block
            for name, place in _names(stream).items():
                self._values[name] = _Named(region.declared.name, place)

    def _run(self, region: _Ready) -> None:
        self._n_regions += 1
        self.driver.run(region.lowered)


def _stretches(nodes: Iterable[PieceNode]) -> Iterator[_Stretch]:
    """Cut before every detached text that something is written before; in the last stretch there
    may be nothing written."""
    detached: list[Detached] = []
    writes: list[Node] = []
    for node in nodes:
        if not isinstance(node, Detached):
            writes.append(node)
            continue
        if writes:
            yield _Stretch(tuple(detached), tuple(writes))
            detached, writes = [], []
        detached.append(node)
    if detached or writes:
        yield _Stretch(tuple(detached), tuple(writes))


def _names(stream: StreamIR) -> dict[str, Place]:
    """The names of the values that a stream writes."""
    nodes = (node for node in stream.writes if isinstance(node, Gen | Select))
    return {node.name: node.place for node in nodes if node.name is not None}
