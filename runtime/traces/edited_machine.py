"""A machine that chooses what an edit says."""

from collections.abc import Sequence
from typing import final

from hogdsl.errors import PlanError
from runtime.scheduler.work import Cache, Chosen, Machine, Pages, Result, RowWork, Sample, Text
from runtime.traces.edits import Edit


@final
class EditedMachine:
    """A machine on which one stream chooses given tokens, once it has come to them."""

    def __init__(self, machine: Machine, edit: Edit) -> None:
        self._machine, self._edit = machine, edit
        self._n_chosen = 0

    @property
    def name(self) -> str:
        return self._machine.name

    @property
    def device(self) -> str:
        return self._machine.device

    @property
    def context_length(self) -> int:
        return self._machine.context_length

    @property
    def pages(self) -> Pages:
        return self._machine.pages

    @property
    def cache(self) -> Cache:
        return self._machine.cache

    @property
    def text(self) -> Text:
        return self._machine.text

    def run(self, rows: Sequence[RowWork]) -> list[Result]:
        """Run the rows; see `runtime.scheduler.work.Machine`.

        Raises:
            PlanError: the token may not stand there.
        """
        mine = [i for i, work in enumerate(rows) if self._is_mine(work)]
        edited: dict[int, Chosen] = {}
        for n, row in enumerate(mine, start=self._n_chosen):
            if n in self._edit:
                edited[row] = Chosen(self._checked(rows[row], self._edit.token(n)))
        results = self._machine.run(rows)
        self._n_chosen += len(mine)
        return [edited.get(i, result) for i, result in enumerate(results)]

    def _is_mine(self, work: RowWork) -> bool:
        if not isinstance(work.want, Sample):
            return False
        origin = work.want.origin
        return (origin.region, origin.stream) == (self._edit.region, self._edit.stream)

    def _checked(self, work: RowWork, token: int) -> int:
        want = work.want
        assert isinstance(want, Sample)
        mask = want.allowed
        allowed = mask is None or (token < 8 * len(mask) and mask[token // 8] >> token % 8 & 1)
        if token in want.forbidden or not allowed:
            raise PlanError(
                f"token {token} of the edit may not be chosen in the stream {self._edit.stream!r}: "
                "the gen forbids it, or its grammar does not let it come there. Edit it otherwise."
            )
        return token
