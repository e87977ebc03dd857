"""A region while it is declared, as its streams see it.

A draft goes through the phases of the table, forwards only:

    phase       the streams' pens   results can be read
    unopened    unopened            no      `fork(...)` was called, its `with` not yet entered
    declaring   open                no      inside the `with` block
    given up    closed              no      the block or a check has raised
    done        closed              yes     the region has run
"""

from typing import Literal

from hogdsl.compiler.ir import AskIR, WaitIR
from hogdsl.compiler.nodes import Place
from hogdsl.compiler.writers import Pen
from hogdsl.language.driver import Driver

Phase = Literal["unopened", "declaring", "given up", "done"]

PENS: dict[Phase, Pen] = {
    "unopened": "unopened",
    "declaring": "open",
    "given up": "closed",
    "done": "closed",
}


class Draft:
    """What the streams of a region know of it."""

    def __init__(self, driver: Driver, place: Place) -> None:
        self._driver, self.place = driver, place
        self.name = ""
        """The region's name in the plan, from the moment that it is opened."""
        self.phase: Phase = "unopened"
        self.asks: list[AskIR] = []
        self.waits: list[WaitIR] = []

    @property
    def pen(self) -> Pen:
        """Whether a worker may be written to."""
        return PENS[self.phase]

    def check_open(self, what: str, place: Place) -> None:
        """Check that the region is being declared.

        Raises:
            ProgramError: it is not.
        """
        if self.phase != "declaring":
            raise place.error(
                f"{what} is declared outside the `with` block of its region, which cannot see it "
                "there. Move it into the block."
            )

    def results(self, what: str, place: Place) -> Driver:
        """Where results are read.

        Raises:
            ProgramError: the region has not run.
        """
        if self.phase != "done":
            raise place.error(
                f"{what} is read too early: the region at {self.place} has not run, and there is "
                "no value yet. Read it after the end of the `with` block."
            )
        return self._driver
