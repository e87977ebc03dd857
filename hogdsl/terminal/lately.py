"""What a runtime was doing lately, where to ask takes a round trip."""

from collections.abc import Callable
from time import monotonic

from hogdsl.events import Stats

MAX_AGE_S = 0.5


class Lately:
    """Asks again when the last answer is older than `MAX_AGE_S`."""

    def __init__(self, ask: Callable[[], Stats], *, clock: Callable[[], float] = monotonic) -> None:
        self._ask, self._clock = ask, clock
        self._answer: Stats | None = None
        self._asked_at_s = 0.0

    def __call__(self) -> Stats:
        now_s = self._clock()
        if self._answer is None or now_s - self._asked_at_s > MAX_AGE_S:
            self._answer, self._asked_at_s = self._ask(), now_s
        return self._answer
