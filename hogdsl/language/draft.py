"""A region while it is declared, as its streams see it.

A draft goes through the phases of the table, forwards only:

    phase       the streams' pens   results can be read
    unopened    unopened            no      `fork(...)` was called, its `with` not yet entered
    declaring   open                no      inside the `with` block
    declared    closed              no      of a fork inside of a worker: its `with` block has ended
    given up    closed              no      the block or a check has raised
    done        closed              yes     the region has run

A fork inside of a worker has a draft of its own, which knows the one around it: they are one region
when they run, so that rules are noted once for all of it (`Rules`).
"""

from dataclasses import dataclass, field
from typing import Literal

from hogdsl.compiler.ir import AskIR, HoldIR, InsertIR, UntilIR, WaitIR, WatchIR
from hogdsl.compiler.nodes import Place
from hogdsl.compiler.writers import Pen
from hogdsl.language.bindings import Bindings, Callback
from hogdsl.language.channel import Channel
from hogdsl.language.driver import Driver
from hogdsl.language.parts import whole_name
from hogdsl.language.speaker import Speaker

Phase = Literal["unopened", "declaring", "declared", "given up", "done"]

PENS: dict[Phase, Pen] = {
    "unopened": "unopened",
    "declaring": "open",
    "declared": "closed",
    "given up": "closed",
    "done": "closed",
}


@dataclass(slots=True)
class Rules:
    """What is declared for a whole region, the forks inside of its workers included.

    What the runtime calls back for, or takes from outside, is kept by the names that the plan has
    for it.
    """

    asks: list[AskIR] = field(default_factory=list[AskIR])
    waits: list[WaitIR] = field(default_factory=list[WaitIR])
    holds: list[HoldIR] = field(default_factory=list[HoldIR])
    watches: list[WatchIR] = field(default_factory=list[WatchIR])
    callbacks: dict[str, Callback] = field(default_factory=dict[str, Callback])
    channels: dict[str, Channel] = field(default_factory=dict[str, Channel])
    speakers: dict[str, Speaker] = field(default_factory=dict[str, Speaker])
    max_tokens: int | None = None
    _n_inserts: int = 0

    def watch(self, watch: WatchIR, callback: Callback) -> None:
        """Note what the program wants to know, and whom to tell."""
        self.watches.append(watch)
        self.callbacks[watch.name] = callback

    @property
    def bindings(self) -> Bindings:
        """What the plan cannot carry."""
        return Bindings(channels=self.channels, speakers=self.speakers, callbacks=self.callbacks)

    def count_insert(self) -> int:
        """The number of the next insert."""
        self._n_inserts += 1
        return self._n_inserts - 1


class Draft:
    """What the streams of a region, or of a fork inside of a worker, know of it."""

    def __init__(
        self, driver: Driver, place: Place, outer: "Draft | None" = None, worker: str = ""
    ) -> None:
        self.driver, self.place, self._outer = driver, place, outer
        self.prefix = f"{worker}/" if worker else ""
        """Begins the names that the plan has for its streams."""
        self.name = ""
        """Its name in the plan, from the moment that it is opened."""
        self.rules: Rules = Rules() if outer is None else outer.rules
        self.until: list[UntilIR] = []
        self.inserts: list[InsertIR] = []
        self._phase: Phase = "unopened"
        self._streams: tuple[str, ...] = ()

    @property
    def phase(self) -> Phase:
        """Where it is in its life; a fork inside of a worker runs with what is around it."""
        if self._phase == "declared" and self._outer is not None and self._outer.phase == "done":
            return "done"
        return self._phase

    @property
    def pen(self) -> Pen:
        """Whether a worker may be written to."""
        return PENS[self.phase]

    def open(self, name: str) -> None:
        """The `with` block begins."""
        self.name, self._phase = name, "declaring"

    def give_up(self) -> None:
        """The `with` block has ended; nothing has come of it yet."""
        self._phase = "given up"

    def declared(self) -> None:
        """It is declared, and will run with what is around it."""
        self._phase = "declared"

    def done(self, streams: tuple[str, ...]) -> None:
        """The region has run, with these streams."""
        self._phase, self._streams = "done", streams

    def check_open(self, what: str, place: Place) -> None:
        """Check that it is being declared.

        Raises:
            ProgramError: it is not.
        """
        self._check(self.phase == "declaring", what, place)

    def check_rules(self, what: str, place: Place) -> None:
        """Check that rules can be given: the region as a whole is being declared.

        Raises:
            ProgramError: it is not.
        """
        self._check(self._root.phase == "declaring", what, place)

    def _check(self, good: bool, what: str, place: Place) -> None:
        if not good:
            raise place.error(
                f"{what} is declared outside the `with` block of its region, which cannot see it "
                "there. Move it into the block.",
                code="outside-region",
            )

    def results(self, what: str, place: Place) -> "Results":
        """Where results are read.

        Raises:
            ProgramError: the region has not run.
        """
        if self.phase != "done":
            raise place.error(
                f"{what} is read too early: the region at {self.place} has not run, and there is "
                "no value yet. Read it after the end of the `with` block.",
                code="too-early",
            )
        return Results(self.driver, self._root.name, self._root._streams)

    @property
    def _root(self) -> "Draft":
        """The region's own draft."""
        return self if self._outer is None else self._outer._root


@dataclass(frozen=True, slots=True)
class Results:
    """What came of a region that has run.

    Attributes:
        driver: ran it, and knows.
        region: its name.
        streams: the names of its streams in the plan.
    """

    driver: Driver
    region: str
    streams: tuple[str, ...]

    def parts(self, name: str) -> tuple[str, ...]:
        """The streams that are one for the program: a worker writes on in a further stream after
        each fork inside of it."""
        return tuple(stream for stream in self.streams if whole_name(stream) == name)
